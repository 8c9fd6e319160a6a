/** Readings of sensors and what edges measure of themselves, over time: a chart, and the same as a table. */
import { useMemo, useState } from 'preact/hooks';
import { ApiError } from '../api';
import { day, moment, span } from '../format';
import { useWords, type Words } from '../i18n';
import { Chart } from '../ui/chart';
import { Empty, Failure, Loading } from '../ui/bits';
import { figuresApi, MAX_SERIES, type Series, type SeriesAsked } from './api';
import type { Query } from './page';
import { HOURS, lineOf, METRICS, nameOf, stepOf, tableOf, unitOf, written } from './series';
import { useAnswer } from './use';

const QUANTITIES = ['temperature', 'humidity', 'water-level', 'gas', 'co', 'smoke', 'smoke-density', 'battery', 'voltage', 'power'] as const;
const MAX_LINES = 6;
const MAX_TABLE = 200;

function hoursOf(query: Query): number {
  const n = Number(query.get('hours'));
  return (HOURS as readonly number[]).includes(n) ? n : 24;
}

/** The query of the address; now is cut to the step, so that drawing it again asks for the same. */
function askedOf(query: Query, hours: number): SeriesAsked {
  const step = stepOf(hours);
  const to = Math.ceil(Date.now() / 1000 / step) * step * 1000;
  const system = query.get('sort') === 'system';
  const what = system ? { metric: query.get('metric') || Object.keys(METRICS)[0] as string } : { quantity: query.get('quantity') || 'temperature' };
  return { ...what, edge: query.get('edge'), device: system ? '' : query.get('device'), grid: system ? '' : query.get('grid'), from: new Date(to - hours * 3_600_000).toISOString(), to: new Date(to).toISOString(), step: `${step}s` };
}

export function SeriesView({ query }: { query: Query }) {
  const words = useWords();
  const hours = hoursOf(query);
  const asked = askedOf(query, hours);
  const { value, error, again } = useAnswer(JSON.stringify(asked), async (signal) => ({ list: await figuresApi.series(asked, signal), asked, hours }));
  const refused = error instanceof ApiError && error.status === 403;
  return (
    <>
      <SeriesControls query={query} hours={hours} />
      {refused ? <div class="card"><Empty title={words.t('figures.cannotSeries')} /></div>
        : error !== null ? <Failure error={error} retry={again} />
          : !value ? <Loading />
            : value.list.length === 0 ? <div class="card"><Empty title={words.t('figures.noPoints')} hint={words.t('figures.noneHint')} /></div>
              : <Lines key={JSON.stringify(value.asked)} {...value} />}
    </>
  );
}

function whatText(words: Words, asked: SeriesAsked): string {
  return asked.quantity ? words.word('quantity', asked.quantity) : words.word('figures.metric', asked.metric ?? '');
}

function SeriesControls({ query, hours }: { query: Query; hours: number }) {
  const words = useWords();
  const system = query.get('sort') === 'system';
  const text = (name: string, label: string, testid: string, pattern: string) => (
    <label class="filter"><span>{label}</span>
      <input class="input input-short" data-testid={testid} value={query.get(name)} pattern={pattern} placeholder={words.t('figures.any')} onChange={(e) => query.set({ [name]: e.currentTarget.value.trim() })} />
    </label>
  );
  return (
    <div class="filters card block" role="group" aria-label={words.t('figures.series')}>
      <label class="filter"><span>{words.t('figures.sort')}</span>
        <select class="input" data-testid="series-sort" value={system ? 'system' : 'reading'} onChange={(e) => query.set({ sort: e.currentTarget.value === 'system' ? 'system' : '', quantity: '', metric: '' })}>
          <option value="reading">{words.t('figures.sort.reading')}</option><option value="system">{words.t('figures.sort.system')}</option>
        </select>
      </label>
      {system ? (
        <label class="filter"><span>{words.t('figures.metric')}</span>
          <select class="input" data-testid="series-metric" value={query.get('metric') || Object.keys(METRICS)[0]} onChange={(e) => query.set({ metric: e.currentTarget.value })}>
            {Object.keys(METRICS).map((m) => <option key={m} value={m}>{words.word('figures.metric', m)}</option>)}
          </select>
        </label>
      ) : (
        <label class="filter"><span>{words.t('figures.quantity')}</span>
          <select class="input" data-testid="series-quantity" value={query.get('quantity') || 'temperature'} onChange={(e) => query.set({ quantity: e.currentTarget.value })}>
            {[...new Set([...QUANTITIES, query.get('quantity')])].filter(Boolean).map((q) => <option key={q} value={q}>{words.word('quantity', q)}</option>)}
          </select>
        </label>
      )}
      <label class="filter"><span>{words.t('figures.period')}</span>
        <select class="input" data-testid="series-hours" value={String(hours)} onChange={(e) => query.set({ hours: e.currentTarget.value })}>
          {HOURS.map((h) => <option key={h} value={String(h)}>{words.word('figures.hours', String(h))}</option>)}
        </select>
      </label>
      {text('edge', words.t('figures.edge'), 'series-edge', '.{0,64}')}
      {!system && text('device', words.t('figures.device'), 'series-device', '.{0,64}')}
      {!system && text('grid', words.t('figures.gridCode'), 'series-grid', '[0-9]{12,20}')}
    </div>
  );
}

