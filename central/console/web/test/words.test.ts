/** What is shown as text: times, numbers, codes, histories, filters, causes. */
import { describe, expect, test } from 'vitest';
import { asked, noFilter, parseFilter, passes } from '../src/cases/filter';
import { lines, sentence } from '../src/cases/history';
import { titlesOf } from '../src/cases/titles';
import { explain, healthOf, sorted } from '../src/devices/health';
import { sourceWords } from '../src/feed/sources';
import { ago, amount, gridParts, moment, reading, skew, span } from '../src/format';
import { wordsOf } from '../src/i18n';
import { parsePlace } from '../src/router';
import { CAMERA_STATES, EVENT_TYPES, SENSOR_STATES } from '../src/types';
import { aCase, AT, device, event, loop } from './make';

const zh = wordsOf('zh-CN');
const en = wordsOf('en');
const now = new Date(2026, 2, 4, 10, 30, 0);
const back = (ms: number) => new Date(now.getTime() - ms);

test.each([
  ['motion', '移动检测', 'motion detector'],
  ['hikvision+motion', '摄像机自报（海康威视）、移动检测', 'the camera itself (Hikvision) and motion detector'],
  ['fence-east+motion+onvif', 'fence-east、移动检测、摄像机自报（ONVIF）', 'fence-east and motion detector and the camera itself (ONVIF)'],
  ['rule.boiler-room', '规则“boiler-room”', 'rule “boiler-room”'],
])('who noticed it: %s', (origin, chinese, english) => {
  expect(sourceWords(zh, origin)).toBe(chinese);
  expect(sourceWords(en, origin)).toBe(english);
});

describe('times', () => {
  test('today is a clock, another day has its date, another year that too', () => {
    expect(moment('zh-CN', new Date(2026, 2, 4, 2, 3, 5), now)).toBe('02:03:05');
    expect(moment('zh-CN', new Date(2026, 2, 3, 0, 0, 0), now)).toBe('3月3日 00:00:00');
    expect(moment('zh-CN', new Date(2025, 11, 31, 23, 59, 59), now)).toBe('2025年12月31日 23:59:59');
    expect(moment('en', new Date(2026, 2, 3, 14, 0, 0), now)).toBe('3 Mar 14:00:00');
  });
  test.each([
    [-4000, '刚刚', 'now'], [4999, '刚刚', 'now'], [59_999, '59 秒前', '59 s ago'], [60_000, '1 分钟前', '1 min ago'],
    [7_200_000, '2 小时前', '2 h ago'], [200_000_000, '2 天前', '2 d ago'],
  ])('%d ms ago', (ms, chinese, english) => {
    expect(ago(zh, back(ms), now)).toBe(chinese);
    expect(ago(en, back(ms), now)).toBe(english);
  });
  test('a length of time', () => expect(span(zh, 320_000)).toBe('5 分钟'));
  test.each([[0, '0 ms'], [-38, '−38 ms'], [4120, '+4.1 s']])('skew %d', (ms, want) => expect(skew(ms)).toBe(want));
});

describe('numbers and codes', () => {
  test.each([
    [2.38449, 'm', '2.384 m'], [12.5, '%{LEL}', '12.5%LEL'], [21, 'Cel', '21 °C'], [9, '%', '9%'], [3, '1', '3'], [0.000123456, 'x', '0.0001 x'], [123456, 'W', '123500 W'],
  ])('%d %s', (value, unit, want) => expect(amount({ quantity: 'q', value, unit })).toBe(want));
  test('a quantity without a word keeps its name', () => {
    expect(reading(zh, { quantity: 'water-level', value: 1, unit: 'm' })).toBe('水位 1 m');
    expect(reading(zh, { quantity: 'turbidity', value: 1, unit: 'm' })).toBe('turbidity 1 m');
  });
  test.each([
    ['990001001001', ['990001', '001', '001']], ['990001001001003', ['990001', '001', '001', '003']],
    ['99000100100100312345', ['990001', '001', '001', '003', '12345']],
  ])('grid %s', (code, want) => expect(gridParts(code)).toEqual(want));
});

const called = titlesOf(zh, [loop]);

