/**
 * Who noticed what an alert tells. In: its origin, several joined by "+". Out: a word for each, in the language of the page. A name that is
 * not on the list (a detector that staff named) is shown as it came.
 */
import type { Words } from '../i18n';

export const sourceWords = (words: Words, origin: string): string => origin.split('+').map((name) => one(words, name)).join(words.t('sources.and'));

const one = (words: Words, name: string): string =>
  (name.startsWith('rule.') ? words.t('sources.rule', { name: name.slice('rule.'.length) }) : words.word('source', name));
