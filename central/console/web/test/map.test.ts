import { describe, expect, test } from 'vitest';
import type { Shape } from '../src/map/api';
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
