/** The report of a month, made to be printed on A4. Every figure is central's; the page only subtracts the month before. */
import type { ComponentChildren } from 'preact';
import { useContext } from 'preact/hooks';
import { ApiError } from '../api';
import { day, moment } from '../format';
import { useWords, type Words } from '../i18n';
import { navigate } from '../router';
import { Empty, Failure, GridCode, Link, Loading, useTitle, useToday } from '../ui/bits';
import { IconLeft } from '../ui/icons';
import { SessionContext } from '../ui/session';
import { figuresApi, type Row } from './api';
import { Steps, tilesOf, useRowName } from './indicators';
import { monthAway, monthSpan, months, type Span } from './period';
import { change, changeOfRate, keyOf, ordered, percent, type Group } from './rows';
import { useAnswer } from './use';

const MAX_DEVICES = 20;
const OFFERED = 24;

interface Report {
  now?: Row;
  before?: Row;
  communities: Row[];
  classes: Row[];
  /** null: this account may not see figures by device. */
  devices: Row[] | null;
}

async function load(span: Span, before: Span, grid: string, signal: AbortSignal): Promise<Report> {
  const area = grid ? { grid } : {};
  const devices = grid ? Promise.resolve(null) : figuresApi.devices(span, signal).catch((err: unknown) => {
    if (err instanceof ApiError && err.status === 403) return null;
    throw err;
  });
  const [now, then, communities, classes, bad] = await Promise.all([
    figuresApi.indicators({ ...span, ...area }, signal), figuresApi.indicators({ ...before, ...area }, signal),
    figuresApi.indicators({ ...span, ...area, by: 'grid', digits: 12 }, signal), figuresApi.indicators({ ...span, ...area, by: 'class' }, signal), devices,
  ]);
  const made: Report = { communities, classes, devices: bad };
  if (now[0]) made.now = now[0];
  if (then[0]) made.before = then[0];
  return made;
}

export function ReportPage({ month, grid }: { month: string; grid: string }) {
  const words = useWords();
  const today = useToday();
  useTitle(words.t('figures.monthly'));
  const offered = months(today, OFFERED);
  const shown = monthSpan(month) ? month : monthAway(offered[0] as string, -1);
  const span = monthSpan(shown) as Span;
  const before = monthSpan(monthAway(shown, -1)) as Span;
  const area = /^[0-9]{1,20}$/.test(grid) ? grid : '';
  const { value, error, again } = useAnswer(`${shown} ${area}`, (signal) => load(span, before, area, signal));
  return (
    <article class="page report-page" aria-labelledby="monthly-title" data-testid="monthly" data-month={shown}>
      <div class="filters no-print">
        <Link href="/figures" class="back"><IconLeft size={18} />{words.t('figures.back')}</Link>
        <label class="filter"><span>{words.t('figures.monthOf')}</span>
          <select class="input" data-testid="report-month" value={shown} onChange={(e) => navigate(`/figures/report?month=${e.currentTarget.value}${area ? `&grid=${area}` : ''}`, true)}>
            {[...new Set([...offered, shown])].map((m) => <option key={m} value={m}>{monthText(words, m)}</option>)}
          </select>
        </label>
        <button type="button" class="button" data-testid="report-print" onClick={() => print()}>{words.t('figures.print')}</button>
      </div>
      <Head month={shown} grid={area} open={shown === offered[0]} />
      {error !== null ? <Failure error={error} retry={again} /> : !value ? <Loading /> : <Body report={value} />}
    </article>
  );
}

function monthText(words: Words, month: string): string {
  return new Intl.DateTimeFormat(words.lang === 'en' ? 'en-GB' : words.lang, { year: 'numeric', month: 'long' }).format(new Date(`${month}-15T12:00:00`));
}

function Head({ month, grid, open }: { month: string; grid: string; open: boolean }) {
  const words = useWords();
  const { user } = useContext(SessionContext);
  const now = new Date();
  const at = `${day(words.lang, now, new Date(0))} ${moment(words.lang, now, now).slice(0, 5)}`;
  return (
    <header class="report-head">
      <h1 id="monthly-title">{words.t('figures.monthly')} · {monthText(words, month)}</h1>
      <p class="muted">{grid ? <GridCode code={grid} /> : words.t('figures.everywhere')}{open && <> · {words.t('figures.toDate', { at })}</>} · {words.t('figures.made', { at, who: user })}</p>
    </header>
  );
}

function Body({ report }: { report: Report }) {
  const words = useWords();
  if (!report.now && !report.before) return <Empty title={words.t('figures.none')} />;
  const none: Row = { opened: 0, closed: 0, closedInTime: 0, cleared: 0, falseAlarms: 0, reopened: 0, overdue: 0, extended: 0, sentBack: 0, reworked: 0, supervised: 0, parked: 0, merged: 0, rated: 0 };
  const now = report.now ?? none;
  return (
    <>
      <Part title={words.t('figures.totals')}><Totals now={now} before={report.before ?? none} /></Part>
      <Part title={words.t('figures.deadlines')} hint={words.t('figures.deadlinesHint')}><Deadlines now={now} before={report.before ?? none} /></Part>
      <Steps row={now} />
      <Part title={words.t('figures.byCommunity')}><Groups rows={report.communities} group="community" /></Part>
      <Part title={words.t('figures.byClass')}><Groups rows={report.classes} group="class" /></Part>
      <Part title={words.t('figures.byDevice')} hint={words.t('figures.deviceHint', { n: MAX_DEVICES })}><Devices rows={report.devices} /></Part>
      <Part title={words.t('figures.meaning')}>
        <dl class="report-meaning">{tilesOf(now).map(({ name }) => <div key={name}><dt>{words.t(`figures.${name}`)}</dt><dd>{words.t(`figures.means.${name}`)}</dd></div>)}</dl>
      </Part>
    </>
  );
}

