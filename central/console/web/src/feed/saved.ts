/** The filters that an account saved, at central: each account sees its own. */
import { useEffect, useState } from 'preact/hooks';
import { ApiError, request } from '../api';
import { parseFilter, terse, type FeedFilter } from './filter';

/** Bounds of central/api/filters.go. */
export const MAX_SAVED = 40;
export const MAX_NAME = 40;

export interface SavedFilter {
  name: string;
  filter: FeedFilter;
}

type Kept = { name: string } & Partial<FeedFilter>;

async function read(): Promise<SavedFilter[]> {
  const { items } = await request<{ items: Kept[] }>('/v1/filters');
  return items.map((kept) => ({ name: kept.name, filter: parseFilter((name) => kept[name]) }));
}

/** Changes what is saved now, so that another window's names stay. */
async function save(change: (now: SavedFilter[]) => SavedFilter[]): Promise<SavedFilter[]> {
  const next = change(await read());
  await request('/v1/filters', { method: 'PUT', body: { items: next.map((s) => ({ name: s.name, ...terse(s.filter) })) } });
  return next;
}

/** The saved filters and how to change them; null while unknown, and where central keeps none. */
export function useSaved() {
  const [saved, setSaved] = useState<SavedFilter[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    read().then(setSaved, (err: unknown) => err instanceof ApiError && (err.status === 403 || err.status === 404) || setError(err));
  }, []);
  const change = async (f: (now: SavedFilter[]) => SavedFilter[]): Promise<boolean> => {
    setError(null);
    try {
      setSaved(await save(f));
      return true;
    } catch (err) {
      setError(err);
      return false;
    }
  };
  return {
    saved, error,
    put: (name: string, filter: FeedFilter) => change((now) => [...now.filter((s) => s.name !== name), { name, filter }]),
    remove: (name: string) => change((now) => now.filter((s) => s.name !== name)),
  };
}
