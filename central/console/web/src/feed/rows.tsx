/**
 * The rows of the feed in a window: however many there are, only those in sight are drawn, and the one that has the focus. Heights are
 * fixed (--row). Older pages are asked for when the end comes near.
 */
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useTitles } from '../cases/catalog';
import { urgency } from '../cases/deadlines';
import type { Titles } from '../cases/titles';
import { useWords } from '../i18n';
import type { Alert, Case } from '../types';
import { Empty, Failure, Loading, useToday } from '../ui/bits';
import { useLook } from '../ui/look';
import { isEmpty } from './filter';
import { MAX_ROWS } from './list';
import { Row } from './row';
import type { FeedStore } from './store';

/** Rows that are drawn above and below what is in sight, and how near the end may come before more is asked for. */
const AROUND = 4;
const NEAR = 40;
/** Rows are drawn light while the list jumps by more than a window, until it rested so many milliseconds. */
const REST = 80;

export interface RowsProps {
  store: FeedStore;
  scroller: RefObject<HTMLDivElement | null>;
  selected: string;
  /** The row that the keyboard is at. */
  active: string;
  onSelect: (a: Alert) => void;
  onActive: (a: Alert) => void;
  onScrolled: (on: boolean) => void;
  onPoint: (on: boolean) => void;
}

/** What a row tells of its case. */
function standing(c: Case | undefined, titles: Titles) {
  return { step: c?.step ? titles.step(c.workflow, c.step) : '', tone: c ? urgency(c, new Date()) : null };
}

export const rowHeight = (at: Element): number => parseFloat(getComputedStyle(at).getPropertyValue('--row')) || 76;

/** Which rows are in sight, and how high one is. */
function useWindow(scroller: RefObject<HTMLDivElement | null>, onScrolled: (on: boolean) => void, ready: boolean) {
  const look = useLook();
  const [seen, setSeen] = useState({ from: 0, to: 20, height: 76, light: false });
  const rest = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const measure = () => {
    const at = scroller.current;
    if (!at) return;
    const height = rowHeight(at);
    const from = Math.max(0, Math.floor(at.scrollTop / height) - AROUND);
    const to = Math.ceil((at.scrollTop + at.clientHeight) / height) + AROUND;
    setSeen((was) => (was.from === from && was.to === to && was.height === height ? was : { from, to, height, light: Math.abs(was.from - from) > to - from }));
    clearTimeout(rest.current);
    rest.current = setTimeout(() => setSeen((was) => (was.light ? { ...was, light: false } : was)), REST);
    onScrolled(at.scrollTop > 4);
  };
  useLayoutEffect(() => {
    measure();
    if (!scroller.current) return;
    const observer = new ResizeObserver(measure);
    observer.observe(scroller.current);
    return () => {
      observer.disconnect();
      clearTimeout(rest.current);
    };
  }, [look, ready]);
  return { ...seen, measure };
}

/** Asks for older rows while the end is near. Where that found none that pass the filter, it waits to be told to look further back. */
function useOlder(store: FeedStore, to: number): { busy: boolean; further: (() => void) | null } {
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(0);
  const [searched, setSearched] = useState('');
  const { list } = store;
  const wanted = store.loaded && list.older !== '' && to + NEAR >= list.length;
  const paused = searched !== '' && searched === list.older;
  const load = async () => {
    setBusy(true);
    const before = list.size;
    try {
      await store.older();
      setSearched(list.size === before ? list.older : '');
    } catch {
      await new Promise((wait) => setTimeout(wait, 3000));
      setFailed((n) => n + 1);
    }
    setBusy(false);
  };
  useEffect(() => {
    if (wanted && !busy && !paused) void load();
  }, [wanted, busy, paused, list, list.length, failed]);
  return { busy: busy || (wanted && !paused), further: paused && wanted && !busy ? () => setSearched('') : null };
}

export function Rows(props: RowsProps) {
  const { store, scroller, onScrolled, onPoint } = props;
  const words = useWords();
  const { from, to, height, light, measure } = useWindow(scroller, onScrolled, store.loaded);
  const { busy, further } = useOlder(store, to);
  const { list } = store;
  useLayoutEffect(measure, [list]);
  if (!store.loaded && store.failed) return <Failure error={null} retry={() => store.retry()} />;
  if (!store.loaded) return <Loading />;
  const filtered = !isEmpty(store.filter);
  return (
    <div class="feed-frame card">
      <div class="feed-scroll" ref={scroller} data-testid="feed-scroll" onScroll={measure} onPointerMove={() => onPoint(true)} onPointerLeave={() => onPoint(false)}>
        {list.length === 0 && !busy && <Empty title={words.t(filtered ? 'feed.none' : 'feed.empty')} hint={words.t('feed.emptyHint')} />}
        <ol class="plain feed-rows" aria-label={words.t('feed.list')} data-testid="feed-rows" data-rows={list.length} {...placed({ height: `${list.length * height}px` })}>
          <Windowed {...props} from={from} to={to} height={height} light={light} />
        </ol>
        {list.full && <p class="feed-end muted">{words.t('feed.full', { n: MAX_ROWS })}</p>}
        {further && <p class="feed-end"><button type="button" class="button" data-testid="further" onClick={further}>{words.t('feed.further')}</button></p>}
        {busy && <p class="feed-end muted" role="status">{words.t('feed.older')}</p>}
      </div>
    </div>
  );
}

/** Sets properties of an element by script, which the content policy lets. */
const placed = (style: Readonly<Record<string, string>>) => ({ style });

function Windowed({ store, selected, active, onSelect, onActive, from, to, height, light }: RowsProps & { from: number; to: number; height: number; light: boolean }) {
  const today = useToday();
  const titles = useTitles();
  const { list } = store;
  const total = list.length;
  const indices = range(Math.min(from, total), Math.min(to, total));
  const at = active === '' ? -1 : list.indexOf(active);
  if (at >= 0 && (at < from || at >= to)) indices.push(at);
  const gap = store.missed?.after ?? -1;
  const reachable = at >= 0 ? at : indices[0];
  return indices.map((i) => {
    const row = list.at(i);
    if (!row) return null;
    const { alert: a, fold, nth } = row;
    return (
      <li key={a.id} class="feed-item" aria-setsize={list.older === '' ? total : -1} aria-posinset={i + 1} data-index={i} {...placed({ transform: `translateY(${i * height}px)` })}>
        <Row alert={a} caseState={store.caseState(a)} {...standing(store.cases.get(a.caseId), titles)} over={list.isOver(a)} awaited={store.awaitsPicture(a.id)} today={today}
          fold={nth === 0 ? fold : null} n={nth === 0 && fold ? fold.n : 0} open={fold?.open ?? false} member={nth > 0} light={light} gap={beginsGap(store, i, a, gap)}
          selected={selected === a.id} reachable={i === reachable} onSelect={onSelect} onActive={onActive} onFold={store.toggle} />
      </li>
    );
  });
}

const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

/** Whether a row is the first below what came after the connection was lost. */
function beginsGap(store: FeedStore, i: number, a: Alert, gap: number): boolean {
  return gap >= 0 && i > 0 && a.position <= gap && (store.list.at(i - 1)?.alert.position ?? 0) > gap;
}
