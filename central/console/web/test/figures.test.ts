import { describe, expect, test } from 'vitest';
import type { Row, Series } from '../src/figures/api';
import { csvPath } from '../src/figures/api';
import { dayText, monthAway, months, monthSpan, shifted, spanOf } from '../src/figures/period';
import { askedFor, below, change, changeOfRate, ordered, percent, trail } from '../src/figures/rows';
import { gapOf, HOURS, lineOf, stepOf, tableOf, unitOf, written } from '../src/figures/series';
import { wordsOf } from '../src/i18n';

const now = new Date(2026, 0, 31, 15, 0);

describe('periods', () => {
  test('end the day after the last', () => {
    expect(spanOf('month', now)).toEqual({ from: '2026-01-01', to: '2026-02-01' });
    expect(spanOf('before', now)).toEqual({ from: '2025-12-01', to: '2026-01-01' });
    expect(spanOf('days', now)).toEqual({ from: '2026-01-02', to: '2026-02-01' });
    expect(spanOf('year', now)).toEqual({ from: '2025-02-01', to: '2026-02-01' });
  });
  test('of months', () => {
    expect(monthSpan('2026-02')).toEqual({ from: '2026-02-01', to: '2026-03-01' });
    for (const bad of ['', '2026-13', '2026-1', 'x', '2026-02-01']) expect(monthSpan(bad)).toBeNull();
    expect([monthAway('2026-01', -1), monthAway('2025-12', 1)]).toEqual(['2025-12', '2026-01']);
    expect(months(now, 3)).toEqual(['2026-01', '2025-12', '2025-11']);
  });
  test('days are shifted over months and leap days', () => {
    expect([shifted('2024-02-28', 1), shifted('2026-01-01', -1), shifted('2026-03-01', 0)]).toEqual(['2024-02-29', '2025-12-31', '2026-03-01']);
    expect([shifted('soon', 1), shifted('2026-99-99', 0)]).toEqual(['', '']);
    expect(dayText(new Date(2026, 8, 5))).toBe('2026-09-05');
  });
});

const row = (more: Partial<Row>): Row => ({
  opened: 0, closed: 0, closedInTime: 0, cleared: 0, falseAlarms: 0, reopened: 0, overdue: 0, extended: 0, sentBack: 0, reworked: 0, supervised: 0, parked: 0, merged: 0, rated: 0, ...more,
});

describe('lines of a report', () => {
  test('areas are asked for by digits', () => {
    expect([askedFor('community'), askedFor('grid'), askedFor('class'), askedFor('month')]).toEqual([{ by: 'grid', digits: 12 }, { by: 'grid' }, { by: 'class' }, { by: 'month' }]);
    expect([below('county'), below('community'), below('grid'), below('unit')]).toEqual(['township', 'grid', null, null]);
    expect(trail('990001001001').map((t) => t.prefix)).toEqual(['990001', '990001001', '990001001001']);
  });
  test('areas go by how much was opened, days by time', () => {
    const rows = [row({ grid: 'b', day: '2', opened: 1 }), row({ grid: 'a', day: '1', opened: 1 }), row({ grid: 'c', day: '3', opened: 9 })];
    expect(ordered(rows, 'grid').map((r) => r.grid)).toEqual(['c', 'a', 'b']);
    expect(ordered(rows, 'day').map((r) => r.day)).toEqual(['1', '2', '3']);
  });
  test('rates and changes', () => {
    const words = wordsOf('en');
    expect([percent(0.9341), percent(1), percent(undefined)]).toEqual(['93.4%', '100.0%', '—']);
    expect([change(3, 1), change(1, 3), change(2, 2)]).toEqual(['+2', '−2', '0']);
    expect([changeOfRate(words, 0.5, 0.25), changeOfRate(words, 0.25, 0.5), changeOfRate(words, 0.5, undefined)]).toEqual(['+25.0 points', '−25.0 points', '—']);
  });
  test('the file is asked for as the lines are', () => {
    expect(csvPath({ from: '2026-01-01', to: '2026-02-01', by: 'grid', digits: 12, exercise: true })).toBe('/v1/indicators.csv?from=2026-01-01&to=2026-02-01&by=grid&digits=12&exercise=true');
    expect(csvPath({ from: '2026-01-01', to: '2026-02-01', exercise: false })).not.toContain('exercise');
  });
});

const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
const series = (minutes: readonly number[], more: Partial<Series> = {}): Series => ({ metric: 'gridgate_reading', labels: { device: 'd', edge: 'e', unit: 'Cel' }, points: minutes.map((m) => ({ at: at(m), value: m })), ...more });

describe('series', () => {
  test('a gap stays a gap, and a slow sensor has none', () => {
    const minute = 60_000;
    const line = lineOf(series([0, 1, 2, 9, 10]), minute);
    expect(line.points.map(([, v]) => v)).toEqual([0, 1, 2, null, 9, 10]);
    expect(lineOf(series([0, 10, 20, 31]), minute).points.every(([, v]) => v !== null)).toBe(true);
    expect(gapOf([], minute)).toBe(2 * minute);
  });
  test('units have words; bytes are megabytes', () => {
    expect(unitOf(series([]))).toEqual({ name: 'Cel', code: 'Cel' });
    expect(unitOf(series([], { labels: { unit: 'furlong' } }))).toEqual({ code: 'furlong' });
    const disk = series([5], { metric: 'gridgate_edge_disk_free_bytes', labels: { edge: 'e' } });
    expect([unitOf(disk).name, lineOf({ ...disk, points: [{ at: at(0), value: 2_500_000 }] }, 1000).points[0]?.[1]]).toEqual(['MB', 2.5]);
  });
  test('no period has more than 320 steps', () => {
    for (const hours of HOURS) expect((hours * 3600) / stepOf(hours)).toBeLessThanOrEqual(320);
  });
  test('the table tells the same, newest first', () => {
    const lines = [lineOf(series([0, 1]), 60_000), lineOf(series([1, 2]), 60_000)];
    expect(tableOf(lines, 10).map((r) => r.values)).toEqual([[null, 2], [1, 1], [0, null]]);
    expect(tableOf(lines, 1)).toHaveLength(1);
    expect([written(1234.567), written(0.00012345), written(-3)]).toEqual(['1235', '0.0001', '-3']);
  });
});
