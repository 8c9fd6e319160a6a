/** What a deadline has left, in working days, hours and minutes. Pure. */
import type { Words } from '../i18n';
import type { TimeLeft } from '../types';

const [MINUTE, HOUR, DAY] = [60, 3600, 86_400];

/** What is left some seconds after central said so; it stands still outside working time. */
export const leftAfter = (t: TimeLeft, seconds: number): number => (t.running ? t.left - seconds : t.left);

/** A length of time in the two largest units that say something; a day is as long as is worked in it, or 24 hours by the clock. */
export function lengthText(words: Words, seconds: number, day: number, working: boolean): string {
  const long = day > 0 ? day : DAY;
  const days = Math.floor(seconds / long);
  const hours = Math.floor((seconds - days * long) / HOUR);
  const minutes = Math.floor((seconds - days * long - hours * HOUR) / MINUTE);
  const parts = [
    days > 0 && words.t(working ? 'desk.left.days' : 'span.days', { n: days }),
    hours > 0 && words.t('desk.left.hours', { n: hours }),
    days === 0 && (minutes > 0 || hours === 0) && words.t('desk.left.minutes', { n: minutes }),
  ];
  return parts.filter((p): p is string => p !== false).slice(0, 2).join(' ');
}

/** "2 working days 3 h left", and whether that is working time. */
export function leftText(words: Words, t: TimeLeft, seconds: number): string {
  const left = leftAfter(t, seconds);
  const text = lengthText(words, Math.abs(left), t.day, t.working);
  return words.t(left >= 0 ? 'desk.left.left' : 'desk.left.over', { left: text });
}
