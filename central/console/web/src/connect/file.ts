/** What is proposed, as it goes into an edge's file. Pure. */
import type { Found } from './api';

/** How long an edge may listen, in seconds. */
export const SECONDS = [5, 15, 30] as const;

/** Entries of some devices under their key; nothing of nothing. */
export function fileOf(found: readonly Found[]): string {
  const entries = found.map((f) => f.proposal).filter((p) => p !== '');
  return entries.length === 0 ? '' : `cameras:\n${entries.map((p) => (p.endsWith('\n') ? p : `${p}\n`)).join('')}`;
}

/** What a device is, as far as it said. */
export const whatOf = (f: Found): string => [f.manufacturer, f.model].filter(Boolean).join(' ');
