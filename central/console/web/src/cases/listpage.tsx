/** The case list: filters in the address, pages by cursor, rows that stay where they are while somebody reads. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, query as queryString } from '../api';
import type { FeedStore } from '../feed/store';
import { useWords } from '../i18n';
import { useKeys } from '../keys';
import { navigate } from '../router';
import type { Case } from '../types';
import { Ago, Empty, Failure, GridCode, Link, Loading, Time, useToday, useTitle } from '../ui/bits';
import { KindIcon } from '../ui/icons';
import { CaseStateChip, ExerciseTag, SeverityMark, ToneMark } from '../ui/marks';
import { useMayOperate } from '../ui/session';
import { picked } from './bulk';
import { BulkBar } from './bulkbar';
import { FilterBar } from './filterbar';
import { useTitles } from './catalog';
import { urgency } from './deadlines';
import { asked, parseFilter, passes, type CaseFilter } from './filter';
import { fullPage } from './pages';
import type { Titles } from './titles';
import { Toast, undoToast } from './toast';

const LIMIT = 50;

interface Rows {
  items: Case[];
  next: string;
}

/** One page of cases, kept current in place; changed counts what a refresh would move or add. */
function useCasePage(store: FeedStore, filter: CaseFilter, cursor: string) {
  const [rows, setRows] = useState<Rows | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [changed, setChanged] = useState<ReadonlySet<string>>(new Set());
  const [round, setRound] = useState(0);
  const id = queryString({ ...filter, cursor });
  useEffect(() => {
    const abort = new AbortController();
    const query = asked(filter, new Date());
    fullPage((next, limit) => api.cases({ ...query, cursor: next, limit }, abort.signal), cursor, LIMIT).then(
      (page) => {
        setRows(page);
        setChanged(new Set());
        setError(null);
      },
      (err: unknown) => abort.signal.aborted || setError(err),
    );
    return () => abort.abort();
  }, [id, round]);
  useEffect(() => store.tap((m) => {
    if (m === null) return setRound((n) => n + 1);
    setRows((r) => r && { ...r, items: r.items.map((c) => (c.id === m.case.id ? m.case : c)) });
    if (passes(m.case, filter, new Date())) setChanged((s) => new Set(s).add(m.case.id));
  }), [store, id]);
  return { rows, error, changed, reload: () => setRound((n) => n + 1) };
}

export function CaseListPage({ store, query }: { store: FeedStore; query: URLSearchParams }) {
  const words = useWords();
  useTitle(words.t('cases.title'));
  const mayOperate = useMayOperate();
  const filter = parseFilter(query);
  const [trail, setTrail] = useState<string[]>([]);
  const address = queryString({ ...filter });
  useEffect(() => setTrail([]), [address]);
  const { rows, error, changed, reload } = useCasePage(store, filter, trail[trail.length - 1] ?? '');
  const unseen = rows ? [...changed].filter((id) => !rows.items.some((c) => c.id === id)).length : 0;
  const refresh = () => {
    setTrail([]);
    reload();
  };
  const items = rows?.items ?? [];
  const selection = useSelection(items);
  return (
    <section class="page" aria-labelledby="cases-title">
      <div class="page-head">
        <h1 id="cases-title">{words.t('cases.title')}</h1>
        {mayOperate && <Link href="/report" class="button" testid="to-report">{words.t('report.title')}</Link>}
        {unseen > 0 && <button type="button" class="pill" data-testid="cases-changed" onClick={refresh}>{words.t('cases.changed', { n: unseen })}</button>}
      </div>
      <FilterBar filter={filter} onChange={(f) => navigate(`/cases${queryString({ ...f })}`, true)} />
      {mayOperate && <BulkBar cases={items.filter((c) => selection.ids.has(c.id))} onClear={selection.clear} onDone={reload} />}
      {error ? <Failure error={error} retry={reload} /> : rows ? <CaseRows items={rows.items} whole={rows.next === ''} selection={mayOperate ? selection : null} /> : <Loading />}
      {rows && rows.items.length < LIMIT && rows.next !== '' && <p class="muted" role="status" data-testid="cases-short">{words.t('cases.short')}</p>}
      {rows && (trail.length > 0 || rows.next !== '') && (
        <div class="pager">
          <button type="button" class="button" disabled={trail.length === 0} onClick={() => setTrail(trail.slice(0, -1))}>{words.t('cases.prev')}</button>
          <span class="muted">{words.t('cases.page', { n: trail.length + 1 })}</span>
          <button type="button" class="button" data-testid="cases-next" disabled={rows.next === ''} onClick={() => setTrail([...trail, rows.next])}>{words.t('cases.next')}</button>
        </div>
      )}
      <Toast />
    </section>
  );
}

interface Selection {
  ids: ReadonlySet<string>;
  toggle: (id: string, range: boolean) => void;
  all: () => void;
  clear: () => void;
}

/** Which rows are selected. One that left the page is no longer. */
function useSelection(items: readonly Case[]): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const last = useRef('');
  const rows = items.map((c) => c.id);
  const shown = new Set(rows.filter((id) => ids.has(id)));
  const toggle = (id: string, range: boolean) => {
    setIds(picked(shown, rows, id, last.current, range));
    last.current = id;
  };
  return { ids: shown, toggle, all: () => setIds(new Set(shown.size === rows.length ? [] : rows)), clear: () => setIds(new Set()) };
}

