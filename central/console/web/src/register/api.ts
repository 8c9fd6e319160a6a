/** Central's calls about the register of cameras, and what of it is filed with the police. */
import { query, request } from '../api';
import type { Session } from '../types';

export const STATES = ['refused', 'untold', 'registered'] as const;

export interface Camera {
  edge: string;
  id: string;
  grid: string;
  owner: string;
  purpose: string;
  basis: string;
  placeKind: string;
  since: string;
  state: string;
  /** Of a refused one: what is wrong with it. */
  why?: string[];
}

export interface FilingChange {
  edge: string;
  camera: string;
  sort: string;
  fields?: string[];
  at: string;
  due: string;
  overdue: boolean;
  soon: boolean;
}

export interface Filing {
  cameras: { filedAt?: string }[];
  changes: FilingChange[];
}

/** Who sees some grids only is told nothing of the filing: it is about the whole centre. */
export const seesFiling = (s: Session): boolean => (s.grids ?? []).length === 0;
export const mayMark = (s: Session): boolean => seesFiling(s) && s.scopes.includes('administer');

export const CSV = '/v1/filing.csv';
/** Characters of the number of a filing, and which. */
export const MAX_NOTE = 64;
export const NOTE = /^[\p{L}\p{N}._:/-]*$/u;

/** How many pages of the register, each of 20 edges, are read at most. */
const PAGES = 50;

/** The cameras that may be seen, refused ones first; more says that there are others. */
export async function camerasOf(signal?: AbortSignal): Promise<{ items: Camera[]; more: boolean }> {
  const items: Camera[] = [];
  let cursor: string | undefined;
  for (let n = 0; n < PAGES; n++) {
    const page = await request<{ items: Camera[]; next?: string }>(`/v1/cameras${query({ cursor })}`, { signal });
    items.push(...page.items);
    cursor = page.next;
    if (!cursor) break;
  }
  return { items: ordered(items), more: Boolean(cursor) };
}

const rank = (c: Camera): number => STATES.indexOf(c.state as (typeof STATES)[number]);

export const ordered = (all: readonly Camera[]): Camera[] =>
  [...all].sort((a, b) => rank(a) - rank(b) || a.edge.localeCompare(b.edge) || a.id.localeCompare(b.id));

export const filingOf = (signal?: AbortSignal): Promise<Filing> => request<Filing>('/v1/filing', { signal, timeout: 60_000 });

export const mark = (note: string): Promise<{ edges: number; cameras: number }> => request('/v1/filing/marks', { method: 'POST', body: note === '' ? {} : { note } });
