/** The live feed: filters, rows, the "N new" pill, and the selected alert beside them. */
import type { RefObject } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { query as queryString } from '../api';
import { useWords } from '../i18n';
import { useKeys } from '../keys';
import { navigate } from '../router';
import type { Alert } from '../types';
import { Empty, useTitle } from '../ui/bits';
import { IconUp } from '../ui/icons';
import { useMayOperate } from '../ui/session';
import { useAcknowledge } from './acknowledge';
import { Announcer } from './announcer';
import { Detail } from './detail';
import { parseFilter, type FeedFilter } from './filter';
import { FeedFilterBar } from './filterbar';
import { MAX_HELD } from './list';
import { rowHeight, Rows } from './rows';
import { useStore, type FeedStore } from './store';
import { Summary } from './summary';

/** The address of the feed with a filter. */
export const feedAddress = (f: FeedFilter): string => `/${queryString({ ...f })}`;

/** How long after the pointer last moved over the rows they stand still, in milliseconds. */
const POINTING = 4000;

export function FeedPage({ store, query }: { store: FeedStore; query: URLSearchParams }) {
  const words = useWords();
  useStore(store);
  const filter = parseFilter((name) => query.get(name));
  useEffect(() => store.setFilter(filter), [store, query.toString()]);
  const held = store.list.held.size;
  useTitle(held > 0 ? `(${held}) ${words.t('feed.title')}` : words.t('feed.title'));
  const scroller = useRef<HTMLDivElement>(null);
  const reading = useReading(store, scroller);
  const { selected, select, clear } = reading;
  const said = useFeedKeys(store, scroller, reading);
  const showHeld = () => showNew(store, scroller);
  const current = selected && (store.list.get(selected.id) ?? selected);
  return (
    <section class="feed" aria-labelledby="feed-title">
      <div class="feed-list">
        <div class="page-head">
          <h1 id="feed-title">{words.t('feed.title')}</h1>
          <NewPill store={store} onClick={showHeld} />
          <Summary store={store} />
        </div>
        <FeedFilterBar filter={filter} onChange={(f) => navigate(feedAddress(f), true)} />
        <Rows store={store} scroller={scroller} selected={selected?.id ?? ''} active={reading.active?.id ?? ''} onSelect={select} onActive={reading.focused}
          onScrolled={reading.setScrolled} onPoint={reading.point} />
      </div>
      <aside class="feed-detail card" aria-label={words.t('feed.detail')}>
        {current
          ? <Detail key={current.id} alert={current} store={store} onClose={clear} />
          : <Empty title={words.t('feed.select')} hint={words.t('feed.selectHint')} />}
      </aside>
      <Announcer store={store} />
      <p class="feed-said" role="status" data-testid="feed-said">{said}</p>
    </section>
  );
}

/** What is being read: the selected row, the row of the keyboard, and whether the list must stand still for it. */
function useReading(store: FeedStore, scroller: RefObject<HTMLDivElement | null>) {
  const [selected, setSelected] = useState<Alert | null>(null);
  const [active, setActive] = useState<Alert | null>(null);
  const [byKey, setByKey] = useState(false);
  const [scrolled, setScrolled] = useState(false);
  const [pointing, setPointing] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const still = scrolled || pointing || byKey || selected !== null;
  useEffect(() => store.hold(still), [store, still]);
  useEffect(() => () => {
    clearTimeout(timer.current);
    store.hold(false);
  }, [store]);
  const point = useCallback((on: boolean) => {
    clearTimeout(timer.current);
    setPointing(on);
    if (on) timer.current = setTimeout(() => setPointing(false), POINTING);
  }, []);
  const clear = useCallback(() => {
    setSelected(null);
    setActive(null);
    setByKey(false);
    setPointing(false);
    if (scroller.current?.contains(document.activeElement)) (document.activeElement as HTMLElement).blur();
  }, []);
  const select = useCallback((a: Alert) => setSelected((was) => {
    if (was?.id !== a.id) return a;
    setByKey(false);
    return null;
  }), []);
  const move = (a: Alert) => {
    setActive(a);
    setByKey(true);
  };
  return { selected, select, active, focused: setActive, move, clear, point, setScrolled };
}

