/** Why central does not open a clip, in the reader's words (central/unseal). Pure. */
import { ApiError } from '../api';
import type { Key, Words } from '../i18n';
import { errorText } from '../problem';

const REFUSALS: readonly (readonly [RegExp, Key])[] = [
  [/asked for by operators and supervisors/, 'unseal.no.ask'],
  [/none of the reasons/, 'unseal.no.reason'],
  [/write why in/, 'unseal.no.text'],
  [/no such sealed clip/, 'unseal.no.gone'],
  [/requests wait for an approval/, 'unseal.no.many'],
  [/seen by operators, supervisors and auditors/, 'unseal.no.list'],
  [/supervisor decides about this/, 'unseal.no.decide'],
  [/whoever asked does not approve/, 'unseal.no.own'],
  [/nobody decided within/, 'unseal.no.expired'],
  [/was decided already/, 'unseal.no.decided'],
  [/decided at the same time/, 'unseal.no.meanwhile'],
  [/the one who asked and the one who approved/, 'unseal.no.two'],
  [/nobody has approved it/, 'unseal.no.unapproved'],
  [/time to see it is over/, 'unseal.no.over'],
  [/may no longer see it/, 'unseal.no.right'],
  [/other clips are being opened/, 'unseal.no.busy'],
  [/clip is not here/, 'unseal.no.missing'],
  [/no sealed clip/, 'unseal.no.notClip'],
  [/sealed to another key/, 'unseal.no.key'],
  [/clip is damaged/, 'unseal.no.damaged'],
];

/** The key of the words for a problem's detail, or none. */
export const refusalOf = (detail: string): Key | undefined => REFUSALS.find(([said]) => said.test(detail))?.[1];

export function unsealError(words: Words, error: unknown): string {
  const key = error instanceof ApiError ? refusalOf(error.detail) : undefined;
  return key ? words.t(key) : errorText(words, error);
}
