/** The live state of the worker's page: cases, what waits, whether central answers. */
import { useEffect, useMemo, useReducer, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api';
import type { Session } from '../types';
import { clockAhead, mine, wire } from './api';
import { keep, type Work } from './keep';
import { backoff, Outbox, waits, type Lock } from './sender';

const EVERY = 30_000;
const NOTHING: Work = { cases: [], workflows: [] };

/** Only one page of a browser sends; one without locks sends by itself, which the keys of the entries make harmless. */
const oneAtATime: Lock = (f) =>
  'locks' in navigator ? navigator.locks.request('gridgate.outbox', { ifAvailable: true }, async (held) => (held ? f() : undefined)) : f();

export interface WorkState {
  work: Work;
  box: Outbox | null;
  /** Whether central answered the last question. */
  live: boolean;
  /** Whether any list, of now or of before, is there. */
  known: boolean;
  /** Whether what is kept outlives the page. */
  lasting: boolean;
  error: unknown;
  /** Central's clock minus the telephone's, in milliseconds; undefined: not known. */
  ahead: number | undefined;
  refresh: () => void;
}

/** Calls f now, every so often while the page is seen, and whenever it is seen again or the network is back. */
function useWhileSeen(f: () => void): void {
  const latest = useRef(f);
  latest.current = f;
  useEffect(() => {
    const go = () => document.visibilityState === 'visible' && latest.current();
    go();
    const timer = setInterval(go, EVERY);
    document.addEventListener('visibilitychange', go);
    addEventListener('online', go);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', go);
      removeEventListener('online', go);
    };
  }, []);
}

/** The outbox of an account, once what is kept was read. Sends again by itself after a failure. */
function useOutbox(user: string): { box: Outbox | null; lasting: boolean } {
  const [box, setBox] = useState<Outbox | null>(null);
  const [lasting, setLasting] = useState(true);
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let end = () => {};
    void keep().then(async (k) => {
      const b = new Outbox(user, k, wire, oneAtATime);
      const stop = b.subscribe(() => {
        redraw(0);
        clearTimeout(timer);
        if (waits(b.entries) && b.failed > 0 && !b.foreign) timer = setTimeout(() => void b.flush(), backoff(b.failed));
      });
      end = stop;
      await b.load();
      setLasting(k.lasting);
      setBox(b);
    });
    return () => {
      clearTimeout(timer);
      end();
    };
  }, [user]);
  return { box, lasting };
}

export function useWork(session: Session): WorkState {
  const { box, lasting } = useOutbox(session.user);
  const [state, setState] = useState<{ work: Work; known: boolean; live: boolean; error: unknown }>({ work: NOTHING, known: false, live: true, error: null });
  const [ahead, setAhead] = useState<number | undefined>(undefined);
  const [round, again] = useReducer((n: number) => n + 1, 0);
  const latest = useRef(state.work);
  latest.current = state.work;

  useEffect(() => {
    void keep().then((k) => k.work(session.user)).then((was) => was && setState((s) => (s.known ? s : { ...s, work: was, known: true })));
  }, [session.user]);

  useEffect(() => {
    if (!box || round === 0) return;
    let gone = false;
    const ask = async () => {
      await box.flush();
      const work = await mine(session, latest.current);
      await keep().then((k) => k.putWork(session.user, work));
      if (!gone) setState({ work, known: true, live: true, error: null });
    };
    ask().catch((error: unknown) => gone || setState((s) => ({ ...s, error, live: !(error instanceof ApiError && error.status === 0) })));
    void clockAhead(Date.now).then((ms) => gone || ms === undefined || setAhead(ms));
    return () => {
      gone = true;
    };
  }, [box, round]);

  useWhileSeen(() => again(0));
  useEffect(() => {
    if (!box) return;
    let left = box.entries.filter((e) => e.state === 'sent').length;
    return box.subscribe(() => {
      const n = box.entries.filter((e) => e.state === 'sent').length;
      if (n > left && !waits(box.entries)) again(0);
      left = n;
    });
  }, [box]);
  return useMemo(() => ({ ...state, live: state.live && !box?.failed, box, lasting, ahead, refresh: () => again(0) }), [state, box, lasting, ahead, box?.entries, box?.failed]);
}
