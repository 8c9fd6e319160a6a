/** The list beside the map, and its twin: everything that can be pointed at there can be reached here by keyboard alone. */
import type { ComponentChildren } from 'preact';
import { useWords, type Words } from '../i18n';
import { pick } from '../i18n/pick';
import { span } from '../format';
import { follow } from '../router';
import { Ago, Empty, GridCode, Link } from '../ui/bits';
import { KindIcon } from '../ui/icons';
import { ExerciseTag, SeverityMark, ToneMark } from '../ui/marks';
import type { MapCase } from './api';
import { stageOf, waiting, type GridRow } from './model';

/** How many rows are drawn; the map and the counts have all. */
export const ROWS = 200;

export const rowClass = 'map-row';

interface CaseRowsProps {
  cases: readonly MapCase[];
  /** How many more central counted and did not list. */
  more: number;
  names: ReadonlyMap<string, string>;
  onPoint: (grid: string) => void;
}

export function CaseRows({ cases, more, names, onPoint }: CaseRowsProps) {
  const words = useWords();
  if (cases.length === 0) return <Empty title={words.t('map.noCases')} />;
  const left = cases.length - Math.min(cases.length, ROWS) + more;
  return (
    <>
      <ul class="plain map-rows" data-testid="map-cases">
        {cases.slice(0, ROWS).map((c) => (
          <li key={c.id} onMouseEnter={() => onPoint(c.in)} onMouseLeave={() => onPoint('')} onFocusCapture={() => onPoint(c.in)} onBlurCapture={() => onPoint('')}>
            <CaseRow c={c} name={names.get(c.in) ?? ''} />
          </li>
        ))}
      </ul>
      {left > 0 && <p class="map-more muted">{words.t('map.more', { n: left })}</p>}
    </>
  );
}

function CaseRow({ c, name }: { c: MapCase; name: string }) {
  const words = useWords();
  return (
    <a class={rowClass} href={`/cases/${c.id}`} onClick={follow} data-testid="map-case" data-id={c.id} data-grid={c.in}>
      <SeverityMark severity={c.severity} bare />
      <span class="map-what"><KindIcon kind={c.kind} size={18} /><strong>{words.word('kind', c.kind)}</strong>{c.exercise && <ExerciseTag />}</span>
      <span class="map-due"><Due c={c} words={words} /></span>
      <span class="map-where muted">{name || <GridCode code={c.grid} />}</span>
      <span class="map-when muted"><Ago at={c.openedAt} /></span>
    </a>
  );
}

/** How near the deadline is, by shape, colour and words. */
function Due({ c, words }: { c: MapCase; words: Words }): ComponentChildren {
  if (!c.due) return null;
  const left = Date.parse(c.due) - Date.now();
  const text = left > 0 ? words.t('deadline.left', { left: span(words, left) }) : words.t('deadline.over', { by: span(words, -left) });
  return <><ToneMark tone={c.stage ?? 'calm'} /><span class={c.stage === 'red' ? 'bad' : ''}>{text}</span></>;
}

interface GridRowsProps {
  rows: readonly GridRow[];
  selected: string;
  onSelect: (code: string) => void;
  onPoint: (grid: string) => void;
}

export function GridRows({ rows, selected, onSelect, onPoint }: GridRowsProps) {
  const words = useWords();
  if (rows.length === 0) return <Empty title={words.t('map.noGrids')} hint={words.t('map.noGridsHint')} />;
  return (
    <>
      <ul class="plain map-rows" data-testid="map-grids">
        {rows.slice(0, ROWS).map((r) => (
          <li key={r.code} onMouseEnter={() => onPoint(r.code)} onMouseLeave={() => onPoint('')} onFocusCapture={() => onPoint(r.code)} onBlurCapture={() => onPoint('')}>
            <button type="button" class={`${rowClass} map-row-grid`} aria-pressed={r.code === selected} data-testid="map-grid" data-grid={r.code} onClick={() => onSelect(r.code === selected ? '' : r.code)}>
              <GridSummary row={r} />
            </button>
          </li>
        ))}
      </ul>
      {rows.length > ROWS && <p class="map-more muted">{words.t('map.moreGrids', { n: rows.length - ROWS })}</p>}
    </>
  );
}

/** A grid in words: its name, what waits there, how near its deadlines are, its devices. */
export function GridSummary({ row: { code, title, count } }: { row: GridRow }) {
  const words = useWords();
  const stage = count && stageOf(count);
  return (
    <>
      {count?.severity ? <SeverityMark severity={count.severity} bare /> : <span class="map-mark" aria-hidden="true" />}
      <span class="map-what"><strong>{pick(words, title ?? undefined) || words.t('map.outside')}</strong></span>
      <span class="map-due">{stage && count && <><ToneMark tone={stage} /><span class={stage === 'red' ? 'bad' : ''}>{words.t(stage === 'red' ? 'map.red' : 'map.yellow', { n: stage === 'red' ? count.red : count.yellow })}</span></>}</span>
      <span class="map-where muted"><GridCode code={code} /></span>
      <span class="map-when muted">{words.t('map.casesIn', { n: waiting(count) })}{count && count.faults > 0 && <> · <span class="bad">{words.t('map.faultsIn', { n: count.faults })}</span></>}</span>
    </>
  );
}

/** What the list is narrowed to, and how to undo it. */
export function Chosen({ name, code, onClear }: { name: string; code: string; onClear: () => void }) {
  const words = useWords();
  return (
    <p class="map-chosen" data-testid="map-chosen">
      <span><strong>{name}</strong> <GridCode code={code} /></span>
      <Link class="button button-quiet" href={`/cases?state=open&grid=${code}`}>{words.t('map.inCases')}</Link>
      <button type="button" class="button" data-testid="map-clear" onClick={onClear}>{words.t('map.clear')}</button>
    </p>
  );
}
