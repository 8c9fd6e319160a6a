/** Acknowledging the case of a row at once, if its workflow offers that without a word; the details are opened otherwise. */
import { useEffect, useState } from 'preact/hooks';
import { api } from '../api';
import { atOnce } from '../cases/steps';
import type { Key } from '../i18n';
import type { Alert } from '../types';
import type { FeedStore } from './store';

const SAID = 4000;

/** Takes the step; false if it is not offered, or central refused it. */
async function take(store: FeedStore, caseId: string): Promise<boolean> {
  try {
    const c = await api.case(caseId);
    const offer = c.actions.find((o) => o.action === 'acknowledge' && atOnce(o));
    if (!offer) return false;
    store.know(await api.step(c, { action: offer.action }));
    return true;
  } catch {
    store.retry();
    return false;
  }
}

export function useAcknowledge(store: FeedStore, open: (a: Alert) => void) {
  const [said, setSaid] = useState<Key | ''>('');
  useEffect(() => {
    if (said === '') return;
    const timer = setTimeout(() => setSaid(''), SAID);
    return () => clearTimeout(timer);
  }, [said]);
  const acknowledge = async (a: Alert) => {
    const done = a.caseId !== '' && (await take(store, a.caseId));
    setSaid(done ? 'feed.ackDone' : 'feed.ackNot');
    if (!done) open(a);
  };
  return { said, acknowledge: (a: Alert) => void acknowledge(a) };
}
