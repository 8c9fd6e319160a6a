/** What became of cases: totals with what they mean, and the same told apart by area, class, unit or time. */
import { useTitles, useClasses, useUnits } from '../cases/catalog';
import { span } from '../format';
import { useWords } from '../i18n';
import { pick } from '../i18n/pick';
import { Empty, Failure, GridCode, Loading, useToday } from '../ui/bits';
import { csvPath, figuresApi, type Asked, type Row } from './api';
import type { Query } from './page';
import { PERIODS, shifted, spanOf, type Period, type Span } from './period';
import { askedFor, below, DIGITS, GROUPS, keyOf, LEVEL, ordered, percent, trail, type Group } from './rows';
import { useAnswer, useAreaNames } from './use';

const isGroup = (text: string): text is Group => (GROUPS as readonly string[]).includes(text);

/** The days that the address asks for. */
function daysOf(query: Query, today: Date): { period: Period; span: Span } {
  const period = (PERIODS as readonly string[]).includes(query.get('period')) ? (query.get('period') as Period) : 'month';
  const month = spanOf('month', today);
  if (period !== 'own') return { period, span: spanOf(period, today) };
  return { period, span: { from: shifted(query.get('from'), 0) || month.from, to: shifted(query.get('to'), 1) || month.to } };
}

export function IndicatorsView({ query }: { query: Query }) {
  const today = useToday();
  const { period, span: days } = daysOf(query, today);
  const group: Group = isGroup(query.get('by')) ? (query.get('by') as Group) : 'community';
  const grid = /^[0-9]{1,20}$/.test(query.get('grid')) ? query.get('grid') : '';
  const base: Asked = { ...days, ...(grid ? { grid } : {}), ...(query.get('exercise') ? { exercise: true } : {}) };
  const asked: Asked = { ...base, ...askedFor(group) };
  const key = JSON.stringify(asked);
  const { value, error, again } = useAnswer(key, async (signal) => {
    const [total, rows] = await Promise.all([figuresApi.indicators(base, signal), figuresApi.indicators(asked, signal)]);
    return { total: total[0], rows, group, grid };
  });
  return (
    <>
      <Controls query={query} period={period} days={days} group={group} csv={csvPath(asked)} />
      <Trail query={query} grid={grid} />
      {error !== null ? <Failure error={error} retry={again} /> : !value ? <Loading /> : <Shown {...value} query={query} />}
    </>
  );
}

interface ControlsProps {
  query: Query;
  period: Period;
  days: Span;
  group: Group;
  csv: string;
}

function Controls({ query, period, days, group, csv }: ControlsProps) {
  const words = useWords();
  return (
    <div class="filters card block" role="group" aria-label={words.t('figures.period')}>
      <label class="filter"><span>{words.t('figures.period')}</span>
        <select class="input" data-testid="figures-period" value={period} onChange={(e) => query.set({ period: e.currentTarget.value, ...(e.currentTarget.value === 'own' ? { from: days.from, to: shifted(days.to, -1) } : { from: '', to: '' }) })}>
          {PERIODS.map((p) => <option key={p} value={p}>{words.word('figures.period', p)}</option>)}
        </select>
      </label>
      {period === 'own' && (
        <>
          <label class="filter"><span>{words.t('figures.from')}</span><input type="date" class="input" data-testid="figures-from" value={days.from} onChange={(e) => query.set({ from: e.currentTarget.value })} /></label>
          <label class="filter"><span>{words.t('figures.to')}</span><input type="date" class="input" data-testid="figures-to" value={shifted(days.to, -1)} onChange={(e) => query.set({ to: e.currentTarget.value })} /></label>
        </>
      )}
      <label class="filter"><span>{words.t('figures.by')}</span>
        <select class="input" data-testid="figures-by" value={group} onChange={(e) => query.set({ by: e.currentTarget.value })}>
          {GROUPS.map((g) => <option key={g} value={g}>{words.word('figures.by', g)}</option>)}
        </select>
      </label>
      <label class="check"><input type="checkbox" data-testid="figures-exercise" checked={query.get('exercise') !== ''} onChange={(e) => query.set({ exercise: e.currentTarget.checked ? 'yes' : '' })} /> {words.t('figures.exercise')}</label>
      <span class="spacer" />
      <a class="button" data-testid="figures-csv" href={csv} download="indicators.csv">{words.t('figures.csv')}</a>
    </div>
  );
}

