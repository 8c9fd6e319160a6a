/**
 * Alerts of one series (one key, in one case) that come soon after each other. Such a chain is folded into one row once it flapped. It
 * tells its newest alert, how many there were, and the gravest severity among them. Plain values, no page.
 */
import { SEVERITIES, type Alert, type Severity } from '../types';

/** A chain is folded from so many onsets on. */
export const FLAPS = 3;
/** Alerts of a series that lie no further apart are of one chain, in milliseconds. */
export const FLAP_GAP = 5 * 60_000;
/** How many alerts of a folded chain are kept, the newest ones; the others are counted only. */
export const MAX_FOLD = 200;

export class Chain {
  /** Oldest first, by position. */
  readonly alerts: Alert[] = [];
  /** How many there were in all. */
  n = 0;
  /** It is one row. */
  folded = false;
  /** Its alerts are shown below that row. */
  open = false;
  severity: Severity = 'info';
  private onsets = 0;
  private from = Infinity;
  private to = -Infinity;

  get head(): Alert {
    return this.alerts[this.alerts.length - 1] as Alert;
  }

  /** Whether an alert that occurred at a moment is near enough to be one of it. */
  takes(at: number): boolean {
    return at >= this.from - FLAP_GAP && at <= this.to + FLAP_GAP;
  }

  /** Whether it has just become one that flaps. */
  flaps(): boolean {
    return !this.folded && this.onsets >= FLAPS;
  }

  add(a: Alert): void {
    const at = Date.parse(a.occurredAt);
    this.n++;
    this.from = Math.min(this.from, at);
    this.to = Math.max(this.to, at);
    if (a.state !== 'cleared') this.onsets++;
    if (SEVERITIES.indexOf(a.severity) > SEVERITIES.indexOf(this.severity)) this.severity = a.severity;
    if (this.alerts.length === 0 || this.head.position < a.position) this.alerts.push(a);
    else this.alerts.splice(below(this.alerts, a.position), 0, a);
  }

  /** Puts a newer telling in the place of an alert; false if it is not one of it. */
  swap(a: Alert): boolean {
    const i = below(this.alerts, a.position);
    if (this.alerts[i]?.id !== a.id) return false;
    this.alerts[i] = a;
    return true;
  }

  drop(a: Alert): void {
    const i = below(this.alerts, a.position);
    if (this.alerts[i]?.id === a.id) this.alerts.splice(i, 1);
  }
}

/** How many of some alerts, oldest first, lie below a position. */
export function below(alerts: readonly Alert[], position: number): number {
  let [from, to] = [0, alerts.length];
  while (from < to) {
    const mid = (from + to) >> 1;
    if ((alerts[mid] as Alert).position < position) from = mid + 1;
    else to = mid;
  }
  return from;
}

/** What makes alerts a series. */
export const seriesOf = (a: Alert): string => `${a.key} ${a.caseId}${a.exercise ? ' drill' : ''}`;
