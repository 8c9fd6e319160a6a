/** The forms of actions, deadlines, reports, and pages that are short. */
import { describe, expect, test } from 'vitest';
import { countdown, dueAt, spanText, toneOf, urgency } from '../src/cases/deadlines';
import { uuidv7 } from '../src/cases/mint';
import { fullPage, MAX_ANSWERS } from '../src/cases/pages';
import { merged } from '../src/cases/parts';
import { reportOf, type Draft } from '../src/cases/report';
import { atOnce, bodyOf, fieldsOf, idsOf, missing, spanOf } from '../src/cases/steps';
import { nextOf, stepsOf, titlesOf } from '../src/cases/titles';
import { wordsOf } from '../src/i18n';
import type { Deadline } from '../src/types';
import { aCase, AT, event, loop, offer } from './make';

const zh = wordsOf('zh-CN');
const en = wordsOf('en');
const at = (minutes: number) => new Date(Date.parse(AT) + minutes * 60_000);
const iso = (minutes: number) => at(minutes).toISOString();

describe('the form of an action', () => {
  const close = offer('close', 'desk', { may: ['note'], reasons: ['handled', 'duplicate'] });
  const extend = offer('extend', '', { needs: ['by', 'note'] });
  test('asks for what is demanded first, and for a reason where there are several', () => {
    expect(fieldsOf(close)).toEqual([{ name: 'reason', required: true }, { name: 'note', required: false }]);
    expect(fieldsOf(offer('verify', 'verify', { reasons: ['verified'] }))).toEqual([]);
    expect(missing(close, { note: 'x' })).toEqual(['reason']);
    expect(missing(extend, { by: 'w2d', note: '  ' })).toEqual(['note']);
    expect(missing(extend, { by: 'w2d', note: 'road shut' })).toEqual([]);
  });
  test('sends what the action takes and nothing else', () => {
    expect(bodyOf(close, { reason: 'handled', note: ' done ', unit: 'fire' })).toEqual({ action: 'close', reason: 'handled', note: 'done' });
    expect(bodyOf(close, { reason: 'duplicate', note: ' ' })).toEqual({ action: 'close', reason: 'duplicate' });
    const all = offer('x', '', { needs: ['rating', 'helpers', 'until', 'by', 'unit'], may: ['assignee', 'next'] });
    const until = '2026-03-04T12:00';
    expect(bodyOf(all, { rating: '4', helpers: 'fire, water，fire', until, by: 'w4h', unit: 'u', assignee: 'li', next: 'county' })).toEqual({
      action: 'x', rating: 4, helpers: ['fire', 'water'], until: new Date(until).toISOString(), by: 'w4h', unit: 'u', assignee: 'li', next: 'county',
    });
  });
  test('only what demands and closes nothing is taken at once', () => {
    expect([offer('accept', 'handle', { may: ['note'] }), offer('verify', 'verify', { reasons: ['verified'] }), extend].map(atOnce)).toEqual([true, false, false]);
  });
  test('eight units may help', () => expect(idsOf('a b c d e f g h i').length).toBe(8));
  test.each([['2', 'w-d', 'w2d'], ['4', 'w-h', 'w4h'], ['3', 'h', '3h'], ['0', 'h', ''], ['x', 'h', ''], ['', 'w-d', '']] as const)('%s %s is %s', (n, unit, want) => expect(spanOf(n, unit)).toBe(want));
});

describe('the next step', () => {
  const next = (step: string, state: 'open' | 'acknowledged' | 'closed', ...offers: [string, string][]) => nextOf(offers.map(([a, to]) => offer(a, to)), loop, step, state)?.action;
  test('is the nearest that leads on', () => {
    expect(next('collect', 'open', ['dispatch', 'dispatch'], ['acknowledge', 'open'], ['false-alarm', 'desk'])).toBe('acknowledge');
    expect(next('handle', 'acknowledged', ['snooze', ''], ['send-back', 'returned'], ['feed-back', 'feedback'], ['false-alarm', 'desk'])).toBe('feed-back');
    expect(next('returned', 'acknowledged', ['redispatch', 'dispatch'], ['close', 'desk'])).toBe('redispatch');
    expect(next('verify', 'closed', ['reopen', 'open'], ['evaluate', 'evaluate'])).toBe('evaluate');
    expect(next('', 'open', ['acknowledge', 'open'], ['dispatch', 'dispatch'])).toBe('acknowledge');
    expect(next('handle', 'acknowledged', ['snooze', ''])).toBeUndefined();
  });
  test('a code without words is shown as it is', () => {
    const titles = titlesOf(en, [loop]);
    expect([titles.step('base', 'handle'), titles.step(undefined, 'handle'), titles.action('base', 'fly')]).toEqual(['Being handled', 'Being handled', 'fly']);
    expect(stepsOf([loop, loop])).toEqual(loop.steps.map((s) => s.id));
  });
});

