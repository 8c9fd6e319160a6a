/** A look for as long as a part of a page is shown: it ends when the page is hidden or left. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { askLook, endLook, lookOf, lookPicture, type LookAsked } from '../devices/api';
import { LookSession, pause, type LookState } from './looking';

export interface Looking {
  state: LookState | null;
  /** Address of the newest picture; it changes with each. */
  url: string;
  start: (asked: LookAsked) => void;
  stop: () => void;
}

export function useLook(edge: string): Looking {
  const [state, setState] = useState<LookState | null>(null);
  const session = useRef<LookSession | null>(null);
  const url = useBlobUrl(state?.picture ?? null);
  const stop = useCallback((cause?: string) => session.current?.stop(cause), []);
  const start = useCallback((asked: LookAsked) => {
    session.current?.stop();
    const calls = { ask: (a: LookAsked) => askLook(edge, a), picture: lookPicture, look: lookOf, end: endLook, now: () => performance.now(), wait: pause };
    const mine = new LookSession(calls, (s) => session.current === mine && setState(s));
    session.current = mine;
    setState(mine.state);
    void mine.run(asked);
  }, [edge]);
  useEffect(() => {
    const hidden = () => document.hidden && stop('hidden');
    const left = () => stop('hidden');
    document.addEventListener('visibilitychange', hidden);
    addEventListener('pagehide', left);
    return () => {
      document.removeEventListener('visibilitychange', hidden);
      removeEventListener('pagehide', left);
      session.current?.stop();
    };
  }, [edge]);
  return { state, url, start, stop: () => stop() };
}

/** How long the address of a picture is kept after the next one came: it is shown until that one is drawn. */
const LINGER = 1000;

/** The address of the newest blob; the one before is given back. */
export function useBlobUrl(blob: Blob | null): string {
  const [url, setUrl] = useState('');
  useEffect(() => {
    if (!blob) {
      setUrl('');
      return;
    }
    const mine = URL.createObjectURL(blob);
    setUrl(mine);
    return () => void setTimeout(() => URL.revokeObjectURL(mine), LINGER);
  }, [blob]);
  return url;
}
