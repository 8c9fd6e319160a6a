/** A case's history in words. Pure. */
import { moment } from '../format';
import type { Words } from '../i18n';
import { pick } from '../i18n/pick';
import type { CaseEvent } from '../types';
import type { Titles } from './titles';

/** The action of the event by which central takes a case into its workflow (central/workflow, BeginRule). */
const BEGIN = 'intake';

type Teller = (words: Words, e: CaseEvent, now: Date, titles: Titles) => string;

const reasonOf = (words: Words, e: CaseEvent): string => words.word('reason', e.reason ?? '');
const actorOf = (words: Words, e: CaseEvent): string => e.actor || words.t('history.system');
const whoAndWhy: (key: 'history.held' | 'history.released') => Teller = (key) => (words, e) => words.t(key, { actor: actorOf(words, e), reason: reasonOf(words, e) });
const byWhom: (key: 'history.merged' | 'history.unmerged' | 'history.related') => Teller = (key) => (words, e) => words.t(key, { actor: actorOf(words, e) });

const tellers: Readonly<Record<CaseEvent['type'], Teller>> = {
  opened: (words, e) => (e.opening?.origin ? words.t('history.openedBy', { origin: words.word('origin', e.opening.origin) }) : words.t('history.opened')),
  joined,
  'level-raised': (words, e) => (e.level
    ? words.t('history.level', { level: words.word('level', e.level) })
    : words.t('history.level-raised', { severity: words.word('severity', e.severity ?? '') })),
  cleared: (words) => words.t('history.cleared'),
  acknowledged: (words, e) => words.t('history.acknowledged', { actor: e.actor ?? '' }),
  closed: (words, e) => (e.actor ? words.t('history.closed', { actor: e.actor, reason: reasonOf(words, e) }) : words.t('history.closedAuto', { reason: reasonOf(words, e) })),
  reopened: (words) => words.t('history.reopened'),
  held: whoAndWhy('history.held'),
  released: whoAndWhy('history.released'),
  stepped,
  merged: byWhom('history.merged'),
  unmerged: byWhom('history.unmerged'),
  related: byWhom('history.related'),
  annotated: (words, e) => (e.actor ? words.t('history.noted', { actor: e.actor }) : words.t('history.annotated')),
  deadline: (words, e) => words.t(e.stage === 'red' ? 'history.deadlineRed' : 'history.deadlineYellow', { deadline: words.word('deadlineName', e.deadline ?? '') }),
  woke: (words) => words.t('history.woke'),
  undone: (words, e, _, titles) => words.t('desk.history.undone', { actor: actorOf(words, e), action: titles.action(e.workflow, e.action ?? '') }),
};

/** One entry as a sentence without its time. An entry of a type that this page does not know is named by its type. */
export function sentence(words: Words, e: CaseEvent, now: Date, titles: Titles): string {
  return (tellers as Partial<typeof tellers>)[e.type]?.(words, e, now, titles) ?? String(e.type);
}

function joined(words: Words, e: CaseEvent, now: Date): string {
  const n = e.count ?? 1;
  if (n < 2) return words.t('history.joinedOne');
  if (!e.from || !e.to) return words.t('history.joined', { n });
  const span = { from: moment(words.lang, new Date(e.from), now), to: moment(words.lang, new Date(e.to), now) };
  return words.t('history.joinedSpan', { n, ...span });
}

function stepped(words: Words, e: CaseEvent, _: Date, titles: Titles): string {
  if (e.action === BEGIN) return words.t('history.begun', { step: titles.step(e.workflow, e.step ?? '') });
  return words.t('history.stepped', { actor: actorOf(words, e), action: titles.action(e.workflow, e.action ?? '') });
}

/** What else an entry says, a line each: a rule's reason, a note, and what a step set. */
export function lines(words: Words, e: CaseEvent, now: Date): string[] {
  const at = (time: string | undefined) => time && words.t('history.until', { time: moment(words.lang, new Date(time), now) });
  const step = e.type !== 'stepped' ? [] : [
    e.reason && words.t('history.because', { reason: reasonOf(words, e) }),
    e.unit && words.t('history.unit', { unit: e.unit }),
    e.helpers && e.helpers.length > 0 && words.t('history.helpers', { units: e.helpers.join(', ') }),
    e.assignee && e.assignee !== e.actor && words.t('history.assignee', { assignee: e.assignee }),
    e.level && words.t('history.level', { level: words.word('level', e.level) }),
    e.rating && words.t('history.rating', { n: e.rating }),
  ];
  return [pick(words, e.why), ...step, at(e.until), e.note].filter((line): line is string => Boolean(line));
}
