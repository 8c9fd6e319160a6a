/** Edges by page and by filter, those in trouble first, each with its devices that are not well. */
import { useEffect, useState } from 'preact/hooks';
import { clock } from '../format';
import { useWords, type Key } from '../i18n';
import { useKeys } from '../keys';
import { navigate, type Place } from '../router';
import { CAMERA_STATES, FAMILIES, SENSOR_STATES } from '../types';
import { Ago, Empty, Failure, Link, Loading, useTitle, useToday } from '../ui/bits';
import { IconWarn } from '../ui/icons';
import { edgePage, type EdgeCounts, type EdgePage, type KnownEdge } from './api';
import { DeviceTable, edgeHref, EdgeState, FAMILY, Outbox, Skew, Troubles, Well } from './parts';
import { usePolled } from './poll';

const EVERY = 10_000;
const SIZE = 50;
const TYPING = 300;

const FILTERS = ['trouble', 'q', 'grid', 'family', 'state'] as const;
type Filters = Partial<Record<(typeof FILTERS)[number], string>>;

const filtersOf = (q: URLSearchParams): Filters => Object.fromEntries(FILTERS.map((f) => [f, q.get(f) ?? '']).filter(([, v]) => v !== ''));

/** So few edges are shown with all their devices, as far as a list goes. */
const FEW = 5;

/** What central is asked; a grid that is no number yet is not asked for. */
export function asked(filters: Filters, cursor: string, few = false) {
  const grid = /^[0-9]{1,20}$/.test(filters.grid ?? '') ? filters.grid : undefined;
  const all = few || Boolean(filters.q || grid || filters.family || filters.state);
  return { ...filters, grid, devices: all && filters.trouble !== 'yes' ? 'matching' : 'unwell', cursor, limit: SIZE };
}

export function DevicesPage({ place }: { place: Place }) {
  const words = useWords();
  useTitle(words.t('devices.title'));
  const filters = filtersOf(place.query);
  const key = JSON.stringify(filters);
  const [cursors, setCursors] = useState<readonly string[]>(['']);
  useEffect(() => setCursors(['']), [key]);
  const cursor = cursors[cursors.length - 1] ?? '';
  const [few, setFew] = useState(false);
  const { value: page, at, error, reload } = usePolled(`${key} ${cursor}`, EVERY, (signal) => edgePage(asked(filters, cursor, few), signal));
  useEffect(() => {
    if (page && (page.counts.edges <= FEW) !== few) setFew(!few);
  }, [page]);
  useEffect(() => {
    if (few) reload();
  }, [few]);
  const change = (more: Filters) => {
    const now = filtersOf(new URLSearchParams(location.search)); // several may change before the page is drawn again
    const q = new URLSearchParams(Object.entries({ ...now, ...more }).filter(([, v]) => v !== ''));
    navigate(q.size > 0 ? `/devices?${q}` : '/devices', true);
  };
  const next = () => page && page.next !== '' && setCursors((c) => [...c, page.next]);
  const prev = () => setCursors((c) => (c.length > 1 ? c.slice(0, -1) : c));
  useKeys('cameras.keys', [
    { key: '/', word: 'cameras.key.find', run: () => document.querySelector<HTMLInputElement>('[data-testid=device-q]')?.focus() },
    { key: 't', word: 'cameras.key.trouble', run: () => change({ trouble: filters.trouble === 'yes' ? '' : 'yes' }) },
    { key: ']', word: 'cameras.key.next', run: next },
    { key: '[', word: 'cameras.key.prev', run: prev },
  ]);
  return (
    <section class="page" aria-labelledby="devices-title">
      <div class="page-head">
        <h1 id="devices-title">{words.t('devices.title')}</h1>
        {page && <Totals counts={page.counts} />}
        <span class="spacer" />
        <Link href="/register" class="button" testid="to-register">{words.t('register.link')}</Link>
        {page && <span class={error ? 'muted stale' : 'muted'}>{words.t('devices.updated', { time: clock(words.lang, at) })}</span>}
      </div>
      <FilterBar filters={filters} matched={page?.matched} onChange={change} />
      {!page && (error ? <Failure error={error} retry={reload} /> : <Loading />)}
      {page && <EdgeCards page={page} filtered={Object.keys(filters).length > 0} />}
      {page && (cursors.length > 1 || page.next !== '') && (
        <nav class="pager" aria-label={words.t('cameras.pages')}>
          <button type="button" class="button" data-testid="edges-prev" disabled={cursors.length === 1} onClick={prev}>{words.t('cases.prev')}</button>
          <span>{words.t('cases.page', { n: cursors.length })}</span>
          <button type="button" class="button" data-testid="edges-next" disabled={page.next === ''} onClick={next}>{words.t('cases.next')}</button>
        </nav>
      )}
    </section>
  );
}

