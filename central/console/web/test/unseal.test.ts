import { describe, expect, test } from 'vitest';
import { ApiError } from '../src/api';
import { wordsOf } from '../src/i18n';
import { mayDecide, mayView, type Unsealing } from '../src/unseal/api';
import { refusalOf, unsealError } from '../src/unseal/refusal';

const sources = import.meta.glob('../../../unseal/{unseal,open}.go', { query: '?raw', import: 'default', eager: true }) as Record<string, string>;
const go = Object.values(sources).join('\n');
const said = [...go.matchAll(/no\((?:Invalid|Forbidden|Conflict|Over|Busy), (?:fmt\.Sprintf\()?"([^"]+)"/g)].map((m) => m[1] as string);

describe('refusals', () => {
  test('are those of central', () => expect(said.length).toBeGreaterThan(18));
  test.each(said)('%s has words of its own', (text) => expect(refusalOf(text)).toMatch(/^unseal\.no\./));
  test('none shadows another', () => expect(new Set(said.map(refusalOf)).size).toBe(new Set(said).size));
  test('are in the language of the reader', () => expect(unsealError(wordsOf('zh-CN'), new ApiError(410, 'the time to see it is over; ask again'))).toBe('查看时间已过，请重新申请'));
});

describe('who is offered what', () => {
  const r = { by: 'a', approver: 'b', state: 'asked' } as Unsealing;
  const as = (user: string, role: string) => ({ user, role, scopes: [] });
  test('a supervisor other than who asked decides', () => {
    expect([as('a', 'supervisor'), as('b', 'supervisor'), as('c', 'operator')].map((s) => mayDecide(s, r))).toEqual([false, true, false]);
  });
  test('the two see it', () => {
    const open = { ...r, state: 'approved' };
    expect([as('a', 'operator'), as('b', 'supervisor'), as('c', 'supervisor'), as('a', 'auditor')].map((s) => mayView(s, open))).toEqual([true, true, false, false]);
  });
});
