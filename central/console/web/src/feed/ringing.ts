/**
 * What is to be heard. In: messages of the feed and the unclosed cases. Out: a severity to sound now, and the life-safety cases that
 * ring until somebody acknowledges them, anybody, or silences them here. Pure but for its own bookkeeping.
 */
import { SEVERITIES, type Alert, type Case, type FeedMessage, type Severity } from '../types';

/** Milliseconds between two sounds, so that a storm does not become one noise, and between two of what goes on ringing. */
export const PACE = 1500;
export const REPEAT = 6000;
/** How many cases may ring at once. */
const MAX_RINGING = 500;

/** Life-safety goes by its severity, whatever raised it. */
export const isLifeSafety = (of: Pick<Alert | Case, 'severity'>): boolean => of.severity === 'critical';

const rings = (c: Case): boolean => c.state === 'open' && isLifeSafety(c) && !c.exercise && !c.parent;

export class Ringing {
  private readonly cases = new Set<string>();
  private readonly silenced = new Set<string>();
  private lastAt = -Infinity;
  private waiting: Severity | '' = '';

  get count(): number {
    return this.cases.size;
  }

  /** Takes a message; heard says whether its alert passes the filter. */
  take(m: FeedMessage, heard: boolean): void {
    const { case: c, alert: a } = m;
    if (m.event.type === 'opened' || m.event.type === 'reopened') this.silenced.delete(c.id);
    this.know(c);
    if (a && a.state !== 'cleared' && (heard || isLifeSafety(a))) this.want(a.severity);
  }

  /** Starts anew from the unclosed cases. */
  begin(all: Iterable<Case>): void {
    this.cases.clear();
    for (const c of all) this.know(c);
  }

  /** Silences what rings now; what comes later is heard. */
  mute(): void {
    for (const id of this.cases) if (this.silenced.size < MAX_RINGING) this.silenced.add(id);
    this.cases.clear();
    this.waiting = '';
  }

  /** What is to sound at a moment (milliseconds), if anything: the gravest that waits, or what still rings. */
  next(now: number): Severity | '' {
    const since = now - this.lastAt;
    const sound = since < PACE ? '' : this.waiting || (this.cases.size > 0 && since >= REPEAT ? 'critical' : '');
    if (sound === '') return '';
    this.waiting = '';
    this.lastAt = now;
    return sound;
  }

  private know(c: Case): void {
    if (rings(c) && !this.silenced.has(c.id)) {
      if (this.cases.size < MAX_RINGING) this.cases.add(c.id);
      return;
    }
    this.cases.delete(c.id);
    if (!rings(c)) this.silenced.delete(c.id);
  }

  private want(s: Severity): void {
    if (this.waiting === '' || SEVERITIES.indexOf(s) > SEVERITIES.indexOf(this.waiting)) this.waiting = s;
  }
}
