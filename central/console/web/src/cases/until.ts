/** When something comes back: the moments that are offered for an acknowledgement and a snooze. Pure. */

const MINUTE = 60_000;
/** Hours of the day, by this machine's clock, at which a shift ends: three of eight hours. */
const SHIFTS = [8, 16, 24] as const;
/** A shift that ends sooner is not worth waiting for: the next one is meant. */
const SOON = 15 * MINUTE;

export function endOfShift(now: Date): Date {
  for (const day of [0, 1]) {
    for (const hour of SHIFTS) {
      const end = new Date(now.getFullYear(), now.getMonth(), now.getDate() + day, hour);
      if (end.getTime() - now.getTime() >= SOON) return end;
    }
  }
  return new Date(now.getTime() + 8 * 60 * MINUTE);
}

export interface Moment {
  word: 'desk.until.half' | 'desk.until.two' | 'desk.until.shift';
  at: Date;
}

export function moments(now: Date): Moment[] {
  return [
    { word: 'desk.until.half', at: new Date(now.getTime() + 30 * MINUTE) },
    { word: 'desk.until.two', at: new Date(now.getTime() + 120 * MINUTE) },
    { word: 'desk.until.shift', at: endOfShift(now) },
  ];
}

/** As an input for local time has it: 2026-03-01T20:00. */
export function localInput(at: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
