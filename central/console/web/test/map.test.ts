import { describe, expect, test } from 'vitest';
import type { GridCount, GridFeature, MapCase, Outlines, Shape, Standing } from '../src/map/api';
import { toGCJ02 } from '../src/map/gcj02';
import { caseSource, deviceSource, gridRows, gridSource, labelSource, listed, toneOf, wholeBox, type Box } from '../src/map/model';
import { niceLength, sketch } from '../src/map/sketch';

const square: Shape = { type: 'Polygon', coordinates: [[[120, 30], [120.002, 30], [120.002, 30.001], [120, 30.001], [120, 30]]] };

describe('sketch', () => {
  test('draws north up, to scale, within its margins', () => {
    const s = sketch(square, { lon: 120.001, lat: 30.0005 }, 340, 190);
    expect(s?.point).toEqual({ x: 170, y: 95 });
    const xy = [...(s?.path ?? '').matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map((m) => [Number(m[1]), Number(m[2])]);
    expect(xy).toHaveLength(5);
    expect(xy[0]?.[1]).toBeGreaterThan(xy[2]?.[1] as number); // the south is below
    expect((xy[1]?.[0] as number) - (xy[0]?.[0] as number)).toBeCloseTo(2 * Math.cos((30.0005 * Math.PI) / 180) * ((xy[0]?.[1] as number) - (xy[2]?.[1] as number)), 0);
    for (const [x, y] of xy) expect(x! >= 13.9 && x! <= 326.1 && y! >= 13.9 && y! <= 176.1).toBe(true);
  });

  test('a point alone has some land around it, and nothing is nothing', () => {
    expect(sketch(null, { lon: 120, lat: 30 }, 340, 190)).toMatchObject({ path: '', point: { x: 170, y: 95 }, bar: { metres: 50 } });
    expect(sketch(null, null, 340, 190)).toBeNull();
  });

  test('a bar has a round length', () => {
    for (const [most, want] of [[1, 1], [1.9, 1], [2, 2], [49, 20], [50, 50], [99, 50], [999, 500], [1000, 1000]]) expect(niceLength(most!)).toBe(want);
  });
});

describe('GCJ-02', () => {
  // The figures that the project which publishes the formula tests its own with: latitude, longitude, and what becomes of them.
  test.each([
    ['Shanghai', 31.1774276, 121.5272106, 31.17530398364597, 121.531541859215], ['Shenzhen', 22.543847, 113.912316, 22.540796131694766, 113.9171764808363],
    ['Beijing', 39.911954, 116.377817, 39.91334545536069, 116.38404722455657],
  ])('%s', (_, lat, lon, toLat, toLon) => {
    const [x, y] = toGCJ02([lon, lat]);
    expect(x).toBeCloseTo(toLon, 9);
    expect(y).toBeCloseTo(toLat, 9);
  });

  test('shifts by some hundred metres within China and not at all outside', () => {
    for (let lon = 74; lon <= 134; lon += 1.7) {
      for (let lat = 18; lat <= 53; lat += 1.3) {
        const [x, y] = toGCJ02([lon, lat]);
        const metres = Math.hypot((x - lon) * 111_320 * Math.cos((lat * Math.PI) / 180), (y - lat) * 110_574);
        expect(metres).toBeGreaterThan(20);
        expect(metres).toBeLessThan(900);
      }
    }
    for (const p of [[2.3522, 48.8566], [151.2, -33.9], [-74, 40.7]] as const) expect(toGCJ02(p)).toEqual(p);
  });
});

const outline = (code: string, west: number): GridFeature => ({
  type: 'Feature', geometry: { type: 'Polygon', coordinates: [[[west, 30], [west + 0.001, 30], [west + 0.001, 30.001], [west, 30.001], [west, 30]]] },
  properties: { code, title: { zh: code }, level: 'grid', inner: [west + 0.0005, 30.0005] },
});
const outlines: Outlines = { type: 'FeatureCollection', levels: ['grid'], level: 'grid', features: [outline('a', 120), outline('b', 120.001), outline('c', 121)] };
const none: GridCount = { code: '', open: 0, acknowledged: 0, yellow: 0, red: 0, exercises: 0, devices: 0, faults: 0 };
const aCase = (id: string, grid: string, more: Partial<MapCase> = {}): MapCase => ({
  id, in: grid, grid, kind: 'smoke', class: '0101', severity: 'major', state: 'open', openedAt: '2026-03-01T12:00:00Z', ...more,
});
const standing: Standing = {
  grids: [{ ...none, code: 'a', open: 2, severity: 'critical', red: 1, yellow: 1 }, { ...none, code: 'b', acknowledged: 120, severity: 'info' }, { ...none, code: 'x', open: 1, severity: 'minor' }],
  cases: [aCase('1', 'a', { place: { lon: 120.0002, lat: 30.0002 } }), aCase('2', 'a'), aCase('3', 'b'), aCase('4', 'x')],
  devices: [
    { edge: 'e', id: 'd', in: 'b', grid: 'b', family: 'cameras', state: 'streaming', since: '' }, { edge: 'e', id: 'f', in: 'b', grid: 'b', family: 'cameras', state: 'online', since: '', stale: true },
    { edge: 'e', id: 'g', in: 'nowhere', grid: 'nowhere', family: 'sensors', state: 'connecting', since: '' },
  ],
  moreCases: 0, moreDevices: 0,
};
const properties = (c: { features: object[] }) => c.features.map((f) => (f as { properties: object }).properties);

describe('model', () => {
  test('a grid is coloured by how many cases wait, or by how near the deadlines are', () => {
    const count = (n: number): GridCount => ({ ...none, open: n, severity: 'minor' });
    expect([0, 1, 2, 3, 5, 6, 9, 10, 500].map((n) => toneOf(count(n), 'cases'))).toEqual(['none', 'step-1', 'step-1', 'step-2', 'step-2', 'step-3', 'step-3', 'step-4', 'step-4']);
    expect(properties(gridSource(outlines, standing, 'deadline'))).toEqual([{ code: 'a', tone: 'red' }, { code: 'b', tone: 'calm' }, { code: 'c', tone: 'none' }]);
    expect(toneOf({ ...count(1), yellow: 1 }, 'deadline')).toBe('yellow');
  });

  test('a number says what the colour says, the more urgent grid first', () => {
    expect(properties(labelSource(outlines, standing, 'cases'))).toMatchObject([{ code: 'a', icon: 'n:critical:2' }, { code: 'b', icon: 'n:info:99+' }]);
    expect(properties(labelSource(outlines, standing, 'deadline'))).toMatchObject([{ icon: 'n:red:1' }, { icon: 'n:calm:99+' }]);
    const [a, b] = properties(labelSource(outlines, standing, 'cases')) as { order: number }[];
    expect(a!.order).toBeLessThan(b!.order);
  });

  test('cases are points where somebody said so, devices lie in their grids', () => {
    expect(properties(caseSource(outlines, standing))).toEqual([{ id: '1', code: 'a', rank: 2 }]);
    expect(properties(deviceSource(outlines, standing))).toEqual([{ code: 'b', worst: 0 }, { code: 'b', worst: 2 }]);
  });

  test('over shifted tiles everything that is drawn is shifted by the same, and what is kept is not', () => {
    const over: Outlines = { ...outlines, tiles: { datum: 'gcj02', attribution: '', minZoom: 0, maxZoom: 18 } };
    const before = JSON.stringify([outlines, standing]);
    const first = (c: { features: object[] }) => (c.features[0] as { geometry: { coordinates: unknown } }).geometry.coordinates;
    expect(first(gridSource(over, standing, 'cases'))).toEqual([outlines.features[0]!.geometry.coordinates[0]!.map((p) => toGCJ02(p as [number, number]))]);
    expect(first(caseSource(over, standing))).toEqual(toGCJ02([120.0002, 30.0002]));
    expect(first(deviceSource(over, standing))).toEqual(toGCJ02(outlines.features[1]!.properties.inner));
    expect(wholeBox(over)![0]).toBeGreaterThan(wholeBox(outlines)![0] + 0.003);
    expect(JSON.stringify([outlines, standing])).toBe(before);
  });

  test('the list has the cases in view, or of the chosen grid, and always those that no view can have', () => {
    const ids = (selected: string, view: Box | null) => listed(outlines, standing.cases, selected, view).map((c) => c.id);
    expect(ids('', null)).toEqual(['1', '2', '3', '4']);
    expect(ids('b', null)).toEqual(['3']);
    expect(ids('', [119, 120.0005, 29, 31])).toEqual(['1', '2', '4']);
    expect(ids('', [10, 11, 29, 31])).toEqual(['4']);
  });

  test('the list of grids has all of them by how urgent they are', () => {
    expect(gridRows(outlines, standing).map((r) => [r.code, r.title === null])).toEqual([['a', false], ['b', false], ['x', true], ['c', false]]);
  });
});
