/** What the map page shows, kept current: asked again when the feed tells of a change, at most every few seconds, and each minute. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { FeedStore } from '../feed/store';
import { mapApi, type GridLevel, type Outlines, type Standing } from './api';

/** How often the map asks at most while things change, and how often it asks anyway: deadlines pass by themselves. */
export const AT_MOST_EVERY = 3000;
export const ANYWAY_EVERY = 60_000;

export interface MapData {
  outlines: Outlines | null;
  standing: Standing | null;
  error: unknown;
  retry: () => void;
}

export function useMapData(store: FeedStore, level: GridLevel | ''): MapData {
  const [outlines, setOutlines] = useState<Outlines | null>(null);
  const [standing, setStanding] = useState<Standing | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    Promise.all([mapApi.outlines(level, abort.signal), mapApi.standing(level, abort.signal)]).then(
      ([o, s]) => {
        setOutlines(o);
        setStanding(s);
        setError(null);
      },
      (err: unknown) => abort.signal.aborted || setError(err),
    );
    return () => abort.abort();
  }, [level, round]);
  useAgain(store, level, setStanding);
  return { outlines, standing, error, retry: () => setRound((n) => n + 1) };
}

/** Asks how things stand, again and again. A question that fails is asked at the next turn; a lost line has its own banner. */
function useAgain(store: FeedStore, level: GridLevel | '', set: (s: Standing) => void): void {
  const last = useRef(Date.now());
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let due = Infinity;
    const ask = () => {
      due = Infinity;
      last.current = Date.now();
      mapApi.standing(level, abort.signal).then(set, () => undefined).finally(() => abort.signal.aborted || plan(ANYWAY_EVERY));
    };
    const plan = (wait: number) => {
      if (Date.now() + wait >= due) return;
      due = Date.now() + wait;
      clearTimeout(timer);
      timer = setTimeout(ask, wait);
    };
    plan(ANYWAY_EVERY);
    const untap = store.tap(() => plan(Math.max(AT_MOST_EVERY - (Date.now() - last.current), 250)));
    return () => {
      untap();
      abort.abort();
      clearTimeout(timer);
    };
  }, [store, level]);
}
