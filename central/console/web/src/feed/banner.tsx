/** Tells of a lost connection, and when it is back, of what was missed. */
import { useEffect, useState } from 'preact/hooks';
import { moment } from '../format';
import { useWords } from '../i18n';
import { SEVERITIES } from '../types';
import { IconWarn } from '../ui/icons';
import { SeverityMark } from '../ui/marks';
import { total, type BySeverity, type Missed } from './gap';
import { useStore, type FeedStore } from './store';

/** A line that is back at once is not worth a word, in milliseconds. */
const GRACE = 500;
const SHOW_BACK = 4000;

export function LineBanner({ store }: { store: FeedStore }) {
  const words = useWords();
  useStore(store);
  const [shown, setShown] = useState<'none' | 'lost' | 'back'>('none');
  const lost = store.line === 'lost';
  useEffect(() => {
    if (lost) {
      const timer = setTimeout(() => setShown('lost'), GRACE);
      return () => clearTimeout(timer);
    }
    setShown((was) => (was === 'lost' ? 'back' : was));
    const timer = setTimeout(() => setShown('none'), SHOW_BACK);
    return () => clearTimeout(timer);
  }, [lost]);
  const time = moment(words.lang, new Date(store.lineSince), new Date());
  return (
    <div class="banner-slot" role="alert">
      {shown === 'lost' && <p class="banner banner-lost" data-testid="banner-lost"><IconWarn />{words.t('conn.banner', { time })}</p>}
      {shown === 'back' && !store.missed && <p class="banner banner-back" data-testid="banner-back">{words.t('conn.back')}</p>}
      {store.missed && !lost && <MissedBanner missed={store.missed} onRead={() => store.readMissed()} />}
    </div>
  );
}

function MissedBanner({ missed: m, onRead }: { missed: Missed; onRead: () => void }) {
  const words = useWords();
  const now = new Date();
  const [alerts, cases] = [total(m.alerts), total(m.cases)];
  const text = words.t(m.more ? 'feed.missedMore' : 'feed.missed', {
    from: moment(words.lang, new Date(m.from), now), to: moment(words.lang, new Date(m.to), now), alerts, cases,
  });
  return (
    <div class={m.alerts.critical > 0 ? 'banner banner-lost' : 'banner banner-missed'} data-testid="missed">
      <span>{text}</span>
      {alerts > 0 && <Counts title={words.t('feed.alertsWord')} n={m.alerts} />}
      {cases > 0 && <Counts title={words.t('feed.casesWord')} n={m.cases} />}
      <span class="spacer" />
      <button type="button" class="button" data-testid="missed-read" onClick={onRead}>{words.t('feed.missedRead')}</button>
    </div>
  );
}

function Counts({ title, n }: { title: string; n: BySeverity }) {
  return (
    <span class="missed-counts">
      <span class="small">{title}</span>
      {[...SEVERITIES].reverse().filter((s) => n[s] > 0).map((s) => <span key={s} class="missed-count"><SeverityMark severity={s} /><b class="number">{n[s]}</b></span>)}
    </span>
  );
}
