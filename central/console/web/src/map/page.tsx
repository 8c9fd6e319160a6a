/** The map: grids by open cases or by deadline, devices by state, and beside it the list of the same. */
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { FeedStore } from '../feed/store';
import { useWords, type Key } from '../i18n';
import { pick } from '../i18n/pick';
import { useKeys } from '../keys';
import { navigate } from '../router';
import { Failure, Loading } from '../ui/bits';
import { GRID_LEVELS, type GridLevel, type Outlines, type Standing } from './api';
import type { Handle, MapCanvas } from './canvas';
import { useMapData } from './data';
import { Legend } from './legend';
import { CaseRows, Chosen, GridRows, GridSummary, rowClass } from './list';
import { gridRows, listed, MODES, type Box, type GridRow, type Mode } from './model';
import './page.css';

const LEVEL_WORDS: Readonly<Record<GridLevel, Key>> = {
  city: 'map.city', district: 'map.district', township: 'map.township', community: 'map.community', grid: 'map.grid', 'micro-grid': 'map.microGrid',
};
const MODE_WORDS: Readonly<Record<Mode, Key>> = { cases: 'map.byCases', deadline: 'map.byDeadline' };

export function MapPage({ store }: { store: FeedStore }) {
  const words = useWords();
  const [level, setLevel] = useState<GridLevel | ''>('');
  const { outlines, standing, error, retry } = useMapData(store, level);
  useEffect(() => {
    document.title = `${words.t('map.title')} · ${words.t('app.name')}`;
  }, [words]);
  if (error && !outlines) return <Failure error={error} retry={retry} />;
  if (!outlines || !standing) return <Loading />;
  return <Board key={outlines.level ?? ''} outlines={outlines} standing={standing} onLevel={setLevel} />;
}

interface BoardProps {
  outlines: Outlines;
  standing: Standing;
  onLevel: (l: GridLevel) => void;
}

function Board({ outlines, standing, onLevel }: BoardProps) {
  const words = useWords();
  const [mode, setMode] = useState<Mode>('cases');
  const [devices, setDevices] = useState(true);
  const [selected, setSelected] = useState('');
  const [hovered, setHovered] = useState('');
  const [view, setView] = useState<Box | null>(null);
  const [tab, setTab] = useState<'cases' | 'grids'>('cases');
  const handle = useRef<Handle | null>(null);
  const names = useMemo(() => new Map(outlines.features.map((f) => [f.properties.code, pick(words, f.properties.title)])), [outlines, words]);
  const cases = useMemo(() => listed(outlines, standing.cases, selected, view), [outlines, standing, selected, view]);
  const rows = useMemo(() => gridRows(outlines, standing), [outlines, standing]);
  const choose = (code: string) => {
    setSelected(code);
    if (code) setTab('cases');
  };
  useKeys('map.title', [
    { key: 'j', word: 'map.key.next', run: () => focusRow(1) }, { key: 'k', word: 'map.key.back', run: () => focusRow(-1) },
    { key: 'Escape', word: 'map.clear', run: () => setSelected('') },
    { key: '+', word: 'map.zoomIn', run: () => handle.current?.zoom(1) }, { key: '-', word: 'map.zoomOut', run: () => handle.current?.zoom(-1) }, { key: '0', word: 'map.fit', run: () => handle.current?.show('') },
    { key: 'c', word: 'map.key.mode', run: () => setMode(mode === 'cases' ? 'deadline' : 'cases') },
  ]);
  return (
    <div class="map-page" data-testid="map-page">
      <header class="map-head">
        <h1>{words.t('map.title')}</h1>
        <Segments label={words.t('map.colour')} values={MODES} now={mode} word={(m) => words.t(MODE_WORDS[m])} onChange={setMode} testid="map-mode" />
        {outlines.levels.length > 1 && (
          <label class="filter">{words.t('map.level')}
            <select class="input" value={outlines.level} data-testid="map-level" onChange={(e) => onLevel(e.currentTarget.value as GridLevel)}>
              {GRID_LEVELS.filter((l) => outlines.levels.includes(l)).map((l) => <option key={l} value={l}>{words.t(LEVEL_WORDS[l])}</option>)}
            </select>
          </label>
        )}
        <label class="check"><input type="checkbox" checked={devices} data-testid="map-devices" onChange={(e) => setDevices(e.currentTarget.checked)} />{words.t('map.devices')}</label>
      </header>
      <div class="card map-stage">
        <Stage outlines={outlines} standing={standing} mode={mode} devices={devices} selected={selected} hovered={hovered}
          onSelect={choose} onHover={setHovered} onCase={(id) => navigate(`/cases/${id}`)} onView={setView} onReady={(h) => { handle.current = h; }} />
        <Pointed code={hovered || selected} rows={rows} />
      </div>
      <section class="card map-side" aria-label={words.t('map.list')}>
        <div class="map-side-head">
          <Segments label={words.t('map.list')} values={['cases', 'grids'] as const} now={tab} onChange={setTab} testid="map-tab"
            word={(t) => (t === 'cases' ? words.t('map.tabCases', { n: cases.length }) : words.t('map.tabGrids', { n: rows.length }))} />
        </div>
        {selected && <Chosen name={names.get(selected) || words.t('map.outside')} code={selected} onClear={() => setSelected('')} />}
        <div class="map-scroll">
          {tab === 'cases'
            ? <CaseRows cases={cases} more={selected ? 0 : standing.moreCases} names={names} onPoint={setHovered} />
            : <GridRows rows={rows} selected={selected} onSelect={(code) => { setSelected(code); handle.current?.show(code); }} onPoint={setHovered} />}
        </div>
      </section>
      <Legend mode={mode} devices={devices} />
    </div>
  );
}

