import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { api, ApiError, query, whenUnauthorized } from '../src/api';
import { errorText } from '../src/problem';
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
    await api.step(aCase({ position: 41 }), { action: 'false-alarm' });
    const [path, init] = asked();
    expect([path, init.method, init.body]).toEqual(['/v1/cases/case/steps', 'POST', '{"action":"false-alarm"}']);
    expect(init.headers).toMatchObject({ 'If-Match': '"41"', 'Content-Type': 'application/json' });
  });

  test('a step goes through a storm of further alerts, not through what changes its meaning', async () => {
    answer(412);
    answer(200, aCase({ position: 50, alerts: 900 }));
    answer(200, aCase({ state: 'acknowledged' }));
    expect(await api.step(aCase({ position: 41 }), { action: 'acknowledge' })).toMatchObject({ state: 'acknowledged' });
    expect(answers.mock.calls[2]?.[1]?.headers).toMatchObject({ 'If-Match': '"50"' });
    for (const moved of [{ state: 'acknowledged' as const }, { severity: 'critical' as const }, { active: false }, { step: 'dispatch' }, { unit: 'fire' }, { parent: 'x' }]) {
      answer(412);
      answer(200, aCase({ position: 50, ...moved }));
      await expect(api.step(aCase(), { action: 'acknowledge' })).rejects.toMatchObject({ status: 412 });
    }
  });

  test('a 401 ends the session, except while signing in', async () => {
    answer(401);
    await expect(api.signIn('a', 'b')).rejects.toMatchObject({ status: 401 });
    expect(over).not.toHaveBeenCalled();
    answer(401);
    await expect(api.cases({})).rejects.toMatchObject({ status: 401 });
    expect(over).toHaveBeenCalledTimes(1);
  });

  test('what central leaves out because it is empty is filled in', async () => {
    answer(200, { items: [{ id: 'a' }] });
    expect(await api.alerts({})).toEqual({ items: [{ id: 'a', evidence: [], caseId: '', exercise: false }], next: '' });
    answer(200, { items: null });
    expect(await api.cases({})).toEqual({ items: [], next: '' });
  });

  test('what central has no part for is an empty list, what it refuses is told', async () => {
    answer(404);
    expect(await api.units()).toEqual([]);
    answer(500);
    await expect(api.units()).rejects.toMatchObject({ status: 500 });
  });

  test('a photo is sent as it is', async () => {
    answer(201, { id: 'e' });
    const jpeg = new Blob(['x'], { type: 'image/jpeg' });
    await api.addPicture('case', jpeg);
    const [path, init] = asked();
    expect([path, init.method, init.body]).toEqual(['/v1/cases/case/pictures', 'POST', jpeg]);
    expect(init.headers).toMatchObject({ 'Content-Type': 'image/jpeg' });
  });

  test('no answer is status 0', async () => {
    answers.mockRejectedValueOnce(new TypeError('failed'));
    await expect(api.cases({})).rejects.toMatchObject({ status: 0 });
  });

  test('an answer that is no problem document still has its status', async () => {
    answers.mockResolvedValueOnce(new Response('<h1>no</h1>', { status: 502 }));
    await expect(api.cases({})).rejects.toMatchObject({ status: 502 });
  });
});

test.each([
  [0, '连不上中心，请检查网络'], [403, '当前账号没有这项权限'], [409, '案卷刚被其他人更新，已载入最新状态'],
  [412, '案卷刚被其他人更新，已载入最新状态'], [500, '中心出错（500），请稍后再试'],
])('status %d in words', (status, want) => expect(errorText(wordsOf('zh-CN'), new ApiError(status))).toBe(want));

describe('what central says of a refusal', () => {
  const zh = wordsOf('zh-CN');
  const en = wordsOf('en');
  const refused = new ApiError(403, 'only who accepted the case may do this', [{ location: 'not-allowed', message: '只有接收案件的经办人可以' }]);
  test('is shown in the language that it has', () => {
    expect(errorText(zh, refused)).toBe('只有接收案件的经办人可以');
    expect(errorText(en, refused)).toBe('only who accepted the case may do this');
  });
  const number = 'there seems to be a mobile telephone number in it; leave it out: a case is about a place, never about a person';
  test.each([
    [new ApiError(422, number, [{ location: 'body.note', message: number }]), '文字中疑似含有电话号码或证件号码，请删去：案卷只记地点和事情，不记人'],
    [new ApiError(422, `the report cannot be taken: note: ${number}`), '文字中疑似含有电话号码或证件号码，请删去：案卷只记地点和事情，不记人'],
    [new ApiError(422, 'the report cannot be taken: class: there is no such event class; grid: a code of 12'), '没有这个事件类别。 网格编码不对，或不在您可见的网格内。'],
    [new ApiError(422, 'x: send a JPEG'), '这张照片不能用，请换一张 JPEG'],
    [new ApiError(422, 'no such unit', [{ location: 'body.unit', message: 'there is no such unit' }]), '没有这个单位，请从已建的单位中选'],
    [new ApiError(422, 'anything else'), '中心不接受这个请求'],
    [new ApiError(412, 'moved', [{ message: '别处' }]), '案卷刚被其他人更新，已载入最新状态'],
  ])('%s', (err, want) => expect(errorText(zh, err)).toBe(want));
});
