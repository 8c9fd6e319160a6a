/** What came while the connection was lost: read again from central, and counted. In: central's lists. Out: a count, and the alerts. */
import { api } from '../api';
import type { Alert, Case, Severity } from '../types';

/** Where the gap began: after a position in the alert log, and a moment by central's clock. */
export interface Gap {
  after: number;
  since: string;
  /** By this machine's clock, milliseconds. */
  from: number;
}

export type BySeverity = Readonly<Record<Severity, number>>;

export interface Missed {
  from: number;
  to: number;
  after: number;
  alerts: BySeverity;
  cases: BySeverity;
  /** There were more than were counted. */
  more: boolean;
}

const PAGE = 500;
const MAX_PAGES = 20;

export function bySeverity(all: readonly { severity: Severity }[]): BySeverity {
  const n = { info: 0, minor: 0, major: 0, critical: 0 };
  for (const { severity } of all) n[severity]++;
  return n;
}

export const total = (n: BySeverity): number => n.info + n.minor + n.major + n.critical;

/** What was missed in two gaps, of which nobody has read the first yet. */
export function together(first: Missed | null, second: Missed): Missed {
  if (!first) return second;
  const sum = (a: BySeverity, b: BySeverity) => ({ info: a.info + b.info, minor: a.minor + b.minor, major: a.major + b.major, critical: a.critical + b.critical });
  return { ...first, to: second.to, alerts: sum(first.alerts, second.alerts), cases: sum(first.cases, second.cases), more: first.more || second.more };
}

/** The alerts after a position, newest first; whole is false if there were too many to read. */
export async function alertsAfter(after: number, signal: AbortSignal): Promise<{ items: Alert[]; whole: boolean }> {
  const items: Alert[] = [];
  let cursor = '';
  for (let n = 0; n < MAX_PAGES; n++) {
    const page = await api.alerts({ limit: n === 0 ? 100 : PAGE, cursor }, signal);
    items.push(...page.items.filter((a) => a.position > after));
    const last = page.items[page.items.length - 1];
    if (page.next === '' || (last && last.position <= after)) return { items, whole: true };
    cursor = page.next;
  }
  return { items, whole: false };
}

/** The cases that were opened after a moment. */
export async function casesSince(since: string, signal: AbortSignal): Promise<{ items: Case[]; whole: boolean }> {
  const page = await api.cases({ since, limit: PAGE }, signal);
  return { items: page.items.filter((c) => Date.parse(c.openedAt) > Date.parse(since)), whole: page.next === '' };
}
