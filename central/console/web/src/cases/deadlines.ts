/** How a deadline stands at a moment: how near, and in words. Pure. */
import { span } from '../format';
import type { Words } from '../i18n';
import type { Case, Deadline } from '../types';

/** met and late: it waits no longer. still: its clock stands. */
export const TONES = ['calm', 'yellow', 'red', 'still', 'met', 'late'] as const;
export type Tone = (typeof TONES)[number];

export function toneOf(d: Deadline, now: Date): Tone {
  if (d.met) return d.told === 'red' || (d.due && Date.parse(d.met) > Date.parse(d.due)) ? 'late' : 'met';
  if (!d.due) return 'still';
  if (now.getTime() >= Date.parse(d.due)) return 'red';
  return d.warn && now.getTime() >= Date.parse(d.warn) ? 'yellow' : 'calm';
}

/** The countdown of a deadline: what is left, or for how long it has passed. */
export function countdown(words: Words, d: Deadline, now: Date): string {
  const tone = toneOf(d, now);
  if (tone === 'met' || tone === 'late') return words.t(`deadline.${tone}`);
  if (tone === 'still') return words.t('deadline.still', { left: spanText(words, d.left ?? '') });
  const left = Date.parse(d.due ?? '') - now.getTime();
  return left > 0 ? words.t('deadline.left', { left: span(words, left) }) : words.t('deadline.over', { by: span(words, -left) });
}

/** A span as central writes it: w2d, w3h20m0s, 30m0s. One of another form is shown as it came. */
export function spanText(words: Words, text: string): string {
  const days = /^w([0-9]+)d$/.exec(text);
  if (days) return words.t('span.workdays', { n: days[1] as string });
  const m = /^(w?)(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9.]+)s)?$/.exec(text);
  if (!m || text === '' || text === 'w') return text;
  const length = span(words, (Number(m[2] ?? 0) * 60 + Number(m[3] ?? 0)) * 60_000 + Number(m[4] ?? 0) * 1000);
  return m[1] === '' ? length : words.t('span.working', { length });
}

/** The tone of the deadline of a case that is nearest to be missed; null where none waits or the case is over. */
export function urgency(c: Case, now: Date): Tone | null {
  if (c.state === 'closed' || c.parent) return null;
  const tones = (c.deadlines ?? []).map((d) => toneOf(d, now));
  return (['red', 'yellow', 'calm', 'still'] as const).find((t) => tones.includes(t)) ?? null;
}

/** When the next deadline of a case is due; empty where none runs. */
export function dueAt(c: Case): string {
  const due = (c.deadlines ?? []).filter((d) => !d.met && d.due).map((d) => d.due as string);
  return due.sort((a, b) => Date.parse(a) - Date.parse(b))[0] ?? '';
}
