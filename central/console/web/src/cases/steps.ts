/** The form of an action: which fields are asked for, and what is sent. Pure. */
import type { Field, Offer, Reason, StepBody } from '../types';

/** How many characters a note may have, how many units may help (central/cases, central/workflow). */
export const MAX_NOTE = 500;
export const MAX_HELPERS = 8;

/** What was typed, by field. Helpers are separated by commas; until is local time as an input has it. */
export type Values = Readonly<Partial<Record<Field, string>>>;

export interface FormField {
  name: Field;
  required: boolean;
}

/** The fields of an action: what is demanded first. */
export function fieldsOf(offer: Offer): FormField[] {
  const needs = offer.reasons.length > 1 ? [...offer.needs, 'reason' as const] : offer.needs;
  const may = offer.may.filter((f) => !needs.includes(f));
  return [...needs.map((name) => ({ name, required: true })), ...may.map((name) => ({ name, required: false }))];
}

/** Whether an action can be taken without a word: it demands nothing and closes nothing. */
export const atOnce = (offer: Offer): boolean => offer.needs.length === 0 && offer.reasons.length === 0;

/** The demanded fields that are still empty. */
export function missing(offer: Offer, values: Values): Field[] {
  return fieldsOf(offer).filter((f) => f.required && (values[f.name] ?? '').trim() === '').map((f) => f.name);
}

/** Ids of units as they were typed. */
export function idsOf(text: string): string[] {
  return [...new Set(text.split(/[,\s\uff0c\u3001]+/).filter((id) => id !== ''))].slice(0, MAX_HELPERS);
}

/** What central is sent: only fields that the action takes, and only those that say something. */
export function bodyOf(offer: Offer, values: Values): StepBody {
  const body: StepBody = { action: offer.action };
  for (const { name } of fieldsOf(offer)) {
    const text = (values[name] ?? '').trim();
    if (text === '') continue;
    if (name === 'helpers') body.helpers = idsOf(text);
    else if (name === 'rating') body.rating = Number(text);
    else if (name === 'until') body.until = new Date(text).toISOString();
    else if (name === 'reason') body.reason = text as Reason;
    else body[name] = text;
  }
  return body;
}

/** How longer is asked for: working days, working hours, or by the clock. */
export const SPAN_UNITS = ['w-d', 'w-h', 'h'] as const;
export type SpanUnit = (typeof SPAN_UNITS)[number];

/** A span as central reads it: w2d, w4h, 3h. Empty for no whole number. */
export function spanOf(n: string, unit: SpanUnit): string {
  if (!/^[1-9][0-9]{0,3}$/.test(n)) return '';
  return unit === 'h' ? `${n}h` : `w${n}${unit.slice(2)}`;
}
