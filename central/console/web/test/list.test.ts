import { describe, expect, test } from 'vitest';
import { Chain, FLAP_GAP, FLAPS, MAX_FOLD } from '../src/feed/fold';
import { FeedList } from '../src/feed/list';
import type { Alert } from '../src/types';
import { alert, AT, evidence } from './make';

/** An alert of a key of its own, unless more says otherwise. */
const lone = (n: number, more: Partial<Alert> = {}) => alert(n, { key: `k${n}`, ...more });
const rows = (list: FeedList) => Array.from({ length: list.length }, (_, i) => list.at(i)?.alert.position);
const after = (seconds: number) => new Date(Date.parse(AT) + seconds * 1000).toISOString();
const filled = (...positions: number[]) => {
  const list = new FeedList();
  for (const n of positions) list.arrive(lone(n), false);
  return list;
};

describe('arrivals', () => {
  test('the newest comes first, and one that was overtaken in its place', () => {
    expect(rows(filled(1, 3, 2))).toEqual([3, 2, 1]);
  });
  test('an id is taken once, held or shown', () => {
    const list = filled(1);
    expect([list.arrive(lone(1), false), list.arrive(lone(2), true), list.arrive(lone(2), true)]).toEqual([false, true, false]);
    expect(rows(list)).toEqual([1]);
    expect(list.held.size).toBe(1);
  });
  test('a second telling never takes pictures away', () => {
    const list = new FeedList();
    list.arrive(lone(1, { evidence: [evidence()] }), false);
    list.arrive(lone(1), false);
    expect(list.at(0)?.alert.evidence).toHaveLength(1);
  });
  test('touch no row while holding, and come in order after it', () => {
    const list = filled(1);
    for (const n of [2, 4, 3]) list.arrive(lone(n), true);
    expect(rows(list)).toEqual([1]);
    expect(list.release()).toBe(true);
    expect(rows(list)).toEqual([4, 3, 2, 1]);
  });
  test('more than may wait leave a hole, and release says so', () => {
    const list = new FeedList(100, 2);
    for (const n of [1, 2, 3]) list.arrive(lone(n), true);
    expect([list.held.size, list.overflow, list.release(), list.overflow]).toEqual([2, true, false, false]);
  });
  test('patch brings pictures to rows and to what waits, and adds none', () => {
    const list = filled(1);
    list.arrive(lone(2), true);
    list.patch([1, 2, 9].map((n) => lone(n, { evidence: [evidence()] })));
    expect([list.length, list.held.size, list.get('a1')?.evidence.length, list.get('a2')?.evidence.length]).toEqual([1, 1, 1, 1]);
  });
  test('a cleared alert ends the situation of the one that raised it', () => {
    const list = filled(1);
    list.arrive(lone(2, { state: 'cleared', situation: 'a1' }), false);
    expect([list.isOver(lone(1)), list.isOver(lone(2)), list.isOver(lone(3))]).toEqual([true, false, false]);
  });
});

describe('bounds', () => {
  test('the oldest rows go, older ones are offered no more, and none of them comes back', () => {
    const list = new FeedList(10);
    list.older = 'c';
    for (let n = 1; n <= 50; n++) list.arrive(lone(n), false);
    expect(list.size).toBeLessThanOrEqual(20);
    expect(rows(list).slice(0, 10)).toEqual([50, 49, 48, 47, 46, 45, 44, 43, 42, 41]);
    expect([list.older, list.full]).toEqual(['', true]);
    const n = list.length;
    list.arrive(lone(1), false);
    expect(list.length).toBe(n);
  });
  test('a chain keeps its newest alerts and counts all', () => {
    const list = new FeedList();
    for (let n = 1; n <= MAX_FOLD + 50; n++) list.arrive(alert(n), false);
    expect([list.length, list.size, list.at(0)?.fold?.n]).toEqual([1, MAX_FOLD, MAX_FOLD + 50]);
  });
});

