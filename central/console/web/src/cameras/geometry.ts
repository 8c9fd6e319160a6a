/**
 * Outlines on a picture. In: points [x, y] relative to the picture, 0 to 1, the origin top left. Out: outlines and what is wrong with them.
 * Pure.
 */
export type Point = readonly [number, number];
export type Outline = readonly Point[];

/** Bounds of an outline and of a camera, as central has them (protocols/ingest). */
export const MIN_POINTS = 3;
export const MAX_POINTS = 64;
export const MAX_SHAPES = 16;

/** How near to a border of the picture a point is drawn onto it, and how much of the picture an outline has at least. */
const SNAP = 0.015;
const MIN_AREA = 0.0004;

/** One step of an arrow key, and a fine one. */
export const STEP = 0.01;
export const FINE = 0.002;

/** A coordinate within the picture, in steps of a ten-thousandth. */
export const tidy = (v: number): number => Math.round(Math.min(1, Math.max(0, v)) * 10_000) / 10_000;

/** A point within the picture; one near a border is on it. */
export function snapped([x, y]: Point): Point {
  const onto = (v: number) => (v < SNAP ? 0 : v > 1 - SNAP ? 1 : tidy(v));
  return [onto(x), onto(y)];
}

export const moved = (o: Outline, i: number, to: Point): Outline => o.map((p, n) => (n === i ? to : p));

export const removed = (o: Outline, i: number): Outline => (o.length > MIN_POINTS ? o.filter((_, n) => n !== i) : o);

/** A point more behind the i-th: in the middle of its side, or at a place. */
export function inserted(o: Outline, i: number, at?: Point): Outline {
  const a = o[i];
  const b = o[(i + 1) % o.length];
  if (!a || !b || o.length >= MAX_POINTS) return o;
  return [...o.slice(0, i + 1), at ?? middle(a, b), ...o.slice(i + 1)];
}

export const middle = (a: Point, b: Point): Point => [tidy((a[0] + b[0]) / 2), tidy((a[1] + b[1]) / 2)];

/** The whole outline elsewhere, as far as the picture goes. */
export function shifted(o: Outline, dx: number, dy: number): Outline {
  const room = (by: number, all: readonly number[]) => Math.min(1 - Math.max(...all), Math.max(-Math.min(...all), by));
  const x = room(dx, o.map((p) => p[0]));
  const y = room(dy, o.map((p) => p[1]));
  return o.map((p) => [tidy(p[0] + x), tidy(p[1] + y)]);
}

/** Share of the picture, 0 to 1. */
export function areaOf(o: Outline): number {
  let twice = 0;
  o.forEach((p, i) => {
    const q = o[(i + 1) % o.length] as Point;
    twice += p[0] * q[1] - q[0] * p[1];
  });
  return Math.abs(twice) / 2;
}

/** Which two sides cross or touch, by the numbers of their first points; null for none. */
export function crossing(o: Outline): readonly [number, number] | null {
  const n = o.length;
  for (let i = 0; i < n; i++) {
    for (let k = i + 1; k < n; k++) {
      const next = k === i + 1 || (i === 0 && k === n - 1);
      if (next ? folds(o, i, k) : meet(at(o, i), at(o, i + 1), at(o, k), at(o, k + 1))) return [i, k];
    }
  }
  return null;
}

const at = (o: Outline, i: number): Point => o[i % o.length] as Point;

/** Which side of a to b the point c lies on: positive, negative, or on the line. */
function turn(a: Point, b: Point, c: Point): number {
  const v = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
  return Math.abs(v) < 1e-12 ? 0 : v;
}

const between = (a: Point, b: Point, c: Point): boolean =>
  Math.min(a[0], b[0]) <= c[0] && c[0] <= Math.max(a[0], b[0]) && Math.min(a[1], b[1]) <= c[1] && c[1] <= Math.max(a[1], b[1]);

/** Whether two sides have a point in common. */
function meet(a: Point, b: Point, c: Point, d: Point): boolean {
  const [abc, abd, cda, cdb] = [turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)];
  if (abc * abd < 0 && cda * cdb < 0) return true;
  return (abc === 0 && between(a, b, c)) || (abd === 0 && between(a, b, d)) || (cda === 0 && between(c, d, a)) || (cdb === 0 && between(c, d, b));
}

/** Whether two neighbouring sides lie on each other: the outline goes back the way it came, or stands still. */
function folds(o: Outline, i: number, k: number): boolean {
  const [a, b, c] = k === i + 1 ? [at(o, i), at(o, k), at(o, k + 1)] : [at(o, k), at(o, i), at(o, i + 1)];
  if (same(a, b) || same(b, c)) return true;
  return turn(a, b, c) === 0 && (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1]) < 0;
}

const same = (a: Point, b: Point): boolean => a[0] === b[0] && a[1] === b[1];

export type Fault = 'few' | 'many' | 'crossing' | 'small';

/** What is wrong with an outline; null: nothing. */
export function faultOf(o: Outline): Fault | null {
  if (o.length < MIN_POINTS) return 'few';
  if (o.length > MAX_POINTS) return 'many';
  if (crossing(o)) return 'crossing';
  return areaOf(o) < MIN_AREA ? 'small' : null;
}

/** Which side is nearest to a point, by the number of its first point, and how far. */
export function nearestSide(o: Outline, p: Point): { side: number; distance: number } {
  let best = { side: 0, distance: Infinity };
  o.forEach((a, i) => {
    const b = at(o, i + 1);
    const length = (b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2;
    const t = length === 0 ? 0 : Math.min(1, Math.max(0, ((p[0] - a[0]) * (b[0] - a[0]) + (p[1] - a[1]) * (b[1] - a[1])) / length));
    const distance = Math.hypot(a[0] + t * (b[0] - a[0]) - p[0], a[1] + t * (b[1] - a[1]) - p[1]);
    if (distance < best.distance) best = { side: i, distance };
  });
  return best;
}

/** A rectangle to begin with, a little further down and right than the one before. */
export function fresh(n: number): Outline {
  const d = (n % 6) * 0.04;
  return [[tidy(0.25 + d), tidy(0.3 + d)], [tidy(0.55 + d), tidy(0.3 + d)], [tidy(0.55 + d), tidy(0.65 + d)], [tidy(0.25 + d), tidy(0.65 + d)]];
}

/** The corners of the whole picture, for a zone without an outline of its own. */
export const WHOLE: Outline = [[0, 0], [1, 0], [1, 1], [0, 1]];
