/**
 * What the telephone still has to send. Pure: which entry goes next, what an answer means for it, what stays bounded.
 *
 * An entry is sent under one idempotency key until central said for certain that it was not done; only then, and only because what it
 * was decided on has moved on, it gets another key. Entries of one case go in the order in which they were made.
 */
import type { Fault } from '../api';
import type { Case, CaseEvent, CaseState, Kind, StepBody, Text } from '../types';

/** Of all accounts of one telephone together. */
export const MAX_ENTRIES = 100;
export const MAX_BYTES = 60_000_000;
/** How many entries that went are still listed, per account. */
export const MAX_SENT = 20;
/** How often an entry is taken to the newest state of its case at one go, while only alerts joined it. */
export const MAX_ROUNDS = 4;

/** sending: on its way, or was when the page ended. moved: the case is no longer what it was decided on. */
export type EntryState = 'waiting' | 'sending' | 'sent' | 'refused' | 'moved';

/** Where a case stands, as far as a step depends on it. */
export interface Standing {
  state: CaseState;
  step?: string;
  unit?: string;
  helpers?: readonly string[];
  assignee?: string;
  handler?: string;
  parent?: string;
  hold?: string;
}

export interface Refusal {
  status: number;
  detail: string;
  faults: readonly Fault[];
}

export interface Entry {
  /** The stem of its idempotency key. */
  id: string;
  /** The account that made it; it is sent by no other. */
  user: string;
  caseId: string;
  /** What the case is about, for the list. */
  kind: Kind;
  place: string;
  /** Order of making; not a time, since a telephone's clock is not trusted. */
  seq: number;
  titles: Text;
  body?: StepBody;
  /** Not redacted yet: gone from here as soon as central has it. */
  photo?: Blob;
  bytes: number;
  seen: Standing & { position: number };
  /** Grows with every key that central answered "not done". */
  round: number;
  /** Whether an attempt ended without an answer. */
  unsure: boolean;
  state: EntryState;
  refusal?: Refusal;
  /** Where the case stands instead. */
  now?: Standing & { position: number };
}

export const keyOf = (e: Entry): string => `${e.id}.${e.round}`;

export const pending = (e: Entry): boolean => e.state === 'waiting' || e.state === 'sending';

export const stuck = (e: Entry): boolean => e.state === 'refused' || e.state === 'moved';

/** Whether one more of so many bytes may be kept. */
export function fits(all: readonly Entry[], bytes: number): boolean {
  const held = all.filter((e) => e.state !== 'sent');
  return held.length < MAX_ENTRIES && held.reduce((sum, e) => sum + e.bytes, bytes) <= MAX_BYTES;
}

/** The entry to send now: the first that waits. A step also waits while one before it on the same case was not taken; a photo does not. */
export function nextOf(all: readonly Entry[]): Entry | undefined {
  const order = [...all].sort((a, b) => a.seq - b.seq);
  const held = (e: Entry) => e.body && order.some((b) => b.seq < e.seq && b.caseId === e.caseId && b.body && stuck(b));
  return order.find((e) => pending(e) && !held(e));
}

export const standingOf = (c: Case): Entry['seen'] => ({
  state: c.state, position: c.position, ...some('step', c.step), ...some('unit', c.unit), ...some('helpers', c.helpers),
  ...some('assignee', c.assignee), ...some('handler', c.handler), ...some('parent', c.parent), ...some('hold', c.hold),
});

const some = <K extends string, V>(name: K, value: V | undefined): { [k in K]?: V } => (value === undefined || value === '' ? {} : { [name]: value }) as { [k in K]?: V };

/** Whether a worker's step means the same on both: further alerts, or graver ones, do not change what was found on site. */
export function sameStanding(a: Standing, b: Standing): boolean {
  return a.state === b.state && a.step === b.step && a.unit === b.unit && a.assignee === b.assignee && a.parent === b.parent && a.hold === b.hold;
}

/** Whether the history shows that the step was done although no answer came. */
export function doneBy(e: Entry, history: readonly CaseEvent[]): boolean {
  return history.some((h) => h.position > e.seen.position && h.actor === e.user && h.action === e.body?.action && (h.note ?? '') === (e.body?.note ?? ''));
}

/** What an answer that is no success means. */
export type Verdict = 'later' | 'look' | 'refused';

export function verdict(status: number, detail: string): Verdict {
  if (status === 0 || status === 401 || status === 408 || status === 429 || status >= 500) return 'later';
  if (status === 409 && detail.includes('still at work')) return 'later';
  return status === 412 ? 'look' : 'refused';
}

/** Whether after an answer nobody knows if the request was done. */
export const unsureAfter = (status: number): boolean => status === 0 || status === 408 || status === 409 || status >= 500;

/** The entry once central has it: without its photo. */
export function sent(e: Entry): Entry {
  const { photo: _, refusal: __, now: ___, ...rest } = e;
  return { ...rest, bytes: 0, state: 'sent', unsure: false };
}

/** The later steps of a case after an earlier one was taken: they were decided on what it led to. */
export function rebased(all: readonly Entry[], after: Entry, result: Case): Entry[] {
  return all.filter((e) => pending(e) && e.caseId === after.caseId && e.seq > after.seq).map((e) => ({ ...e, seen: standingOf(result) }));
}

/** The ids of entries that went and are listed no longer: the newest ones stay. */
export function surplus(all: readonly Entry[]): string[] {
  return all.filter((e) => e.state === 'sent').sort((a, b) => b.seq - a.seq).slice(MAX_SENT).map((e) => e.id);
}