type Reading = ReturnType<typeof useReading>;

function showNew(store: FeedStore, scroller: RefObject<HTMLDivElement | null>): void {
  store.showHeld();
  scroller.current?.scrollTo({ top: 0 });
}

/** Brings a row into sight and gives it the focus, as soon as it is drawn. */
function goTo(at: HTMLElement, index: number, id: string): void {
  const height = rowHeight(at);
  const top = index * height;
  if (top < at.scrollTop) at.scrollTop = top;
  else if (top + height > at.scrollTop + at.clientHeight) at.scrollTop = top + height - at.clientHeight;
  const focus = () => {
    const row = at.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`);
    row?.focus({ preventScroll: true });
    return row !== null;
  };
  if (!focus()) requestAnimationFrame(() => requestAnimationFrame(focus));
}

/** The keys of the feed; returns what the last one has to say. */
function useFeedKeys(store: FeedStore, scroller: RefObject<HTMLDivElement | null>, reading: Reading): string {
  const words = useWords();
  const mayOperate = useMayOperate();
  const { said, acknowledge } = useAcknowledge(store, reading.select);
  const row = reading.active ?? reading.selected;
  const to = (index: number) => {
    const found = store.list.at(Math.max(0, Math.min(index, store.list.length - 1)));
    if (!found || !scroller.current) return;
    reading.move(found.alert);
    goTo(scroller.current, store.list.indexOf(found.alert.id), found.alert.id);
  };
  const by = (n: number) => {
    const at = row ? store.list.indexOf(row.id) : -1;
    to(at < 0 ? firstInSight(scroller.current) : at + n);
  };
  const fold = () => {
    const found = row && store.list.at(store.list.indexOf(row.id));
    if (found?.fold) store.toggle(found.fold);
  };
  useKeys('nav.feed', [
    { key: 'j', word: 'feed.key.next', run: () => by(1) }, { key: 'ArrowDown', word: 'feed.key.next', run: () => by(1) },
    { key: 'k', word: 'feed.key.prev', run: () => by(-1) }, { key: 'ArrowUp', word: 'feed.key.prev', run: () => by(-1) },
    { key: 'Home', word: 'feed.key.first', run: () => to(0) }, { key: 'End', word: 'feed.key.last', run: () => to(store.list.length - 1) },
    { key: 'Enter', word: 'feed.key.open', run: () => row && reading.select(row) },
    { key: 'o', word: 'feed.key.case', run: () => row?.caseId && navigate(`/cases/${row.caseId}`) },
    { key: 'f', word: 'feed.key.fold', run: fold }, { key: 'n', word: 'feed.key.new', run: () => showNew(store, scroller) },
    ...(mayOperate ? [{ key: 'a', word: 'feed.key.ack' as const, run: () => row && acknowledge(row) }] : []),
    { key: '/', word: 'feed.key.filter', run: () => document.querySelector<HTMLElement>('[data-first-filter]')?.focus() },
    { key: 'Escape', word: 'feed.key.escape', run: reading.clear },
  ]);
  return said && words.t(said);
}

const firstInSight = (at: HTMLElement | null): number => (at ? Math.ceil(at.scrollTop / rowHeight(at)) : 0);

function NewPill({ store, onClick }: { store: FeedStore; onClick: () => void }) {
  const words = useWords();
  const { held, overflow } = store.list;
  if (held.size === 0) return null;
  const text = overflow ? words.t('feed.newPillMore', { n: MAX_HELD }) : words.t('feed.newPill', { n: held.size });
  return (
    <button type="button" class="pill new-pill" data-testid="new-pill" title={words.t('feed.held')} onClick={onClick}>
      <IconUp size={16} />{text}
    </button>
  );
}
