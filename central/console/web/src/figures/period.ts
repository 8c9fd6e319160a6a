/** Days and months of a report. Pure; a day is YYYY-MM-DD of the machine's zone, and an end is the day after the last. */

export const PERIODS = ['month', 'before', 'days', 'year', 'own'] as const;
export type Period = (typeof PERIODS)[number];

export interface Span {
  from: string;
  to: string;
}

export function dayText(at: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

const monthStart = (now: Date, months: number): Date => new Date(now.getFullYear(), now.getMonth() + months, 1);
const daysFrom = (now: Date, days: number): Date => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days);

/** The days of a period that is counted from now. */
export function spanOf(period: Exclude<Period, 'own'>, now: Date): Span {
  switch (period) {
    case 'month':
      return { from: dayText(monthStart(now, 0)), to: dayText(daysFrom(now, 1)) };
    case 'before':
      return { from: dayText(monthStart(now, -1)), to: dayText(monthStart(now, 0)) };
    case 'days':
      return { from: dayText(daysFrom(now, -29)), to: dayText(daysFrom(now, 1)) };
    case 'year':
      return { from: dayText(monthStart(now, -11)), to: dayText(daysFrom(now, 1)) };
  }
}

const DAY = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;

/** The day after or before; empty for what is no day. */
export function shifted(day: string, by: number): string {
  if (!DAY.test(day)) return '';
  const at = new Date(`${day}T12:00:00`);
  return Number.isNaN(at.getTime()) ? '' : dayText(daysFrom(at, by));
}

/** The days of a month (YYYY-MM), null for what is none. */
export function monthSpan(month: string): Span | null {
  const m = /^([0-9]{4})-(0[1-9]|1[0-2])$/.exec(month);
  if (!m) return null;
  const at = new Date(Number(m[1]), Number(m[2]) - 1, 1);
  return { from: dayText(at), to: dayText(monthStart(at, 1)) };
}

/** The month so many months away. */
export function monthAway(month: string, by: number): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return dayText(new Date(year, number - 1 + by, 1)).slice(0, 7);
}

/** Months up to now's, the newest first. */
export function months(now: Date, n: number): string[] {
  return Array.from({ length: n }, (_, i) => dayText(monthStart(now, -i)).slice(0, 7));
}
