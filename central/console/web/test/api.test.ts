import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { api, ApiError, query, whenUnauthorized } from '../src/api';
import { errorText } from '../src/ui/bits';
import { wordsOf } from '../src/i18n';
import { aCase } from './make';

const over = vi.fn();
const answers = vi.fn<typeof fetch>();
const answer = (status: number, body: unknown = {}) => answers.mockResolvedValueOnce(new Response(JSON.stringify(body), { status }));
const asked = () => answers.mock.calls[0] as [string, RequestInit];

beforeEach(() => {
  vi.clearAllMocks();
  vi.stubGlobal('fetch', answers);
  whenUnauthorized(over);
});
afterEach(() => vi.unstubAllGlobals());

describe('the interface', () => {
  test('leaves empty filters out', () => expect(query({ state: 'open', kind: '', cursor: undefined, limit: 5 })).toBe('?state=open&limit=5'));

  test('a step names the state that the operator saw', async () => {
    answer(200, aCase({ state: 'closed' }));
    await api.close(aCase({ position: 41 }), 'false-alarm');
    const [path, init] = asked();
    expect([path, init.method, init.body]).toEqual(['/v1/cases/case/close', 'POST', '{"reason":"false-alarm"}']);
    expect(init.headers).toMatchObject({ 'If-Match': '"41"', 'Content-Type': 'application/json' });
  });

  test('a step goes through a storm of further alerts, not through what changes its meaning', async () => {
    answer(412);
    answer(200, aCase({ position: 50, alerts: 900 }));
    answer(200, aCase({ state: 'acknowledged' }));
    expect(await api.acknowledge(aCase({ position: 41 }))).toMatchObject({ state: 'acknowledged' });
    expect(answers.mock.calls[2]?.[1]?.headers).toMatchObject({ 'If-Match': '"50"' });
    for (const moved of [{ state: 'acknowledged' as const }, { severity: 'critical' as const }, { active: false }]) {
      answer(412);
      answer(200, aCase({ position: 50, ...moved }));
      await expect(api.acknowledge(aCase())).rejects.toMatchObject({ status: 412 });
    }
  });

  test('a 401 ends the session, except while signing in', async () => {
    answer(401);
    await expect(api.signIn('a', 'b')).rejects.toMatchObject({ status: 401 });
    expect(over).not.toHaveBeenCalled();
    answer(401);
    await expect(api.edges()).rejects.toMatchObject({ status: 401 });
    expect(over).toHaveBeenCalledTimes(1);
  });

  test('what central leaves out because it is empty is filled in', async () => {
    answer(200, { items: [{ id: 'a' }] });
    expect(await api.alerts({})).toEqual({ items: [{ id: 'a', evidence: [], caseId: '', exercise: false }], next: '' });
    answer(200, { items: null });
    expect(await api.cases({})).toEqual({ items: [], next: '' });
  });

  test('no answer is status 0', async () => {
    answers.mockRejectedValueOnce(new TypeError('failed'));
    await expect(api.edges()).rejects.toMatchObject({ status: 0 });
  });

  test('an answer that is no problem document still has its status', async () => {
    answers.mockResolvedValueOnce(new Response('<h1>no</h1>', { status: 502 }));
    await expect(api.edges()).rejects.toMatchObject({ status: 502 });
  });
});

test.each([
  [0, '连不上中心，请检查网络'], [403, '当前账号没有这项权限'], [409, '案卷刚被其他人更新，已载入最新状态'],
  [412, '案卷刚被其他人更新，已载入最新状态'], [500, '中心出错（500），请稍后再试'],
])('status %d in words', (status, want) => expect(errorText(wordsOf('zh-CN'), new ApiError(status))).toBe(want));