/** The rows by keyboard: j and k go, x selects, shift x selects up to the row, Escape selects nothing. */
function useRowKeys(list: { current: HTMLElement | null }, selection: Selection | null) {
  const links = () => [...(list.current?.querySelectorAll<HTMLElement>('[data-case]') ?? [])];
  const at = () => links().findIndex((e) => e.contains(document.activeElement) || e.parentElement?.contains(document.activeElement));
  const go = (by: number) => {
    const all = links();
    all[Math.max(0, Math.min(all.length - 1, at() + by))]?.focus();
  };
  const pick = (range: boolean) => {
    const id = links()[at()]?.dataset.case;
    if (id) selection?.toggle(id, range);
  };
  useKeys('desk.keysList', [
    { key: 'j', word: 'desk.key.row', run: () => go(1) }, { key: 'k', word: 'desk.key.row', run: () => go(-1) },
    { key: 'ArrowDown', word: 'desk.key.row', run: () => go(1) }, { key: 'ArrowUp', word: 'desk.key.row', run: () => go(-1) },
  ]);
  useKeys('desk.keysList', [
    { key: 'x', word: 'desk.key.pick', run: () => pick(false) }, { key: ' ', word: 'desk.key.pick', run: () => pick(false) },
    { key: 'X', word: 'desk.key.range', run: () => pick(true) },
    { key: 'u', word: 'desk.key.undo', run: undoToast },
    { key: 'A', word: 'desk.key.all', run: () => selection?.all() }, { key: 'Escape', word: 'desk.key.none', run: () => selection?.clear() },
  ], selection !== null);
  /** Space on a link is the page's to scroll by, unless the list takes it. */
  return (e: KeyboardEvent) => {
    if (e.key !== ' ' || e.isComposing || !selection || (e.target as HTMLElement).tagName !== 'A') return;
    e.preventDefault();
    pick(e.shiftKey);
  };
}

const COLUMNS = ['severity', 'what', 'place', 'level', 'state', 'alerts', 'opened', 'last'] as const;

interface RowsProps {
  items: readonly Case[];
  whole: boolean;
  /** Null where nobody may do anything with cases. */
  selection: Selection | null;
}

function CaseRows({ items, whole, selection }: RowsProps) {
  const words = useWords();
  const titles = useTitles();
  const today = useToday();
  const list = useRef<HTMLOListElement>(null);
  const onKeyDown = useRowKeys(list, selection);
  if (items.length === 0 && !whole) return null;
  if (items.length === 0) return <Empty title={words.t('cases.empty')} hint={words.t('cases.emptyHint')} />;
  return (
    <div class="table card">
      <div class={`${lineClass(selection, false)} case-head-line`}>
        {selection && (
          <label class="pick"><input type="checkbox" data-testid="pick-all" aria-label={words.t('desk.bulk.all')} checked={selection.ids.size === items.length} onChange={selection.all} /></label>
        )}
        <div class="case-cols case-header" aria-hidden="true">
          {COLUMNS.map((c) => <span key={c}>{words.t(c === 'severity' ? 'cases.severity' : `cases.col.${c}`)}</span>)}
        </div>
      </div>
      <ol class="plain" ref={list} onKeyDown={onKeyDown}>
        {items.map((c) => (
          <li key={c.id} class={lineClass(selection, selection?.ids.has(c.id) ?? false)}>
            {selection && <Pick case={c} selection={selection} />}
            <CaseRow case={c} today={today} titles={titles} />
          </li>
        ))}
      </ol>
    </div>
  );
}

const lineClass = (selection: Selection | null, on: boolean): string => `case-line${selection ? ' case-line-pick' : ''}${on ? ' case-line-on' : ''}`;

function Pick({ case: c, selection }: { case: Case; selection: Selection }) {
  const words = useWords();
  const range = useRef(false);
  const name = [words.word('kind', c.kind), c.zone, words.word('severity', c.severity)].filter(Boolean).join(' ');
  return (
    <label class="pick">
      <input type="checkbox" data-testid="pick" aria-label={words.t('desk.bulk.pick', { name })} checked={selection.ids.has(c.id)}
        onClick={(e) => { range.current = e.shiftKey; }} onChange={() => selection.toggle(c.id, range.current)} />
    </label>
  );
}

function CaseRow({ case: c, today, titles }: { case: Case; today: Date; titles: Titles }) {
  const words = useWords();
  const tone = urgency(c, new Date());
  return (
    <Link href={`/cases/${c.id}`} class={`case-cols case-row case-row-${c.state}`} testid="case-row" data-case={c.id}>
      <SeverityMark severity={c.severity} />
      <span class="case-what"><KindIcon kind={c.kind} size={18} /><strong>{words.word('kind', c.kind)}</strong>{c.exercise && <ExerciseTag />}</span>
      <span class="case-place"><GridCode code={c.grid} />{c.zone && <span class="zone">{c.zone}</span>}</span>
      <span>{words.word('level', c.level)}</span>
      <span class="case-stands">
        <CaseStateChip state={c.state} />
        {c.step && <span class="small muted">{titles.step(c.workflow, c.step)}</span>}
        {tone && tone !== 'calm' && <ToneMark tone={tone} label={words.t(`deadline.tone.${tone}`)} />}
        {c.parent && <span class="tag">{words.t('case.isPart')}</span>}
      </span>
      <span class="number">{c.alerts}</span>
      <span class="time"><Time at={c.openedAt} today={today} /></span>
      <span class="time muted"><Ago at={c.lastAt} /></span>
    </Link>
  );
}
