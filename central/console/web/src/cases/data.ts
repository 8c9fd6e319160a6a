/** What the case page shows: the case with its history, and its newest alerts with their pictures. Kept current by the feed. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api';
import { PictureWatch } from '../feed/pictures';
import type { FeedStore } from '../feed/store';
import type { Alert, CaseDetail } from '../types';

export const ALERTS = 100;
const SETTLE = 150;

export interface CaseData {
  detail: CaseDetail | null;
  alerts: readonly Alert[];
  more: boolean;
  error: unknown;
  awaitsPicture: (id: string) => boolean;
  reload: () => void;
}

export function useCaseData(id: string, store: FeedStore): CaseData {
  const [detail, setDetail] = useState<CaseDetail | null>(null);
  const [alerts, setAlerts] = useState<{ items: readonly Alert[]; more: boolean }>({ items: [], more: false });
  const [error, setError] = useState<unknown>(null);
  const [round, setRound] = useState(0);
  const watch = useRef(new PictureWatch()).current;
  const again = () => setRound((n) => n + 1);

  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    Promise.all([api.case(id, abort.signal), api.alerts({ case: id, limit: ALERTS }, abort.signal)]).then(
      ([c, page]) => {
        setDetail(c);
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
      if (m !== null && m.case.id !== id) return;
      clearTimeout(timer);
      timer = setTimeout(again, SETTLE);
    });
    return () => {
      untap();
      clearTimeout(timer);
    };
  }, [id, store]);

  return { detail, alerts: alerts.items, more: alerts.more, error, awaitsPicture: (a) => watch.has(a), reload: again };
}