function Part({ title, hint, children }: { title: string; hint?: string; children: ComponentChildren }) {
  return (
    <section class="card block report-part">
      <h2>{title}</h2>
      {hint && <p class="muted small">{hint}</p>}
      {children}
    </section>
  );
}

interface Pair {
  now: Row;
  before: Row;
}

function Compared({ lines }: { lines: readonly (readonly [name: string, now: string, before: string, change: string])[] }) {
  const words = useWords();
  return (
    <table class="data report-compared">
      <thead><tr><th scope="col">{words.t('figures.measure')}</th><th scope="col">{words.t('figures.thisMonth')}</th><th scope="col">{words.t('figures.lastMonth')}</th><th scope="col">{words.t('figures.change')}</th></tr></thead>
      <tbody>{lines.map(([name, now, before, by]) => <tr key={name}><th scope="row">{name}</th><td class="number">{now}</td><td class="number">{before}</td><td class="number">{by}</td></tr>)}</tbody>
    </table>
  );
}

function Totals({ now, before }: Pair) {
  const words = useWords();
  const count = (name: string, f: (r: Row) => number) => [name, String(f(now)), String(f(before)), change(f(now), f(before))] as const;
  const rate = (name: string, f: (r: Row) => number | undefined) => [name, percent(f(now)), percent(f(before)), changeOfRate(words, f(now), f(before))] as const;
  return (
    <Compared lines={[
      count(words.t('figures.opened'), (r) => r.opened), count(words.t('figures.closed'), (r) => r.closed), rate(words.t('figures.inTime'), (r) => r.inTimeRate),
      rate(words.t('figures.overdue'), (r) => r.overdueRate), rate(words.t('figures.rework'), (r) => r.reworkRate), rate(words.t('figures.falseAlarms'), (r) => r.falseAlarmRate),
      count(words.t('figures.count.cleared'), (r) => r.cleared), count(words.t('figures.count.merged'), (r) => r.merged), count(words.t('figures.count.reopened'), (r) => r.reopened),
    ]} />
  );
}

const LIMITS = ['closedInTime', 'overdue', 'extended', 'supervised', 'parked', 'sentBack', 'reworked'] as const;

function Deadlines({ now, before }: Pair) {
  const words = useWords();
  return <Compared lines={LIMITS.map((name) => [words.word('figures.count', name), String(now[name]), String(before[name]), change(now[name], before[name])] as const)} />;
}

function Groups({ rows, group }: { rows: readonly Row[]; group: Group }) {
  const words = useWords();
  const name = useRowName(group, '');
  if (rows.length === 0) return <p class="muted">{words.t('figures.none')}</p>;
  return (
    <table class="data" data-testid={`report-${group}`}>
      <thead>
        <tr>
          <th scope="col">{words.word('figures.by', group)}</th><th scope="col">{words.t('figures.opened')}</th><th scope="col">{words.t('figures.closed')}</th><th scope="col">{words.t('figures.inTime')}</th>
          <th scope="col">{words.t('figures.count.overdue')}</th><th scope="col">{words.t('figures.count.reworked')}</th><th scope="col">{words.t('figures.count.falseAlarms')}</th>
        </tr>
      </thead>
      <tbody>
        {ordered(rows, group).map((r) => (
          <tr key={keyOf(r, group)}>
            <th scope="row">{name(keyOf(r, group)) || <GridCode code={keyOf(r, group)} />}</th><td class="number">{r.opened}</td><td class="number">{r.closed}</td><td class="number">{percent(r.inTimeRate)}</td>
            <td class="number">{r.overdue}</td><td class="number">{r.reworked}</td><td class="number">{r.falseAlarms}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Devices({ rows }: { rows: readonly Row[] | null }) {
  const words = useWords();
  if (!rows) return <p class="muted">{words.t('figures.cannot')}</p>;
  const worst = rows.filter((r) => r.falseAlarms > 0).sort((a, b) => b.falseAlarms - a.falseAlarms || b.opened - a.opened).slice(0, MAX_DEVICES);
  if (worst.length === 0) return <p class="muted">{words.t('figures.noFalse')}</p>;
  return (
    <table class="data" data-testid="report-devices">
      <thead><tr><th scope="col">{words.t('figures.device')}</th><th scope="col">{words.t('figures.opened')}</th><th scope="col">{words.t('figures.count.falseAlarms')}</th><th scope="col">{words.t('figures.falseAlarms')}</th></tr></thead>
      <tbody>{worst.map((r) => <tr key={r.source}><th scope="row" class="name">{(r.source ?? '').replace(/^\/edges\//, '')}</th><td class="number">{r.opened}</td><td class="number">{r.falseAlarms}</td><td class="number">{percent(r.falseAlarmRate)}</td></tr>)}</tbody>
    </table>
  );
}
