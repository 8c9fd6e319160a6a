/**
 * Which alerts still wait for a picture, and when to ask again. A picture is uploaded after its alert, so a camera's alert is
 * asked for a few times, each wait twice the last; then it has none. The picture of the onset comes first, the rest of the filmstrip
 * seconds later. Pure.
 */
import type { Alert } from '../types';

/** Waits in milliseconds after the alert was received. */
export const WAITS = [1500, 3000, 6000, 12_000, 24_000, 48_000, 96_000] as const;

/** How many questions are asked although there is a picture: by then the filmstrip is whole. */
export const STRIP = 4;

const takesPictures = (a: Alert): boolean => a.family === 'cameras' && a.state !== 'cleared';
const hasPicture = (a: Alert): boolean => a.evidence.some((e) => !e.sealed);

/** Whether a picture can be expected at all: only a camera takes one, at the onset. */
export function expectsPicture(a: Alert): boolean {
  return takesPictures(a) && !hasPicture(a);
}

/** The picture is still on its way, as seen at now (milliseconds). since is when this page learnt of the alert. */
export function pending(a: Alert, since: number, now: number): boolean {
  return expectsPicture(a) && now - since < (WAITS[WAITS.length - 1] as number) + 5000;
}

/** Milliseconds until the next question for an alert learnt of at since, asked tries times; null when enough was asked. */
export function nextAsk(since: number, tries: number, now: number): number | null {
  const wait = WAITS[tries];
  return wait === undefined ? null : Math.max(0, since + wait - now);
}

/** Bookkeeping of the questions, one for all alerts that are due at a time. */
export class PictureWatch {
  private waiting = new Map<string, { since: number; tries: number }>();

  /** Forgets alerts that have their pictures and takes in new ones that lack some. At most max wait; the oldest go first. */
  track(alerts: readonly Alert[], now: number, max = 200): void {
    for (const a of alerts) {
      const tries = this.waiting.get(a.id)?.tries ?? 0;
      const more = expectsPicture(a) ? NEW : takesPictures(a) && tries < STRIP ? STRIP_NEW : 0;
      if (more === 0) this.waiting.delete(a.id);
      else if (!this.waiting.has(a.id) && recent(a, now, more)) this.waiting.set(a.id, { since: now, tries: 0 });
    }
    for (const id of this.waiting.keys()) {
      if (this.waiting.size <= max) break;
      this.waiting.delete(id);
    }
  }

  /** Milliseconds until somebody is due, null when nobody waits. */
  next(now: number): number | null {
    let soonest: number | null = null;
    for (const w of this.waiting.values()) {
      const wait = nextAsk(w.since, w.tries, now);
      if (wait !== null && (soonest === null || wait < soonest)) soonest = wait;
    }
    return soonest;
  }

  /** Counts one question for everybody who is due and drops those who were asked for often enough. */
  asked(now: number): void {
    for (const [id, w] of this.waiting) {
      if (nextAsk(w.since, w.tries, now) === 0) w.tries++;
      if (w.tries >= WAITS.length) this.waiting.delete(id);
    }
  }

  has(id: string): boolean {
    return this.waiting.has(id);
  }

  clear(): void {
    this.waiting.clear();
  }
}

/** For so many milliseconds after it was received an alert may get its first picture, and a filmstrip the others. */
const NEW = 10 * 60_000;
const STRIP_NEW = 15_000;

/** Whether an alert was received just now. The two clocks may differ. */
function recent(a: Alert, now: number, within: number): boolean {
  return Math.abs(now - Date.parse(a.receivedAt)) < within;
}