describe('a history in words', () => {
  test('every type has words of its own in both languages', () => {
    for (const words of [zh, en]) {
      const said = EVENT_TYPES.map((t) => sentence(words, event(t, { actor: 'demo', reason: 'review', stage: 'red', deadline: 'close', action: 'dispatch', level: 'district' }), now, called));
      for (const [i, s] of said.entries()) expect(s, EVENT_TYPES[i]).not.toMatch(new RegExp(`^${EVENT_TYPES[i]}$|undefined|[{}]`));
      expect(new Set(said).size).toBe(EVENT_TYPES.length);
    }
  });
  test('the types are those of central', () => {
    const go = Object.values(import.meta.glob('../../../cases/cases.go', { query: '?raw', import: 'default', eager: true }))[0] as string;
    expect([...go.matchAll(/EventType = "([\w-]+)"/g)].map((m) => m[1])).toEqual([...EVENT_TYPES]);
  });
  test.each([
    [event('stepped', { actor: 'demo', action: 'dispatch', workflow: 'base' }), 'demo：派遣'],
    [event('stepped', { rule: 'deadline', action: 'escalate', workflow: 'other' }), '系统：escalate'],
    [event('stepped', { rule: 'intake', action: 'intake', workflow: 'base', step: 'collect' }), '进入流程：信息收集'],
    [event('opened', { opening: { origin: 'resident' } }), '居民上报，立案'],
    [event('held', { actor: 'demo', reason: 'complaint' }), 'demo 保全：投诉'],
    [event('deadline', { deadline: 'reach', stage: 'yellow' }), '时限将到：到场'],
    [event('level-raised', { level: 'district', rule: 'x' }), '层级：区级件'],
    [event('merged', { rule: 'storm', into: 'other' }), '系统 并案：成为另一案卷的一部分'],
    [event('annotated', { actor: 'demo', note: 'n' }), 'demo 说明'],
  ])('%o', (e, want) => expect(sentence(zh, e, now, called)).toBe(want));
  test('a reason, a note and what a step set have lines of their own', () => {
    const why = { zh: '同一水体上游', en: 'Upstream' };
    expect(lines(en, event('related', { why }), now)).toEqual(['Upstream']);
    expect(lines(zh, event('stepped', { actor: 'a', assignee: 'a', unit: 'fire', helpers: ['water'], note: '已到场', reason: 'verified', rating: 4 }), now))
      .toEqual(['原因：已核查', '责任单位：fire', '协同单位：water', '评价：4 星', '已到场']);
  });
  test.each([
    [event('opened'), '告警触发，立案'],
    [event('joined', { count: 1 }), '并入 1 条告警'],
    [event('joined', { count: 100_000 }), '并入 100000 条告警'],
    [event('level-raised', { severity: 'critical' }), '级别升为“紧急”'],
    [event('cleared'), '现场解除'],
    [event('acknowledged', { actor: 'demo' }), 'demo 受理'],
    [event('closed', { actor: 'demo', reason: 'false-alarm' }), 'demo 结案：误报'],
    [event('closed', { reason: 'cleared' }), '系统自动结案：现场自行解除'],
    [event('reopened'), '同一情况再次发生，重新立案'],
    [event('moved' as 'opened'), 'moved'],
  ])('%o', (e, want) => expect(sentence(zh, e, now, called)).toBe(want));
  test('a span of joins names both ends', () => {
    const at = (h: number) => new Date(2026, 2, 4, h).toISOString();
    expect(sentence(en, event('joined', { count: 3, from: at(1), to: at(2) }), now, called)).toBe('3 more alerts joined (01:00:00 to 02:00:00)');
  });
});

describe('case filters', () => {
  test('only values of the closed lists count', () => {
    const filter = parseFilter(new URLSearchParams('state=open&severity=huge&kind=smoke&grid=99 00x01'));
    expect(filter).toEqual({ ...noFilter, state: 'open', kind: 'smoke', grid: '990001' });
  });
  test.each([
    ['', true], ['state=open', true], ['state=closed', false], ['severity=minor', true], ['severity=info', true], ['severity=major', false],
    ['level=grid', true], ['level=district', false], ['class=04', true], ['class=01', false], ['step=open', false], ['origin=staff', false], ['overdue=yes', false],
    ['kind=motion', true], ['kind=smoke', false], ['grid=990001', true], ['grid=88', false],
  ])('%s passes: %s', (query, want) => expect(passes(aCase(), parseFilter(new URLSearchParams(query)), now)).toBe(want));
  test('merged cases are left out unless they are asked for, overdue is a deadline before now', () => {
    const child = aCase({ parent: 'p', deadlines: [{ name: 'close', from: AT, due: back(1000).toISOString() }] });
    expect(passes(child, noFilter, now)).toBe(false);
    expect(passes(child, { ...noFilter, merged: 'yes', overdue: 'yes' }, now)).toBe(true);
    expect(asked(noFilter, now)).toMatchObject({ parent: 'none', dueBefore: '' });
    expect(asked({ ...noFilter, merged: 'yes', overdue: 'yes' }, now)).toMatchObject({ parent: '', dueBefore: now.toISOString() });
  });
});

describe('devices', () => {
  test('every state has a health', () => {
    expect([...CAMERA_STATES, ...SENSOR_STATES].filter((s) => healthOf(device(s)) === 'ok')).toEqual(['streaming', 'online']);
    expect([...CAMERA_STATES, ...SENSOR_STATES].filter((s) => healthOf(device(s)) === 'wait')).toEqual(['connecting', 'unknown']);
  });
  test('trouble comes first', () => {
    const list = [device('streaming', { id: 'a' }), device('connecting', { id: 'b' }), device('stalled', { id: 'c' })];
    expect(sorted(list).map((d) => d.id)).toEqual(['c', 'b', 'a']);
  });
  test('a known cause is explained in the reader\'s language, another is shown as said', () => {
    expect(explain(device('unreachable', { why: 'the camera does not answer' }))).toEqual({ cause: 'unreachable', said: '' });
    expect(explain(device('connecting', { why: 'next try in 8 s' }))).toEqual({ cause: 'connecting', said: 'next try in 8 s' });
    expect(explain(device('streaming'))).toEqual({ cause: '', said: '' });
    for (const s of [...CAMERA_STATES, ...SENSOR_STATES]) {
      const { cause } = explain(device(s));
      if (cause) expect(zh.word('why', cause)).not.toBe(cause);
    }
  });
});

test.each([['/', '/', ''], ['/cases/', '/cases', ''], ['/cases?state=open', '/cases', 'state=open']])('place %s', (href, path, query) => {
  const place = parsePlace(href);
  expect([place.path, place.query.toString()]).toEqual([path, query]);
});
