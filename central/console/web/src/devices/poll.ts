/** A value that is asked for again every so often while the page is shown. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

export interface Polled<T> {
  value: T | null;
  at: Date;
  error: unknown;
  reload: () => void;
}

/** Asks at once, when the key changes, and every so many milliseconds; a hidden page does not ask. */
export function usePolled<T>(key: string, every: number, ask: (signal: AbortSignal) => Promise<T>): Polled<T> {
  const [state, setState] = useState<{ value: T | null; at: Date; error: unknown }>({ value: null, at: new Date(), error: null });
  const [round, setRound] = useState(0);
  const asking = useRef(ask);
  asking.current = ask;
  useEffect(() => setState({ value: null, at: new Date(), error: null }), [key]);
  useEffect(() => {
    const abort = new AbortController();
    const load = () => {
      asking.current(abort.signal).then(
        (value) => abort.signal.aborted || setState({ value, at: new Date(), error: null }),
        (error: unknown) => abort.signal.aborted || setState((was) => ({ ...was, error })),
      );
    };
    load();
    const timer = setInterval(() => document.hidden || load(), every);
    return () => {
      abort.abort();
      clearInterval(timer);
    };
  }, [key, round, every]);
  const reload = useCallback(() => setRound((n) => n + 1), []);
  return { ...state, reload };
}
