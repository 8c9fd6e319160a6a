/**
 * The rows of the live feed: a bounded list, newest first by position in central's alert log. Pure functions on plain values.
 *
 * While someone reads (holding), arrivals wait in held and touch no row.
 */
import type { Alert } from '../types';

/** How many rows are kept, and how many may wait. */
export const MAX_ROWS = 500;
export const MAX_HELD = 500;

export interface FeedList {
  rows: readonly Alert[];
  held: readonly Alert[];
  /** True once more arrived than held can hold: the pill then says "N+". */
  overflow: boolean;
  /** Cursor of the alerts before the last row; empty where there are none or the list is full. */
  older: string;
}

export const emptyList: FeedList = { rows: [], held: [], overflow: false, older: '' };

/** Takes one alert in; one that is already there is replaced (it has pictures now, or was sent twice). */
export function arrive(list: FeedList, alert: Alert, holding: boolean): FeedList {
  if (has(list.rows, alert)) return { ...list, rows: list.rows.map((a) => (a.id === alert.id ? newer(a, alert) : a)) };
  const held = insert(list.held, alert);
  if (!holding) return release({ ...list, held });
  return { ...list, held: held.slice(0, MAX_HELD), overflow: list.overflow || held.length > MAX_HELD };
}

/** Moves what waited into the rows. */
export function release(list: FeedList): FeedList {
  if (list.held.length === 0) return list;
  let rows: readonly Alert[] = list.rows;
  for (const a of [...list.held].reverse()) rows = insert(rows, a);
  return bound({ ...list, rows, held: [], overflow: false });
}

/** Starts over from the newest page of central, and keeps what arrived meanwhile. */
export function reload(list: FeedList, page: readonly Alert[], older: string): FeedList {
  const newest = page[0]?.position ?? 0;
  let rows: readonly Alert[] = [...page].sort(byPosition);
  for (const a of [...list.held, ...list.rows]) if (a.position > newest) rows = insert(rows, a);
  return bound({ rows, held: [], overflow: false, older });
}

/** Adds a page of older alerts at the end. */
export function extend(list: FeedList, page: readonly Alert[], older: string): FeedList {
  let rows = list.rows;
  for (const a of page) rows = insert(rows, a);
  return bound({ ...list, rows, older });
}

/** Takes over the pictures of alerts that are in the list; everything else of them never changes. */
export function patch(list: FeedList, fresh: readonly Alert[]): FeedList {
  const byId = new Map(fresh.filter((a) => a.evidence.length > 0).map((a) => [a.id, a]));
  if (byId.size === 0) return list;
  const swap = (a: Alert) => newer(a, byId.get(a.id) ?? a);
  return { ...list, rows: list.rows.map(swap), held: list.held.map(swap) };
}

/** The raised alerts in the list whose situation is over. */
export function ended(rows: readonly Alert[]): ReadonlySet<string> {
  return new Set(rows.filter((a) => a.state === 'cleared' && a.situation).map((a) => a.situation as string));
}

const byPosition = (a: Alert, b: Alert): number => b.position - a.position;
const has = (rows: readonly Alert[], alert: Alert): boolean => rows.some((a) => a.id === alert.id);
const newer = (old: Alert, fresh: Alert): Alert => (fresh.evidence.length >= old.evidence.length ? fresh : old);

function insert(rows: readonly Alert[], alert: Alert): readonly Alert[] {
  if (has(rows, alert)) return rows.map((a) => (a.id === alert.id ? newer(a, alert) : a));
  const at = rows.findIndex((a) => a.position < alert.position);
  return at < 0 ? [...rows, alert] : [...rows.slice(0, at), alert, ...rows.slice(at)];
}

function bound(list: FeedList): FeedList {
  return list.rows.length < MAX_ROWS ? list : { ...list, rows: list.rows.slice(0, MAX_ROWS), older: '' };
}