interface SegmentsProps<T extends string> {
  label: string;
  values: readonly T[];
  now: T;
  word: (v: T) => string;
  onChange: (v: T) => void;
  testid: string;
}

function Segments<T extends string>({ label, values, now, word, onChange, testid }: SegmentsProps<T>) {
  return (
    <div class="segments" role="group" aria-label={label}>
      {values.map((v) => <button key={v} type="button" class="segment" aria-pressed={v === now} data-testid={`${testid}-${v}`} onClick={() => onChange(v)}>{word(v)}</button>)}
    </div>
  );
}

/** Moves the focus along the rows of the list. */
function focusRow(by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>(`.${rowClass}`)];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + by))]?.focus();
}

/** What is under the pointer, or chosen, in words. */
function Pointed({ code, rows }: { code: string; rows: readonly GridRow[] }) {
  const row = code ? rows.find((r) => r.code === code) : undefined;
  return row ? <div class="map-pointed map-row" data-testid="map-pointed"><GridSummary row={row} /></div> : null;
}

type StageProps = Omit<Parameters<typeof MapCanvas>[0], 'onFailure'>;

function canDraw(): boolean {
  const gl = document.createElement('canvas').getContext('webgl2');
  gl?.getExtension('WEBGL_lose_context')?.loseContext(); // browsers keep few of them
  return gl !== null;
}

/** The drawn map with its buttons, once its code is there; a sentence where a browser cannot draw it. */
function Stage(props: StageProps) {
  const words = useWords();
  const [Canvas, setCanvas] = useState<typeof MapCanvas | null>(null);
  const [failed, setFailed] = useState(false);
  const [handle, setHandle] = useState<Handle | null>(null);
  const drawn = props.outlines.features.length > 0;
  useEffect(() => {
    if (!drawn) return;
    if (!canDraw()) return setFailed(true);
    import('./canvas').then((m) => setCanvas(() => m.MapCanvas), () => setFailed(true));
  }, [drawn]);
  if (!drawn) return <Said title={words.t('map.noGrids')} hint={words.t('map.noGridsHint')} />;
  if (failed) return <Said title={words.t('map.noDrawing')} hint={words.t('map.noDrawingHint')} />;
  if (!Canvas) return <Loading />;
  const ready = (h: Handle) => {
    setHandle(h);
    props.onReady(h);
  };
  return (
    <>
      <Canvas {...props} onReady={ready} onFailure={() => setFailed(true)} />
      {handle && (
        <div class="map-buttons" data-testid="map-buttons" role="group" aria-label={words.t('map.zoom')}>
          <button type="button" class="button button-icon" aria-label={words.t('map.zoomIn')} title={words.t('map.zoomIn')} data-testid="map-zoom-in" onClick={() => handle.zoom(1)}>+</button>
          <button type="button" class="button button-icon" aria-label={words.t('map.zoomOut')} title={words.t('map.zoomOut')} data-testid="map-zoom-out" onClick={() => handle.zoom(-1)}>−</button>
          <button type="button" class="button button-icon" aria-label={words.t('map.fit')} title={words.t('map.fit')} data-testid="map-fit" onClick={() => handle.show('')}>⤢</button>
        </div>
      )}
      {props.outlines.tiles?.attribution && <p class="map-credit">{props.outlines.tiles.attribution}</p>}
    </>
  );
}

function Said({ title, hint }: { title: string; hint: string }): ComponentChildren {
  return <div class="empty" data-testid="map-said"><p class="empty-title">{title}</p><p class="empty-hint">{hint}</p></div>;
}
