/** What the case page shows: the case with its history, and its newest alerts with their pictures. Kept current by the feed. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api';
import { PictureWatch } from '../feed/pictures';
import type { FeedStore } from '../feed/store';
import type { Alert, Case, CaseDetail, CaseEvent, Evidence } from '../types';
import { fullPage } from './pages';
import { merged } from './parts';

export const ALERTS = 100;
const SETTLE = 150;
/** How often a case with deadlines is asked for again: working time is counted by central's calendar. */
const AGAIN = 60_000;

export interface CaseData {
  detail: CaseDetail | null;
  alerts: readonly Alert[];
  more: boolean;
  /** The photos of the case itself. */
  photos: readonly Evidence[];
  /** The cases that are part of it; the first ones. */
  children: readonly Case[];
  moreChildren: boolean;
  /** When central was asked, in milliseconds: what it said is left is as of then. */
  askedAt: number;
  error: unknown;
  awaitsPicture: (id: string) => boolean;
  reload: () => void;
}

export function useCaseData(id: string, store: FeedStore): CaseData {
  const [detail, setDetail] = useState<CaseDetail | null>(null);
  const [alerts, setAlerts] = useState<{ items: readonly Alert[]; more: boolean }>({ items: [], more: false });
  const [own, setOwn] = useState<{ photos: readonly Evidence[]; children: readonly Case[]; moreChildren: boolean }>({ photos: [], children: [], moreChildren: false });
  const [error, setError] = useState<unknown>(null);
  const [round, setRound] = useState(0);
  const [askedAt, setAskedAt] = useState(0);
  const watch = useRef(new PictureWatch()).current;
  const again = () => setRound((n) => n + 1);

  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const asked = [
      api.case(id, abort.signal), api.alerts({ case: id, limit: ALERTS }, abort.signal), api.pictures(id, abort.signal), childrenOf(id, abort.signal),
    ] as const;
    Promise.all(asked).then(
      ([c, page, photos, children]) => {
        setOwn({ photos, children: children.items, moreChildren: children.next !== '' });
        setDetail(c);
        setAskedAt(Date.now());
        setAlerts({ items: page.items, more: page.next !== '' });
        setError(null);
        watch.track(page.items, Date.now());
        const wait = watch.next(Date.now());
        if (wait !== null) timer = setTimeout(() => { watch.asked(Date.now()); again(); }, Math.max(wait, 1000));
      },
      (err: unknown) => abort.signal.aborted || setError(err),
    );
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [id, round]);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const untap = store.tap((m) => {
      if (m !== null && m.case.id !== id && m.case.parent !== id) return;
      clearTimeout(timer);
      timer = setTimeout(again, SETTLE);
    });
    return () => {
      untap();
      clearTimeout(timer);
    };
  }, [id, store]);

  const counts = (detail?.left?.length ?? 0) > 0;
  useEffect(() => {
    if (!counts) return;
    const timer = setInterval(again, AGAIN);
    return () => clearInterval(timer);
  }, [counts, id]);

  return { detail, askedAt, alerts: alerts.items, more: alerts.more, ...own, error, awaitsPicture: (a) => watch.has(a), reload: again };
}

const childrenOf = (id: string, signal: AbortSignal) =>
  fullPage((cursor, limit) => api.cases({ parent: id, cursor, limit }, signal), '', ALERTS);

/** The history with what was before it, a part at a time. */
export function useEarlier(detail: CaseDetail) {
  const [before, setBefore] = useState<{ events: readonly CaseEvent[]; earlier: boolean } | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const history = merged(before?.events ?? [], detail.history);
  const more = async () => {
    setBusy(true);
    setError(null);
    try {
      const part = await api.case(detail.id, undefined, history[0]?.position);
      setBefore({ events: merged(part.history, before?.events ?? detail.history), earlier: part.earlier });
    } catch (err) {
      setError(err);
    } finally {
      setBusy(false);
    }
  };
  return { history, earlier: before?.earlier ?? detail.earlier, busy, error, more: () => void more() };
}
