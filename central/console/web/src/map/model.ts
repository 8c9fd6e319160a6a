/** What the map and the list beside it show, of what central said. Pure. */
import type { Severity, Stage } from '../types';
import type { GridCount, GridFeature, MapCase, MapDevice, Outlines, Shape, Standing } from './api';
import { toGCJ02 } from './gcj02';
import { bounds, polygonsOf } from './sketch';

/** What colours the grids. */
export const MODES = ['cases', 'deadline'] as const;
export type Mode = (typeof MODES)[number];

export type LonLat = readonly [number, number];
/** West, east, south, north. */
export type Box = readonly [number, number, number, number];

/** Worst last: their places are what clusters compare. */
export const HEALTHS = ['ok', 'wait', 'bad'] as const;
export const RANKS: readonly Severity[] = ['info', 'minor', 'major', 'critical'];

export const waiting = (g: GridCount | undefined): number => (g ? g.open + g.acknowledged : 0);

/** Steps of how many cases wait: none, and darker. */
export const STEPS = [0, 1, 3, 6, 10] as const;

/** How a grid is filled: a step of STEPS, or how near its deadlines are. */
export function toneOf(g: GridCount | undefined, mode: Mode): string {
  if (waiting(g) === 0) return 'none';
  if (mode === 'deadline') return stageOf(g as GridCount) ?? 'calm';
  return `step-${STEPS.filter((s) => s <= waiting(g)).length - 1}`;
}

export const stageOf = (g: GridCount): Stage | undefined => (g.red > 0 ? 'red' : g.yellow > 0 ? 'yellow' : undefined);

/** The number on a grid and the shape beside it; empty where no case waits. */
export function markOf(g: GridCount | undefined, mode: Mode): string {
  if (!g || waiting(g) === 0) return '';
  const stage = stageOf(g);
  if (mode === 'deadline') return `n:${stage ?? 'calm'}:${capped(stage === 'red' ? g.red : stage === 'yellow' ? g.yellow : waiting(g))}`;
  return `n:${g.severity ?? 'info'}:${capped(waiting(g))}`;
}

const capped = (n: number): string => (n > 99 ? '99+' : String(n));

export function healthOf(d: MapDevice): (typeof HEALTHS)[number] {
  if (d.stale) return 'bad';
  if (d.state === 'streaming' || d.state === 'online') return 'ok';
  return d.state === 'connecting' || d.state === 'unknown' ? 'wait' : 'bad';
}

type Put = (p: LonLat) => LonLat;

/** How positions are drawn over the tiles there are. */
export const putFor = (o: Pick<Outlines, 'tiles'>): Put => (o.tiles?.datum === 'gcj02' ? toGCJ02 : (p) => p);

export function moved(s: Shape, put: Put): Shape {
  const rings = (all: readonly (readonly LonLat[])[]) => all.map((ring) => ring.map((p) => put(p)));
  return s.type === 'Polygon' ? { type: 'Polygon', coordinates: rings(s.coordinates) } : { type: 'MultiPolygon', coordinates: s.coordinates.map(rings) };
}

const feature = (geometry: unknown, properties: object) => ({ type: 'Feature' as const, geometry, properties });
const collection = (features: object[]) => ({ type: 'FeatureCollection' as const, features });
const point = (at: LonLat) => ({ type: 'Point', coordinates: at });

export const byCode = (s: Standing): Map<string, GridCount> => new Map(s.grids.map((g) => [g.code, g]));

/** The outlines, each with how it is filled. */
export function gridSource(o: Outlines, s: Standing, mode: Mode) {
  const [put, counts] = [putFor(o), byCode(s)];
  return collection(o.features.map((f) => feature(moved(f.geometry, put), { code: f.properties.code, tone: toneOf(counts.get(f.properties.code), mode) })));
}

/** The numbers on the grids, the more urgent ones first. */
export function labelSource(o: Outlines, s: Standing, mode: Mode) {
  const [put, counts] = [putFor(o), byCode(s)];
  return collection(o.features.flatMap(({ properties: { code, inner } }) => {
    const g = counts.get(code);
    const icon = markOf(g, mode);
    return g && icon ? [feature(point(put(inner)), { code, icon, order: -(g.red * 1e6 + g.yellow * 1e4 + RANKS.indexOf(g.severity ?? 'info') * 1e3 + waiting(g)) })] : [];
  }));
}

/** The cases of which somebody said where exactly; the others are a number on their grid. */
export function caseSource(o: Outlines, s: Standing) {
  const put = putFor(o);
  return collection(s.cases.flatMap((c) => (c.place ? [feature(point(put([c.place.lon, c.place.lat])), { id: c.id, code: c.in, rank: RANKS.indexOf(c.severity) })] : [])));
}

/** The devices at a point within their grids: where exactly they are nobody says. */
export function deviceSource(o: Outlines, s: Standing) {
  const put = putFor(o);
  const inner = new Map(o.features.map((f) => [f.properties.code, put(f.properties.inner)]));
  return collection(s.devices.flatMap((d) => {
    const at = inner.get(d.in);
    return at ? [feature(point(at), { code: d.in, worst: HEALTHS.indexOf(healthOf(d)) })] : [];
  }));
}

export const boxOf = (f: GridFeature, put: Put): Box => bounds(polygonsOf(f.geometry).flatMap((rings) => (rings[0] ?? []).map((p) => put(p))));

/** The box of all outlines; null without any. */
export function wholeBox(o: Outlines): Box | null {
  const put = putFor(o);
  const boxes = o.features.map((f) => boxOf(f, put));
  if (boxes.length === 0) return null;
  return bounds(boxes.flatMap(([w, e, s, n]): LonLat[] => [[w, s], [e, n]]));
}

const touch = (a: Box, b: Box): boolean => a[0] <= b[1] && b[0] <= a[1] && a[2] <= b[3] && b[2] <= a[3];

/** The codes of the grids of which something is in view; null: no view narrows the list. */
export function codesIn(o: Outlines, view: Box | null): Set<string> | null {
  if (!view) return null;
  const put = putFor(o);
  return new Set(o.features.filter((f) => touch(boxOf(f, put), view)).map((f) => f.properties.code));
}

/** The cases of the list: those of the selected grid, else those in view. A case in a grid without an outline is always in it. */
export function listed(o: Outlines, cases: readonly MapCase[], selected: string, view: Box | null): readonly MapCase[] {
  if (selected !== '') return cases.filter((c) => c.in === selected);
  const codes = codesIn(o, view);
  if (!codes) return cases;
  const drawn = new Set(o.features.map((f) => f.properties.code));
  return cases.filter((c) => codes.has(c.in) || !drawn.has(c.in));
}

/** A grid in the list of grids. */
export interface GridRow {
  code: string;
  title: { zh: string; en?: string } | null;
  count: GridCount | undefined;
}

/** All grids of the level by how urgent they are, and those without an outline in which there is something. */
export function gridRows(o: Outlines, s: Standing): GridRow[] {
  const counts = byCode(s);
  const drawn = new Set(o.features.map((f) => f.properties.code));
  const rows: GridRow[] = o.features.map(({ properties: p }) => ({ code: p.code, title: p.title, count: counts.get(p.code) }));
  rows.push(...s.grids.filter((g) => !drawn.has(g.code)).map((g) => ({ code: g.code, title: null, count: g })));
  const weight = ({ count: g }: GridRow) => (g ? g.red * 1e9 + g.yellow * 1e6 + waiting(g) * 1e3 + g.faults : 0);
  return rows.sort((a, b) => weight(b) - weight(a) || a.code.localeCompare(b.code));
}
