/** How the lines of a report are grouped, named and written. Pure. */
import type { Words } from '../i18n';
import type { Asked, Row } from './api';

export const GROUPS = ['county', 'township', 'community', 'grid', 'class', 'unit', 'day', 'month'] as const;
export type Group = (typeof GROUPS)[number];

/** The digits of a code that name an area of a level; 0: the whole code. */
export const DIGITS: Readonly<Partial<Record<Group, number>>> = { county: 6, township: 9, community: 12, grid: 0 };

/** The level of the map whose names fit a group. */
export const LEVEL: Readonly<Partial<Record<Group, string>>> = { county: 'district', township: 'township', community: 'community', grid: 'grid' };

/** What a group is asked for. */
export function askedFor(group: Group): Pick<Asked, 'by' | 'digits'> {
  const digits = DIGITS[group];
  if (digits === undefined) return { by: group };
  return digits === 0 ? { by: 'grid' } : { by: 'grid', digits };
}

/** The group below an area group; null below a grid and for what is no area. */
export function below(group: Group): Group | null {
  const order: readonly Group[] = ['county', 'township', 'community', 'grid'];
  const at = order.indexOf(group);
  return at < 0 ? null : order[at + 1] ?? null;
}

/** The areas that a prefix lies in, largest first: where one has come from. */
export function trail(prefix: string): { prefix: string; group: Group }[] {
  const levels: readonly (readonly [number, Group])[] = [[6, 'county'], [9, 'township'], [12, 'community'], [15, 'grid']];
  return levels.filter(([n]) => prefix.length >= n).map(([n, group]) => ({ prefix: prefix.slice(0, n), group }));
}

/** What tells a line apart in a group. */
export function keyOf(row: Row, group: Group): string {
  if (DIGITS[group] !== undefined) return row.grid ?? '';
  if (group === 'class') return row.class ?? '';
  return (group === 'unit' ? row.unit : row.day) ?? '';
}

/** Areas, classes and units by how many cases were opened; days and months in their order. */
export function ordered(rows: readonly Row[], group: Group): Row[] {
  const inTime = group === 'day' || group === 'month';
  return [...rows].sort((a, b) => (inTime ? 0 : b.opened - a.opened) || keyOf(a, group).localeCompare(keyOf(b, group)));
}

export const RATES = ['inTimeRate', 'overdueRate', 'reworkRate', 'falseAlarmRate'] as const;

/** A share as per cent; a dash where there was nothing to divide by. */
export const percent = (rate: number | undefined): string => (rate === undefined ? '—' : `${(rate * 100).toFixed(1)}%`);

/** The change of a count, with its sign. */
export function change(now: number, before: number): string {
  const by = now - before;
  return by > 0 ? `+${by}` : by < 0 ? `−${-by}` : '0';
}

/** The change of a rate in percentage points; a dash where one of them is missing. */
export function changeOfRate(words: Words, now: number | undefined, before: number | undefined): string {
  if (now === undefined || before === undefined) return '—';
  const by = Math.round((now - before) * 1000);
  const text = (Math.abs(by) / 10).toFixed(1);
  return words.t('figures.points100', { n: by > 0 ? `+${text}` : by < 0 ? `−${text}` : '0.0' });
}
