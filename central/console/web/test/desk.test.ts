/** The case desk: what is left in working time, moments of a shift, which key does what, and several cases at once. */
import { describe, expect, test } from 'vitest';
import { common, MOST, picked } from '../src/cases/bulk';
import { lengthText, leftText } from '../src/cases/left';
import { keyOf, offered, SHORTCUTS } from '../src/cases/shortcuts';
import { endOfShift, localInput, moments } from '../src/cases/until';
import { wordsOf } from '../src/i18n';
import type { TimeLeft, Workflow } from '../src/types';
import { aCase, offer } from './make';

const zh = wordsOf('zh-CN');
const en = wordsOf('en');
const DAY = 7 * 3600;

describe('what is left', () => {
  const left = (seconds: number, more: Partial<TimeLeft> = {}): TimeLeft => ({ deadline: 'close', working: true, left: seconds, day: DAY, running: true, ...more });
  test('counts working days as long as is worked', () => {
    expect(leftText(zh, left(2 * DAY + 3 * 3600 + 59 * 60), 0)).toBe('剩 2 个工作日 3 小时');
    expect(leftText(en, left(DAY), 0)).toBe('1 working d left');
    expect(leftText(zh, left(3 * 3600 + 20 * 60), 0)).toBe('剩 3 小时 20 分钟');
    expect(leftText(zh, left(59), 0)).toBe('剩 0 分钟');
  });
  test('goes on only while it runs, and says when it passed', () => {
    expect(leftText(zh, left(3600), 600)).toBe('剩 50 分钟');
    expect(leftText(zh, left(3600, { running: false }), 600)).toBe('剩 1 小时');
    expect(leftText(zh, left(60), 180)).toBe('已超 2 分钟');
  });
  test('by the clock a day has 24 hours', () => expect(lengthText(en, 26 * 3600, 0, false)).toBe('1 d 2 h'));
});

describe('moments of a shift', () => {
  const at = (h: number, m: number) => new Date(2026, 2, 1, h, m);
  test('a shift ends at eight, sixteen and midnight; one that is all but over is not waited for', () => {
    expect(endOfShift(at(9, 0))).toEqual(at(16, 0));
    expect(endOfShift(at(15, 50))).toEqual(at(24, 0));
    expect(endOfShift(at(23, 59))).toEqual(at(32, 0));
  });
  test('are offered as an input has them', () => expect(moments(at(9, 5)).map((m) => localInput(m.at))).toEqual(['2026-03-01T09:35', '2026-03-01T11:05', '2026-03-01T16:00']));
});

describe('keys of actions', () => {
  test('do what is offered, and nothing else', () => {
    const offers = [offer('redispatch', 'dispatch', { needs: ['unit'] }), offer('close', 'desk', { reasons: ['handled', 'duplicate'] })];
    const found = SHORTCUTS.filter((s) => offered(s, offers)).map((s) => s.key);
    expect(found).toEqual(['d']);
    expect(keyOf('redispatch', offers)).toBe('d');
    expect(keyOf('close', offers)).toBeUndefined();
  });
  test('are each for one thing, and none is that of undo, merge or going elsewhere', () => {
    const keys = [...SHORTCUTS.map((s) => s.key), 'u', 'm', 'g', 'j', 'k'];
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('several cases', () => {
  const titles = { zh: 'x', en: 'x' };
  const workflow = {
    id: 'base', titles, start: 'collect', taken: 'open', void: 'desk',
    steps: [{ id: 'collect', titles, phase: 'open' }, { id: 'open', titles, phase: 'acknowledged' }, { id: 'handle', titles, phase: 'acknowledged' }, { id: 'desk', titles, phase: 'closed' }],
    actions: [
      { id: 'acknowledge', titles, from: ['collect'], to: 'open', roles: ['operator'] }, { id: 'snooze', titles, roles: ['operator', 'worker'], needs: ['until'] },
      { id: 'supervise', titles, roles: ['supervisor'] }, { id: 'extend', titles, from: ['handle'], tiers: [{ roles: ['supervisor'] }] },
    ],
  } as unknown as Workflow;
  const actions = (role: string, ...cases: Parameters<typeof common>[0]) => common(cases, [workflow], role).map((o) => o.action);
  test('allow what each of them allows to the role', () => {
    const open = aCase({ state: 'open' });
    const taken = aCase({ state: 'acknowledged', step: 'open', workflow: 'base' });
    expect(actions('operator', open)).toEqual(['acknowledge', 'snooze']);
    expect(actions('operator', open, taken)).toEqual(['snooze']);
    expect(actions('supervisor', taken, aCase({ state: 'acknowledged', step: 'handle', workflow: 'base' }))).toEqual(['supervise']);
    expect(actions('operator', aCase({ state: 'closed', step: 'desk', workflow: 'base' }))).toEqual([]);
    expect(actions('operator')).toEqual([]);
  });
  test('are picked one by one and by ranges, as many as one request takes', () => {
    const rows = Array.from({ length: 300 }, (_, i) => `c${i}`);
    const one = picked(new Set(), rows, 'c2', '', false);
    expect([...picked(one, rows, 'c5', 'c2', true)]).toEqual(['c2', 'c3', 'c4', 'c5']);
    expect([...picked(one, rows, 'c0', 'c2', true)].sort()).toEqual(['c0', 'c1', 'c2']);
    expect([...picked(one, rows, 'c2', 'c2', false)]).toEqual([]);
    expect(picked(one, rows, 'c299', 'c2', true).size).toBe(MOST);
  });
});