describe('what flaps', () => {
  const flap = (list: FeedList, n: number, from = 1) => {
    for (let i = 0; i < n; i++) list.arrive(alert(from + i, { occurredAt: after(i) }), false);
  };
  test('is one row from the third onset on, at the place of its newest', () => {
    const list = new FeedList();
    flap(list, FLAPS - 1);
    expect(list.length).toBe(FLAPS - 1);
    list.arrive(lone(10), false);
    flap(list, 1, 11);
    expect(rows(list)).toEqual([11, 10]);
    expect(list.at(0)?.fold).toMatchObject({ n: 3, folded: true });
  });
  test('unfolds to its alerts and folds again; every index leads back to its row', () => {
    const list = new FeedList();
    list.arrive(lone(1), false);
    flap(list, 4, 2);
    list.arrive(lone(9), false);
    const chain = list.at(1)?.fold as Chain;
    list.unfold(chain, true);
    expect(rows(list)).toEqual([9, 5, 4, 3, 2, 1]);
    expect(Array.from({ length: 6 }, (_, i) => list.at(i)?.nth)).toEqual([0, 0, 1, 2, 3, 0]);
    expect(rows(list).map((n) => list.indexOf(`a${n}`))).toEqual([0, 1, 2, 3, 4, 5]);
    list.unfold(chain, false);
    expect(rows(list)).toEqual([9, 5, 1]);
    expect(list.indexOf('a3')).toBe(1);
  });
  test('is not folded over cases, over exercises and over a long pause, nor by clears alone', () => {
    for (const more of [(n: number) => ({ caseId: `c${n}` }), (n: number) => ({ occurredAt: after(n * (FLAP_GAP / 1000 + 1)) }), () => ({ state: 'cleared' as const }), (n: number) => ({ exercise: n % 2 === 0 })]) {
      const list = new FeedList();
      for (let n = 1; n <= 4; n++) list.arrive(alert(n, more(n)), false);
      expect(list.length).toBe(4);
    }
  });
  test('tells the gravest severity', () => {
    const list = new FeedList();
    for (const [i, severity] of (['minor', 'critical', 'info'] as const).entries()) list.arrive(alert(i + 1, { severity }), false);
    expect(list.at(0)?.fold?.severity).toBe('critical');
  });
  test('older pages never fold rows that are shown', () => {
    const list = new FeedList();
    list.extend([alert(9), alert(8)], 'c');
    list.extend([alert(7), alert(6), alert(5), alert(4)], '');
    expect(rows(list)).toEqual([9, 8, 7]);
    expect(list.at(2)?.fold?.n).toBe(4);
  });
});

/** Numbers that look random and are the same each time (mulberry32). */
function dice(seed: number): (n: number) => number {
  let s = seed;
  return (n) => {
    s = (s + 0x6d2b79f5) | 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * n);
  };
}

/** All alerts that the rows stand for. */
function everything(list: FeedList): string[] {
  const ids: string[] = [];
  for (let i = 0; i < list.length; i++) {
    const row = list.at(i);
    if (row && row.nth === 0) ids.push(...(row.fold ? row.fold.alerts.map((a) => a.id) : [row.alert.id]));
  }
  return ids.sort();
}

test.each(Array.from({ length: 40 }, (_, i) => i + 1))('nothing is lost, doubled or out of place, whatever comes in which order (%i)', (seed) => {
  const roll = dice(seed);
  const list = new FeedList();
  const known = new Set<string>();
  let newest = 500;
  let oldest = 500;
  const make = (n: number) => alert(n, { key: `k${n % 7}`, caseId: `c${n % 3}`, occurredAt: after(n * (n % 11)), state: n % 5 === 0 ? 'cleared' : 'raised' });
  const takes = (a: Alert, holding: boolean) => {
    expect(list.arrive(a, holding)).toBe(!known.has(a.id));
    known.add(a.id);
  };
  for (let step = 0; step < 150; step++) {
    const what = roll(10);
    if (what < 4) takes(make(++newest), roll(2) === 0);
    else if (what === 4) {
      for (let n = Math.max(501, newest - roll(5)); n <= newest; n++) takes(make(n), roll(2) === 0);
    } else if (what === 5) list.release();
    else if (what === 6) {
      const page = Array.from({ length: 4 }, () => make(--oldest));
      list.extend(page, 'c');
      for (const a of page) known.add(a.id);
    } else if (what === 7 && list.length > 0) {
      const fold = list.at(roll(list.length))?.fold;
      if (fold) list.unfold(fold, !fold.open);
    } else if (what === 8) newest += roll(3);
    else list.patch([make(newest)].map((a) => ({ ...a, evidence: [evidence()] })));
  }
  list.release();
  expect(everything(list)).toEqual([...known].sort());
  const heads = Array.from({ length: list.length }, (_, i) => list.at(i)).filter((r) => r?.nth === 0).map((r) => r?.alert.position as number);
  expect(heads).toEqual([...heads].sort((a, b) => b - a));
  for (let i = 0; i < list.length; i++) expect(list.indexOf(list.at(i)?.alert.id ?? '')).toBe(i);
  expect(list.at(list.length)).toBeNull();
});

test('one more alert among 100,000 does not cost 100,000 steps', () => {
  const list = new FeedList();
  for (let n = 1; n <= 100_000; n++) list.arrive(alert(n, { key: `k${n % 900}`, caseId: `c${n % 5000}`, occurredAt: after(n) }), false);
  const hundreds: number[] = [];
  for (let n = 100_001; n <= 105_000; ) {
    const from = performance.now();
    for (const end = n + 100; n < end; n++) list.arrive(alert(n, { key: `k${n % 900}`, caseId: `c${n % 5000}`, occurredAt: after(n) }), n % 2 === 0);
    hundreds.push(performance.now() - from);
  }
  // The median: a machine that is busy with something else for a moment costs one or two of them.
  expect((hundreds.sort((x, y) => x - y)[25] as number) / 100).toBeLessThan(2); // milliseconds each; a storm of 50 a second is 100 of a second's 1000
  expect(list.size + list.held.size).toBe(105_000);
}, 60_000);
