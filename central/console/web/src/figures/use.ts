/** Asking central while a page is shown. */
import { useEffect, useState } from 'preact/hooks';
import { pick } from '../i18n/pick';
import { useWords } from '../i18n';
import { figuresApi } from './api';

export interface Answer<T> {
  value: T | null;
  error: unknown;
  again: () => void;
}

/** The answer to what key stands for; the last one stays while the next is asked for. */
export function useAnswer<T>(key: string, ask: (signal: AbortSignal) => Promise<T>): Answer<T> {
  const [state, setState] = useState<{ value: T | null; error: unknown }>({ value: null, error: null });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    ask(abort.signal).then((value) => abort.signal.aborted || setState({ value, error: null }), (error: unknown) => abort.signal.aborted || setState({ value: null, error }));
    return () => abort.abort();
  }, [key, round]);
  return { ...state, again: () => setRound(round + 1) };
}

/** Names of the areas of a level by the beginnings of their codes; the code where none is known. */
export function useAreaNames(level: string, prefix: string): (code: string) => string {
  const words = useWords();
  const { value } = useAnswer(`${level} ${prefix}`, (signal) => (level === '' ? Promise.resolve([]) : figuresApi.areas(level, prefix, signal)));
  return (code) => {
    const found = (value ?? []).find((a) => a.code.startsWith(code));
    return pick(words, found?.title) || '';
  };
}
