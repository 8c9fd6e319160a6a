/** A still drawing of a shape: positions in degrees to units of a picture. Pure. */
import type { Ring, Shape } from './api';

export interface Sketch {
  width: number;
  height: number;
  /** The rings as SVG path data. */
  path: string;
  point: { x: number; y: number } | null;
  /** A bar of a round length. */
  bar: { metres: number; width: number };
}

const METRES = 111_320; // per degree of latitude
const MARGIN = 14;
/** A point without a shape is shown with this much land around it, metres. */
const AROUND = 100;

export const polygonsOf = (s: Shape): readonly (readonly Ring[])[] => (s.type === 'Polygon' ? [s.coordinates] : s.coordinates);

/** Draws a shape and a point to scale, north up; null where there is neither. */
export function sketch(shape: Shape | null, at: { lon: number; lat: number } | null, width: number, height: number): Sketch | null {
  const rings = shape ? polygonsOf(shape).flat() : [];
  const all: (readonly [number, number])[] = [...rings.flat(), ...(at ? [[at.lon, at.lat] as const] : [])];
  if (all.length === 0) return null;
  const [west, east, south, north] = bounds(all);
  const middle = { lon: (west + east) / 2, lat: (south + north) / 2 };
  const across = METRES * Math.cos((middle.lat * Math.PI) / 180);
  const wide = Math.max((east - west) * across, AROUND);
  const high = Math.max((north - south) * METRES, AROUND);
  const scale = Math.min((width - 2 * MARGIN) / wide, (height - 2 * MARGIN) / high); // units per metre
  const put = ([lon, lat]: readonly [number, number]) => ({
    x: round(width / 2 + (lon - middle.lon) * across * scale),
    y: round(height / 2 - (lat - middle.lat) * METRES * scale),
  });
  const path = rings.map((ring) => `${ring.map((p, i) => `${i === 0 ? 'M' : 'L'}${put(p).x} ${put(p).y}`).join('')}Z`).join('');
  const metres = niceLength(width / 4 / scale);
  return { width, height, path, point: at ? put([at.lon, at.lat]) : null, bar: { metres, width: round(metres * scale) } };
}

const round = (n: number): number => Math.round(n * 10) / 10;

/** West, east, south, north. Spreading many corners over the arguments of Math.min would be too many. */
export function bounds(points: Iterable<readonly [number, number]>): [number, number, number, number] {
  let [west, east, south, north] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const [lon, lat] of points) {
    west = Math.min(west, lon);
    east = Math.max(east, lon);
    south = Math.min(south, lat);
    north = Math.max(north, lat);
  }
  return [west, east, south, north];
}

/** The longest of 1, 2, 5, 10, 20... that is not longer. */
export function niceLength(most: number): number {
  const ten = 10 ** Math.floor(Math.log10(most));
  return [5, 2].map((n) => n * ten).find((n) => n <= most) ?? ten;
}
