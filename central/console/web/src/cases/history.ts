/** A case's history in words. */
import { moment } from '../format';
import type { Words } from '../i18n';
import type { CaseEvent } from '../types';

/** One entry as a sentence without its time. An entry of a type that this page does not know is named by its type. */
export function sentence(words: Words, e: CaseEvent, now: Date): string {
  switch (e.type) {
    case 'opened':
    case 'cleared':
    case 'reopened':
      return words.t(`history.${e.type}`);
    case 'joined':
      return joined(words, e, now);
    case 'level-raised':
      return words.t('history.level-raised', { severity: words.word('severity', e.severity ?? '') });
    case 'acknowledged':
      return words.t('history.acknowledged', { actor: e.actor ?? '' });
    case 'closed': {
      const reason = words.word('reason', e.reason ?? '');
      return e.actor ? words.t('history.closed', { actor: e.actor, reason }) : words.t('history.closedAuto', { reason });
    }
    default:
      return String(e.type);
  }
}

function joined(words: Words, e: CaseEvent, now: Date): string {
  const n = e.count ?? 1;
  if (n < 2) return words.t('history.joinedOne');
  if (!e.from || !e.to) return words.t('history.joined', { n });
  const span = { from: moment(words.lang, new Date(e.from), now), to: moment(words.lang, new Date(e.to), now) };
  return words.t('history.joinedSpan', { n, ...span });
}
