/** The live feed: rows, the "N new" pill, and the selected alert beside them. */
import type { RefObject } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { useTitles } from '../cases/catalog';
import { urgency } from '../cases/deadlines';
import type { Titles } from '../cases/titles';
import { useWords } from '../i18n';
import type { Alert, Case } from '../types';
import { Empty, Failure, Loading, useToday, useTitle } from '../ui/bits';
import { IconUp } from '../ui/icons';
import { Announcer } from './announcer';
import { Detail } from './detail';
import { ended, MAX_HELD, MAX_ROWS } from './list';
import { Row } from './row';
import { useStore, type FeedStore } from './store';
import { Summary } from './summary';

export function FeedPage({ store }: { store: FeedStore }) {
  const words = useWords();
  useStore(store);
  const held = store.list.held.length;
  useTitle(held > 0 ? `(${held}) ${words.t('feed.title')}` : words.t('feed.title'));
  const [selected, setSelected] = useState<Alert | null>(null);
  const [scrolled, setScrolled] = useState(false);
  useEffect(() => store.hold(scrolled || selected !== null), [store, scrolled, selected !== null]);
  useEffect(() => () => store.hold(false), [store]);
  const scroller = useRef<HTMLDivElement>(null);
  const showHeld = () => {
    store.showHeld();
    scroller.current?.scrollTo({ top: 0 });
  };
  const toggle = useCallback((a: Alert) => setSelected((was) => (was?.id === a.id ? null : a)), []);
  const close = useCallback(() => setSelected(null), []);
  useEscape(close);
  const current = selected && (store.list.rows.find((a) => a.id === selected.id) ?? selected);
  return (
    <section class="feed" aria-labelledby="feed-title">
      <div class="feed-list">
        <div class="page-head">
          <h1 id="feed-title">{words.t('feed.title')}</h1>
          <NewPill store={store} onClick={showHeld} />
          <Summary store={store} />
        </div>
        <Rows store={store} scroller={scroller} selected={selected} onSelect={toggle} onScrolled={setScrolled} />
      </div>
      <aside class="feed-detail card" aria-label={words.t('feed.detail')}>
        {current
          ? <Detail key={current.id} alert={current} store={store} onClose={close} />
          : <Empty title={words.t('feed.select')} hint={words.t('feed.selectHint')} />}
      </aside>
      <Announcer store={store} />
    </section>
  );
}

/** Escape ends the selection, unless an input method or a dialog is using the key. */
function useEscape(f: () => void): void {
  useEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      if (e.key === 'Escape' && !e.isComposing && !document.querySelector('dialog[open]')) f();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [f]);
}

/** What a row tells of its case. */
function standing(c: Case | undefined, titles: Titles) {
  return { step: c?.step ? titles.step(c.workflow, c.step) : '', tone: c ? urgency(c, new Date()) : null };
}

interface RowsProps {
  store: FeedStore;
  scroller: RefObject<HTMLDivElement | null>;
  selected: Alert | null;
  onSelect: (a: Alert) => void;
  onScrolled: (on: boolean) => void;
}

function Rows({ store, scroller, selected, onSelect, onScrolled }: RowsProps) {
  const words = useWords();
  const today = useToday();
  const titles = useTitles();
  const { rows } = store.list;
  const over = ended(rows);
  if (!store.loaded && store.failed) return <Failure error={null} retry={() => store.retry()} />;
  if (!store.loaded) return <Loading />;
  return (
    <div class="feed-frame card">
      <div class="feed-scroll" ref={scroller} data-testid="feed-scroll" onScroll={(e) => onScrolled(e.currentTarget.scrollTop > 4)} onKeyDown={step}>
        {rows.length === 0 && <Empty title={words.t('feed.empty')} hint={words.t('feed.emptyHint')} />}
        <ol class="plain" aria-label={words.t('feed.list')}>
          {rows.map((a) => (
            <li key={a.id}>
              <Row alert={a} caseState={store.caseState(a)} {...standing(store.cases.get(a.caseId), titles)} over={over.has(a.id)} awaited={store.awaitsPicture(a.id)} today={today}
                selected={selected?.id === a.id} onSelect={onSelect} />
            </li>
          ))}
        </ol>
        <Older store={store} />
      </div>
    </div>
  );
}

function NewPill({ store, onClick }: { store: FeedStore; onClick: () => void }) {
  const words = useWords();
  const { held, overflow } = store.list;
  if (held.length === 0) return null;
  const text = overflow ? words.t('feed.newPillMore', { n: MAX_HELD }) : words.t('feed.newPill', { n: held.length });
  return (
    <button type="button" class="pill new-pill" data-testid="new-pill" title={words.t('feed.held')} onClick={onClick}>
      <IconUp size={16} />{text}
    </button>
  );
}

function Older({ store }: { store: FeedStore }) {
  const words = useWords();
  const [busy, setBusy] = useState(false);
  const load = async () => {
    setBusy(true);
    await store.older().catch(() => undefined);
    setBusy(false);
  };
  if (store.list.rows.length >= MAX_ROWS) return <p class="feed-end muted">{words.t('feed.full', { n: MAX_ROWS })}</p>;
  if (store.list.older === '') return null;
  return (
    <div class="feed-end">
      <button type="button" class="button" disabled={busy} onClick={load}>{words.t(busy ? 'app.loading' : 'feed.older')}</button>
    </div>
  );
}

/** Up and down move between rows. */
function step(e: KeyboardEvent): void {
  if (e.isComposing || (e.key !== 'ArrowDown' && e.key !== 'ArrowUp')) return;
  const item = (e.target as HTMLElement).closest('li');
  const next = e.key === 'ArrowDown' ? item?.nextElementSibling : item?.previousElementSibling;
  const row = next?.querySelector<HTMLElement>('button');
  if (!row) return;
  e.preventDefault();
  row.focus();
}
