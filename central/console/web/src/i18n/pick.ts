/** Texts that central has in both languages. Pure. */
import type { Text } from '../types';
import type { Words } from './index';

/** The text in the reader's language, or in the other one where it has no words. */
export function pick(words: Words, text: Partial<Text> | undefined): string {
  return (words.lang === 'en' ? text?.en || text?.zh : text?.zh || text?.en) ?? '';
}