function Totals({ counts }: { counts: EdgeCounts }) {
  const words = useWords();
  return (
    <div class="totals" data-testid="device-totals">
      <span class={counts.online < counts.edges ? 'total total-bad' : 'total'}>
        {words.t('devices.edges')} <b class="number">{words.t('devices.ofTotal', { n: counts.online, total: counts.edges })}</b>
      </span>
      <Well family="cameras" of={counts.cameras} />
      <Well family="sensors" of={counts.sensors} />
      {counts.trouble > 0 && <span class="total total-bad">{words.t('cameras.inTrouble')} <b class="number">{counts.trouble}</b></span>}
    </div>
  );
}

function FilterBar({ filters, matched, onChange }: { filters: Filters; matched: number | undefined; onChange: (more: Filters) => void }) {
  const words = useWords();
  const states = [...(filters.family === 'sensors' ? [] : CAMERA_STATES), ...(filters.family === 'cameras' ? [] : SENSOR_STATES)];
  const family = (value: string) => onChange({ family: value, state: '' });
  return (
    <div class="filters" role="search" aria-label={words.t('cases.filters')}>
      <label class="check">
        <input type="checkbox" data-testid="only-trouble" checked={filters.trouble === 'yes'} onChange={(e) => onChange({ trouble: e.currentTarget.checked ? 'yes' : '' })} />
        {words.t('devices.onlyTrouble')}
      </label>
      <Typed name="cameras.name" testid="device-q" value={filters.q ?? ''} onType={(q) => onChange({ q })} />
      <Typed name="cases.grid" testid="device-grid" value={filters.grid ?? ''} onType={(grid) => onChange({ grid })} />
      <label class="filter">
        {words.t('cameras.family')}
        <select class="input" data-testid="device-family" value={filters.family ?? ''} onChange={(e) => family(e.currentTarget.value)}>
          <option value="">{words.t('cases.all')}</option>
          {FAMILIES.map((f) => <option key={f} value={f}>{words.t(FAMILY[f])}</option>)}
        </select>
      </label>
      <label class="filter">
        {words.t('devices.col.state')}
        <select class="input" data-testid="device-state" value={filters.state ?? ''} onChange={(e) => onChange({ state: e.currentTarget.value })}>
          <option value="">{words.t('cases.all')}</option>
          {states.map((s) => <option key={s} value={s}>{words.word('deviceState', s)}</option>)}
        </select>
      </label>
      {matched !== undefined && Object.keys(filters).length > 0 && <span class="muted" role="status" data-testid="edges-matched">{words.t('cameras.matched', { n: matched })}</span>}
    </div>
  );
}

/** A field that is asked for once nobody types any more. */
function Typed({ name, testid, value, onType }: { name: Key; testid: string; value: string; onType: (text: string) => void }) {
  const words = useWords();
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onType(text.trim()), TYPING);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label class="filter">
      {words.t(name)}
      <input class="input input-name" type="search" maxLength={64} data-testid={testid} value={text} onInput={(e) => setText(e.currentTarget.value)} />
    </label>
  );
}

function EdgeCards({ page, filtered }: { page: EdgePage; filtered: boolean }) {
  const words = useWords();
  const today = useToday();
  if (page.counts.edges === 0) return <Empty title={words.t('devices.empty')} hint={words.t('devices.emptyHint')} />;
  if (page.items.length === 0) return <Empty title={words.t(filtered ? 'cameras.nothing' : 'devices.noTrouble')} />;
  return <div class="edge-cards">{page.items.map((e) => <EdgeCard key={e.id} edge={e} today={today} />)}</div>;
}

/** How many devices of an edge central lists at most. */
const CUT = 20;

function EdgeCard({ edge: e, today }: { edge: KnownEdge; today: Date }) {
  const words = useWords();
  return (
    <section class={e.online ? 'card edge' : 'card edge edge-offline'} data-testid="edge-card" data-edge={e.id} data-online={e.online} aria-label={e.id}>
      <header class="edge-line">
        <h2 class="name"><Link href={edgeHref(e.id)} testid="edge-link">{e.id}</Link></h2>
        <EdgeState online={e.online} />
        <Troubles edge={e} />
        <span class="spacer" />
        <Well family="cameras" of={e.cameras} short />
        <Well family="sensors" of={e.sensors} short />
        <span class="edge-fact"><span class="muted">{words.t('devices.lastSync')}</span> <Ago at={e.lastSync} /></span>
        <span class="edge-fact"><span class="muted">{words.t('devices.skew')}</span> <Skew ms={e.skewMs} /></span>
      </header>
      {e.outbox.some((l) => l.pending > 0) && <p class="edge-note"><span class="muted">{words.t('devices.outbox')}</span> <Outbox edge={e} /></p>}
      {!e.online && e.devices.length > 0 && <p class="edge-stale"><IconWarn size={16} />{words.t('devices.stale')}</p>}
      {e.devices.length > 0 && <DeviceTable edge={e.id} devices={e.devices} caption={words.t('cameras.shownOf', { edge: e.id })} today={today} bare />}
      {e.devices.length >= CUT && <p class="edge-note edge-more"><Link href={edgeHref(e.id)}>{words.t('cameras.showAll', { n: e.cameras.total + e.sensors.total })}</Link></p>}
    </section>
  );
}
