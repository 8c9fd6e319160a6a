import { describe, expect, test } from 'vitest';
import { arrive, emptyList, ended, extend, MAX_HELD, MAX_ROWS, patch, release, reload, type FeedList } from '../src/feed/list';
import { alert, evidence } from './make';

const positions = (list: FeedList) => list.rows.map((a) => a.position);
const run = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => alert(to - i));

describe('arrive', () => {
  test('puts the newest first', () => {
    let list = emptyList;
    for (const n of [1, 2, 3]) list = arrive(list, alert(n), false);
    expect(positions(list)).toEqual([3, 2, 1]);
  });
  test('puts one that was overtaken in its place', () => {
    let list = emptyList;
    for (const n of [1, 3, 2]) list = arrive(list, alert(n), false);
    expect(positions(list)).toEqual([3, 2, 1]);
  });
  test('takes an id once, held or shown', () => {
    let list = arrive(emptyList, alert(1), false);
    list = arrive(list, alert(1), false);
    list = arrive(list, alert(2), true);
    list = arrive(list, alert(2), true);
    expect(positions(list)).toEqual([1]);
    expect(list.held).toHaveLength(1);
  });
  test('a second telling never takes pictures away', () => {
    const list = arrive(arrive(emptyList, alert(1, { evidence: [evidence()] }), false), alert(1), false);
    expect(list.rows[0]?.evidence).toHaveLength(1);
  });
  test('touches no row while holding', () => {
    const before = arrive(emptyList, alert(1), false);
    expect(arrive(before, alert(2), true).rows).toBe(before.rows);
  });
  test('holds at most so many and says that there were more', () => {
    let list = emptyList;
    for (let n = 1; n <= MAX_HELD + 1; n++) list = arrive(list, alert(n), true);
    expect(list.held).toHaveLength(MAX_HELD);
    expect(list.held[0]?.position).toBe(MAX_HELD + 1);
    expect(list.overflow).toBe(true);
    expect(release(list)).toMatchObject({ held: [], overflow: false });
  });
  test('keeps at most so many rows, and offers no older ones then', () => {
    let list: FeedList = { ...emptyList, rows: run(1, MAX_ROWS), older: 'c' };
    list = arrive(list, alert(MAX_ROWS + 1), false);
    expect(list.rows).toHaveLength(MAX_ROWS);
    expect(list.rows[0]?.position).toBe(MAX_ROWS + 1);
    expect(list.older).toBe('');
  });
});

describe('release, reload, extend', () => {
  test('release shows what waited, in order', () => {
    let list = arrive(emptyList, alert(1), false);
    for (const n of [2, 4, 3]) list = arrive(list, alert(n), true);
    expect(positions(release(list))).toEqual([4, 3, 2, 1]);
  });
  test('reload keeps what arrived after the page was made, once', () => {
    let list = arrive(arrive(emptyList, alert(5), false), alert(6), true);
    list = reload(list, run(1, 5), 'cursor');
    expect(positions(list)).toEqual([6, 5, 4, 3, 2, 1]);
    expect(list.older).toBe('cursor');
  });
  test('reload drops rows that central no longer tells', () => {
    expect(positions(reload(arrive(emptyList, alert(3), false), run(7, 8), ''))).toEqual([8, 7]);
  });
  test('extend adds older rows at the end, without doubling', () => {
    expect(positions(extend({ ...emptyList, rows: run(5, 6) }, run(3, 5), ''))).toEqual([6, 5, 4, 3]);
  });
});

test('patch brings pictures and changes nothing else', () => {
  const list = arrive(arrive(emptyList, alert(1), false), alert(2), true);
  const patched = patch(list, [alert(1, { evidence: [evidence()] }), alert(9, { evidence: [evidence()] })]);
  expect(patched.rows[0]?.evidence).toHaveLength(1);
  expect(patched.rows).toHaveLength(1);
  expect(patched.held[0]?.evidence).toHaveLength(0);
  expect(patch(list, [alert(1)])).toBe(list);
});

test('ended names the situations that are over', () => {
  const rows = [alert(3, { state: 'cleared', situation: 'a1' }), alert(2), alert(1)];
  expect([...ended(rows)]).toEqual(['a1']);
});
