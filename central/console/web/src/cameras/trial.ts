/** A trial on a time line: where each situation lies, and what the trial says in numbers. Pure. */
import type { TrialEvent, TrialResult } from '../devices/api';

/** How far back may be asked, in seconds. */
export const TRIAL_SPANS = [300, 900, 3600] as const;

export interface Bar {
  zone: string;
  kind: string;
  /** Share of the line, 0 to 1; at least so wide that it is seen. */
  x: number;
  width: number;
  from: string;
  to: string;
}

const NARROW = 0.006;

/** Situations as bars between the beginning and the end of what was there to look at. */
export function barsOf(r: TrialResult, events: readonly TrialEvent[]): Bar[] {
  const begin = Date.parse(r.from);
  const length = Math.max(1, Date.parse(r.to) - begin);
  const share = (at: string) => Math.min(1, Math.max(0, (Date.parse(at) - begin) / length));
  return events.map((e) => {
    const x = Math.min(share(e.from), 1 - NARROW);
    return { zone: e.zone, kind: e.kind, x, width: Math.max(NARROW, share(e.to) - x), from: e.from, to: e.to };
  });
}

/** Zones in which something would have been or was raised, by name. */
export const zonesOf = (r: TrialResult): string[] => [...new Set([...(r.would ?? []), ...(r.did ?? [])].map((e) => e.zone))].sort((a, b) => a.localeCompare(b));