interface LinesProps {
  list: readonly Series[];
  asked: SeriesAsked;
  hours: number;
}

function unitText(words: Words, s: Series): string {
  const { name, code } = unitOf(s);
  return name ? words.word('figures.unitName', name) : code;
}

function Lines({ list, asked, hours }: LinesProps) {
  const words = useWords();
  const [chosen, setChosen] = useState<readonly number[]>(() => list.slice(0, MAX_LINES).map((_, i) => i));
  const step = stepOf(hours) * 1000;
  const lines = useMemo(() => chosen.map((i) => lineOf(list[i] as Series, step)), [chosen, list, step]);
  const toggle = (i: number) => setChosen(chosen.includes(i) ? chosen.filter((c) => c !== i) : [...chosen, i].slice(0, MAX_LINES));
  const what = whatText(words, asked);
  const label = words.t('figures.chart', { what, n: lines.length, period: words.word('figures.hours', String(hours)) });
  return (
    <>
      <div class="card block">
        <h2>{what} <span class="muted small">{[...new Set(list.map((s) => unitText(words, s)))].join(', ')}</span></h2>
        <Chart label={label} lines={lines} from={Date.parse(asked.from)} to={Date.parse(asked.to)} height={300} value={written} />
      </div>
      <div class="card figures-table">
        <table class="data" data-testid="series-lines">
          <thead><tr><th scope="col">{words.t('figures.show')}</th><th scope="col">{words.t('figures.line')}</th><th scope="col">{words.t('figures.unit')}</th><th scope="col">{words.t('figures.last')}</th><th scope="col">{words.t('figures.lowest')}</th><th scope="col">{words.t('figures.highest')}</th><th scope="col">{words.t('figures.points')}</th></tr></thead>
          <tbody>{list.map((s, i) => <LineRow key={i} series={s} at={chosen.indexOf(i)} full={chosen.length >= MAX_LINES} toggle={() => toggle(i)} />)}</tbody>
        </table>
        <p class="muted small figures-note">{words.t(list.length >= MAX_SERIES ? 'figures.full' : 'figures.maxLines')}</p>
      </div>
      <details class="card block">
        <summary data-testid="series-table">{words.t('figures.table')}</summary>
        <p class="muted small">{words.t('figures.tableHint', { step: span(words, step), n: MAX_TABLE })}</p>
        <Values lines={lines} />
      </details>
    </>
  );
}

interface LineRowProps {
  series: Series;
  /** Its place on the chart, -1 for none. */
  at: number;
  full: boolean;
  toggle: () => void;
}

function LineRow({ series, at, full, toggle }: LineRowProps) {
  const words = useWords();
  const values = lineOf(series, 1).points.flatMap(([, v]) => (v === null ? [] : [v]));
  const least = values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const name = nameOf(series);
  return (
    <tr data-testid="series-line">
      <td><input type="checkbox" aria-label={`${words.t('figures.show')} ${name}`} checked={at >= 0} disabled={at < 0 && full} onChange={toggle} /></td>
      <th scope="row" class="name">{at >= 0 && <span class={`chart-key chart-key-${at}`} aria-hidden="true" />}{name}</th>
      <td>{unitText(words, series)}</td>
      <td class="number">{written(values[values.length - 1] ?? 0)}</td><td class="number">{written(least)}</td><td class="number">{written(most)}</td><td class="number">{series.points.length}</td>
    </tr>
  );
}

function Values({ lines }: { lines: readonly { label: string; points: readonly (readonly [number, number | null])[] }[] }) {
  const words = useWords();
  const rows = tableOf(lines, MAX_TABLE);
  const at = (t: number) => `${day(words.lang, new Date(t), new Date())} ${moment(words.lang, new Date(t), new Date(t))}`;
  return (
    <div class="figures-scroll" tabIndex={0} role="region" aria-label={words.t('figures.table')}>
      <table class="data">
        <thead><tr><th scope="col">{words.t('figures.time')}</th>{lines.map((l) => <th key={l.label} scope="col">{l.label}</th>)}</tr></thead>
        <tbody>
          {rows.map((r) => (
            <tr key={r.at} data-testid="series-value"><th scope="row" class="time">{at(r.at)}</th>{r.values.map((v, i) => <td key={i} class={v === null ? 'muted' : 'number'}>{v === null ? words.t('figures.gap') : written(v)}</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
