/** Parts of a history put together. Pure. */
import type { CaseEvent } from '../types';

/** All events once, oldest first. */
export function merged(a: readonly CaseEvent[], b: readonly CaseEvent[]): CaseEvent[] {
  const byPosition = new Map([...a, ...b].map((e) => [e.position, e]));
  return [...byPosition.values()].sort((x, y) => x.position - y.position);
}