describe('a deadline', () => {
  const d: Deadline = { name: 'close', from: iso(0), warn: iso(60), due: iso(120) };
  test.each([
    [0, 'calm', '剩 2 小时', '2 h left'], [60, 'yellow', '剩 1 小时', '1 h left'], [119, 'yellow', '剩 1 分钟', '1 min left'],
    [120, 'red', '已超 0 秒', '0 s over'], [240, 'red', '已超 2 小时', '2 h over'],
  ] as const)('after %d minutes is %s', (minutes, tone, chinese, english) => {
    expect([toneOf(d, at(minutes)), countdown(zh, d, at(minutes)), countdown(en, d, at(minutes))]).toEqual([tone, chinese, english]);
  });
  test('that stands still says what is left', () => {
    const { due: _due, warn: _warn, ...still } = { ...d, left: 'w3h20m0s' };
    expect([toneOf(still, at(999)), countdown(zh, still, at(999))]).toEqual(['still', '暂停计时，剩 3 小时（工作时间）']);
  });
  test('that is met waits no longer', () => {
    expect(toneOf({ ...d, met: iso(90) }, at(500))).toBe('met');
    expect(toneOf({ ...d, met: iso(130) }, at(500))).toBe('late');
    expect(toneOf({ ...d, met: iso(90), told: 'red' }, at(500))).toBe('late');
  });
  test.each([['w2d', '2 个工作日'], ['w45m0s', '45 分钟（工作时间）'], ['30m0s', '30 分钟'], ['soon', 'soon'], ['', '']])('left %s', (text, want) => expect(spanText(zh, text)).toBe(want));
  test('the nearest to be missed counts, and none of a case that is over or part of another', () => {
    const c = aCase({ deadlines: [{ ...d, met: iso(1) }, { ...d, due: iso(400), warn: iso(300) }, d] });
    expect([urgency(c, at(0)), urgency(c, at(61)), urgency(c, at(121)), dueAt(c)]).toEqual(['calm', 'yellow', 'red', iso(120)]);
    expect([urgency({ ...c, state: 'closed' }, at(121)), urgency({ ...c, parent: 'p' }, at(121)), urgency(aCase(), at(0))]).toEqual([null, null, null]);
  });
});

describe('a report by hand', () => {
  const draft: Draft = { class: '0202', grid: '', lon: '120.1', lat: '30.1', severity: '', note: ' 路口积水 ', exercise: false };
  test('needs a class and a place or a grid code', () => {
    expect(reportOf('id', draft)).toEqual({ id: 'id', class: '0202', place: { lon: 120.1, lat: 30.1 }, note: '路口积水' });
    expect(reportOf('id', { ...draft, lon: '', lat: '', grid: '990001001001', severity: 'major', exercise: true, note: '' }))
      .toEqual({ id: 'id', class: '0202', grid: '990001001001', severity: 'major', exercise: true });
    for (const lacking of [{ class: '' }, { lon: '' }, { lon: '181' }, { lat: 'north' }, { lon: '', lat: '' }, { grid: '99' }]) expect(reportOf('id', { ...draft, ...lacking })).toBeNull();
  });
  test('has an id by time and chance (UUIDv7)', () => {
    // The bytes of the example in RFC 9562, appendix A.6.
    const random = Uint8Array.from([0xcc, 0x39, 0x8c, 0x4d, 0xc0, 0xc0, 0xc0, 0x73, 0x98, 0xf0]);
    expect(uuidv7(0x017f22e279b0, random)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
    expect(uuidv7(1, random) < uuidv7(2, random)).toBe(true);
    expect(uuidv7(1, random)).not.toBe(uuidv7(1, random.map((b) => b ^ 255)));
  });
});

describe('pages and parts', () => {
  const answers = (...pages: [number[], string][]) => {
    const asked: [string, number][] = [];
    const ask = (cursor: string, limit: number) => {
      asked.push([cursor, limit]);
      const [items, next] = pages[asked.length - 1] ?? [[], 'more'];
      return Promise.resolve({ items, next });
    };
    return { ask, asked };
  };
  test('an empty answer with a next is gone on from', async () => {
    const { ask, asked } = answers([[], 'a'], [[1], 'b'], [[2, 3], 'c'], [[4], '']);
    expect(await fullPage(ask, '', 3)).toEqual({ items: [1, 2, 3], next: 'c' });
    expect(asked).toEqual([['', 3], ['a', 3], ['b', 2]]);
  });
  test('an end is an end, and there is one to asking', async () => {
    expect(await fullPage(answers([[1], '']).ask, 'x', 3)).toEqual({ items: [1], next: '' });
    const endless = answers();
    expect(await fullPage(endless.ask, '', 3)).toEqual({ items: [], next: 'more' });
    expect(endless.asked.length).toBe(MAX_ANSWERS);
  });
  test('a history is put together without gaps or doubles', () => {
    const e = (position: number) => event('joined', { position });
    expect(merged([e(1), e(2)], [e(2), e(3)]).map((x) => x.position)).toEqual([1, 2, 3]);
  });
});
