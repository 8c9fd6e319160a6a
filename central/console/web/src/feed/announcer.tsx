/** Tells a screen reader about new alerts: one by name, a burst by number, at most once in three seconds. */
import { useEffect, useState } from 'preact/hooks';
import { useWords } from '../i18n';
import type { FeedStore } from './store';

const EVERY = 3000;

export function Announcer({ store }: { store: FeedStore }) {
  const words = useWords();
  const [text, setText] = useState('');
  useEffect(() => {
    store.fresh = [];
    const timer = setInterval(() => {
      const [one, ...more] = store.fresh;
      if (!one) return;
      store.fresh = [];
      const critical = [one, ...more].filter((a) => a.severity === 'critical').length;
      setText(more.length > 0
        ? words.t('feed.announceMany', { n: more.length + 1, critical })
        : words.t('feed.announceOne', { severity: words.word('severity', one.severity), kind: words.word('kind', one.kind), place: one.zone ?? one.grid }));
    }, EVERY);
    return () => clearInterval(timer);
  }, [store, words]);
  return <p class="sr-only" aria-live="polite" data-testid="announcer">{text}</p>;
}