/** The way from all areas down to the one that is shown, each a step back. */
function Trail({ query, grid }: { query: Query; grid: string }) {
  const words = useWords();
  if (!grid) return null;
  const steps = trail(grid);
  return (
    <nav class="figures-trail" aria-label={words.t('figures.area')} data-testid="figures-trail">
      <button type="button" class="button button-quiet" onClick={() => query.set({ grid: '', by: '' })}>{words.t('figures.everywhere')}</button>
      {steps.map(({ prefix, group }) => (
        <button key={prefix} type="button" class="button button-quiet" aria-current={prefix === grid ? 'true' : undefined} onClick={() => query.set({ grid: prefix, by: below(group) ?? 'class' })}>
          <span aria-hidden="true">›</span> <AreaName code={prefix} group={group} />
        </button>
      ))}
    </nav>
  );
}

function AreaName({ code, group }: { code: string; group: Group }) {
  const name = useAreaNames(LEVEL[group] ?? '', code)(code);
  return name ? <>{name}</> : <GridCode code={code} />;
}

interface ShownProps {
  total: Row | undefined;
  rows: readonly Row[];
  group: Group;
  query: Query;
  grid: string;
}

function Shown({ total, rows, group, query, grid }: ShownProps) {
  const words = useWords();
  if (!total) return <div class="card"><Empty title={words.t('figures.none')} hint={words.t('figures.noneHint')} /></div>;
  return (
    <>
      <Tiles row={total} />
      <div class="figures-body">
        <Groups rows={rows} group={group} query={query} grid={grid} />
        <aside class="figures-side"><Steps row={total} /><Others row={total} /></aside>
      </div>
    </>
  );
}

/** The measures that are told first, each with its meaning. */
export function tilesOf(row: Row): { name: 'opened' | 'closed' | 'inTime' | 'overdue' | 'rework' | 'falseAlarms'; text: string }[] {
  return [
    { name: 'opened', text: String(row.opened) }, { name: 'closed', text: String(row.closed) }, { name: 'inTime', text: percent(row.inTimeRate) },
    { name: 'overdue', text: percent(row.overdueRate) }, { name: 'rework', text: percent(row.reworkRate) }, { name: 'falseAlarms', text: percent(row.falseAlarmRate) },
  ];
}

function Tiles({ row }: { row: Row }) {
  const words = useWords();
  return (
    <dl class="figures-tiles" data-testid="figures-tiles">
      {tilesOf(row).map(({ name, text }) => (
        <div key={name} class="card figures-tile" data-measure={name}>
          <dt>{words.t(`figures.${name}`)}</dt>
          <dd><span class="figures-value">{text}</span><span class="muted small">{words.t(`figures.means.${name}`)}</span></dd>
        </div>
      ))}
      {row.rating !== undefined && (
        <div class="card figures-tile" data-measure="rating">
          <dt>{words.t('figures.rating')}</dt>
          <dd><span class="figures-value">{words.t('figures.stars', { n: row.rating.toFixed(1) })}</span><span class="muted small">{words.t('figures.means.rating')}</span></dd>
        </div>
      )}
    </dl>
  );
}

