/** What went wrong, in the operator's words. Pure. */
import { ApiError } from './api';
import { refusalOf } from './cameras/refusal';
import type { Key, Words } from './i18n';

const byStatus: Readonly<Record<number, Key>> = {
  0: 'error.network', 400: 'error.refused', 422: 'error.refused', 403: 'error.forbidden', 404: 'error.notFound', 409: 'error.conflict', 412: 'error.conflict',
  413: 'error.tooLarge', 429: 'error.busy',
};

/** The fields that a report may be refused for, as central names them before what is wrong. */
const REPORTED = ['class', 'grid', 'place', 'note', 'severity'] as const;

export function errorText(words: Words, error: unknown): string {
  const status = error instanceof ApiError ? error.status : 0;
  const said = error instanceof ApiError && status !== 412 ? saidText(words, error) : '';
  if (said !== '') return said;
  const key = byStatus[status];
  return key ? words.t(key) : words.t('error.server', { status });
}

/** What central itself says of a refusal, where it has words in the reader's language or the page has some for them. */
function saidText(words: Words, { status, detail, faults }: ApiError): string {
  if (![403, 409, 422, 429].includes(status)) return '';
  const refused = refusalOf(detail);
  if (refused) return words.t(refused);
  const chinese = faults.map((f) => f.message ?? '').find((m) => /\p{Script=Han}/u.test(m));
  if (chinese !== undefined) return words.lang === 'en' ? detail : chinese;
  if (status !== 422) return '';
  if (/ number in it/.test(detail)) return words.t('error.number');
  if (faults.some((f) => f.location === 'body.unit')) return words.t('error.unit');
  if (/send a JPEG/.test(detail)) return words.t('error.picture');
  const fields = REPORTED.filter((f) => new RegExp(`(^|[:;] )${f}: `).test(detail)).map((f) => words.t(`error.field.${f}`));
  return fields.join(' ');
}