function Groups({ rows, group, query, grid }: Omit<ShownProps, 'total'>) {
  const words = useWords();
  const most = Math.max(1, ...rows.map((r) => r.opened));
  return (
    <div class="card figures-table">
      <table class="data" data-testid="figures-rows">
        <thead>
          <tr>
            <th scope="col">{words.word('figures.by', group)}</th><th scope="col">{words.t('figures.opened')}</th><th scope="col"><span class="sr-only">{words.t('figures.opened')}</span></th>
            <th scope="col">{words.t('figures.closed')}</th><th scope="col">{words.t('figures.inTime')}</th><th scope="col">{words.t('figures.overdue')}</th>
            <th scope="col">{words.t('figures.rework')}</th><th scope="col">{words.t('figures.falseAlarms')}</th>
          </tr>
        </thead>
        <tbody>
          {ordered(rows, group).map((r) => (
            <tr key={keyOf(r, group)} data-testid="figures-row">
              <th scope="row"><RowName row={r} group={group} query={query} grid={grid} /></th>
              <td class="number">{r.opened}</td><td class="figures-bar"><Bar share={r.opened / most} /></td><td class="number">{r.closed}</td>
              <td class="number">{percent(r.inTimeRate)}</td><td class="number">{percent(r.overdueRate)}</td><td class="number">{percent(r.reworkRate)}</td><td class="number">{percent(r.falseAlarmRate)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A bar for the eye; the number stands beside it. */
export function Bar({ share }: { share: number }) {
  const width = Math.round(Math.max(0, Math.min(1, share)) * 100);
  return (
    <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <rect class="bar-rest" width="100" height="8" rx="2" /><rect class="bar-share" width={width} height="8" rx="2" />
    </svg>
  );
}

function RowName({ row, group, query, grid }: { row: Row; group: Group; query: Query; grid: string }) {
  const words = useWords();
  const key = keyOf(row, group);
  const name = useRowName(group, grid)(key);
  const next = below(group);
  const text = name ? <>{name}{DIGITS[group] !== undefined && <span class="muted small figures-code"><GridCode code={key} /></span>}</> : DIGITS[group] !== undefined ? <GridCode code={key} /> : key;
  if (DIGITS[group] === undefined || key === '') return <span class="name">{text}</span>;
  return (
    <button type="button" class="link" data-testid="figures-drill" title={words.t('figures.drill', { name: name || key })} onClick={() => query.set({ grid: key, by: next ?? 'class' })}>{text}</button>
  );
}

/** What the key of a line is called, '' where it has no name. */
export function useRowName(group: Group, prefix: string): (key: string) => string {
  const words = useWords();
  const areas = useAreaNames(LEVEL[group] ?? '', prefix);
  const classes = useClasses();
  const units = useUnits();
  return (key) => {
    if (group === 'class') return [key, pick(words, classes.find((c) => c.code === key)?.title)].filter(Boolean).join(' ');
    if (group === 'unit') return key === '' ? words.t('figures.noUnit') : pick(words, units.find((u) => u.id === key)?.title) || key;
    return LEVEL[group] ? areas(key) : key;
  };
}

export function Steps({ row }: { row: Row }) {
  const words = useWords();
  const titles = useTitles();
  const steps = row.steps ?? [];
  if (steps.length === 0) return null;
  const most = Math.max(1, ...steps.map((s) => s.meanSeconds));
  return (
    <section class="card block">
      <h2>{words.t('figures.steps')}</h2>
      <p class="muted small">{words.t('figures.stepsHint')}</p>
      <table class="data" data-testid="figures-steps">
        <thead><tr><th scope="col">{words.t('figures.step')}</th><th scope="col">{words.t('figures.times')}</th><th scope="col">{words.t('figures.mean')}</th><th scope="col"><span class="sr-only">{words.t('figures.mean')}</span></th></tr></thead>
        <tbody>
          {[...steps].sort((a, b) => a.meanSeconds - b.meanSeconds).map((s) => (
            <tr key={s.step}><th scope="row">{titles.step(undefined, s.step)}</th><td class="number">{s.times}</td><td class="number">{span(words, s.meanSeconds * 1000)}</td><td class="figures-bar"><Bar share={s.meanSeconds / most} /></td></tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const OTHERS = ['cleared', 'reopened', 'extended', 'sentBack', 'reworked', 'supervised', 'parked', 'merged', 'rated'] as const;

function Others({ row }: { row: Row }) {
  const words = useWords();
  return (
    <section class="card block">
      <h2>{words.t('figures.more')}</h2>
      <dl class="figures-counts">{OTHERS.map((name) => <div key={name} class="shift-fact"><dt>{words.word('figures.count', name)}</dt><dd class="number">{row[name]}</dd></div>)}</dl>
    </section>
  );
}
