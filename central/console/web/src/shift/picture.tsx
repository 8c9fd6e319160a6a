/** What stood open at the moment of a handover, in the order in which one tells it. */
import type { ComponentChildren } from 'preact';
import { useTitles, useUnits } from '../cases/catalog';
import { useWords } from '../i18n';
import { pick } from '../i18n/pick';
import { GridCode, Link, Time, useToday } from '../ui/bits';
import { CaseStateChip, SeverityMark } from '../ui/marks';
import type { CaseLine, Picture, Some, Tally } from './api';

export function PictureView({ picture: p }: { picture: Picture }) {
  const words = useWords();
  const all = p.open.reduce((n, t) => n + t.open + t.acknowledged, 0);
  return (
    <>
      {p.cut && <p class="banner banner-lost" role="note">{words.t('shift.cut')}</p>}
      <div class="shift-sums">
        <Section title={words.t('shift.openCases')}>
          <Tallies open={p.open} />
          {p.parked > 0 && <p class="muted small">{words.t('shift.parked', { n: p.parked })}</p>}
        </Section>
        <Section title={words.t('shift.happened')}><Happened happened={p.happened} /></Section>
      </div>
      <CaseSection title={words.t('shift.worst')} testid="shift-worst" some={{ total: all, items: p.worst }} at={p.at} />
      <CaseSection title={words.t('shift.due')} testid="shift-due" some={p.due} at={p.at} />
      <CaseSection title={words.t('shift.waking')} testid="shift-waking" some={p.waking} at={p.at} wake />
      <Offline picture={p} />
      <Silences some={p.silences} />
      {p.exercises.total > 0 && <CaseSection title={words.t('shift.exercises')} testid="shift-exercises" some={p.exercises} at={p.at} />}
    </>
  );
}

interface SectionProps {
  title: string;
  count?: string;
  testid?: string;
  children: ComponentChildren;
}

function Section({ title, count = '', testid, children }: SectionProps) {
  return (
    <section class="card block shift-section" data-testid={testid}>
      <h2>{title}{count && <span class="muted small">{count}</span>}</h2>
      {children}
    </section>
  );
}

function Nothing() {
  return <p class="muted">{useWords().t('shift.nothing')}</p>;
}

function useCount() {
  const words = useWords();
  return ({ total, items }: Some<unknown>): string => (total > items.length ? words.t('shift.worstOf', { n: total, shown: items.length }) : total > 0 ? String(total) : '');
}

const COLUMNS = ['open', 'acknowledged', 'overdue'] as const;

function Tallies({ open }: { open: readonly Tally[] }) {
  const words = useWords();
  const sum = (c: (typeof COLUMNS)[number]) => open.reduce((n, t) => n + t[c], 0);
  return (
    <table class="data shift-tally" data-testid="shift-tally">
      <thead><tr><th scope="col"><span class="sr-only">{words.t('cases.severity')}</span></th>{COLUMNS.map((c) => <th key={c} scope="col">{words.word('shift.tally', c)}</th>)}</tr></thead>
      <tbody>
        {open.map((t) => (
          <tr key={t.severity}>
            <th scope="row"><SeverityMark severity={t.severity} /></th>
            {COLUMNS.map((c) => <td key={c} class={`number ${c === 'overdue' && t[c] > 0 ? 'bad' : ''}`}>{t[c]}</td>)}
          </tr>
        ))}
        <tr class="shift-total"><th scope="row">{words.t('shift.total')}</th>{COLUMNS.map((c) => <td key={c} class="number">{sum(c)}</td>)}</tr>
      </tbody>
    </table>
  );
}

const HAPPENED = ['opened', 'lifeSafety', 'merged', 'closed', 'falseAlarms', 'cleared'] as const;

function Happened({ happened }: { happened: Picture['happened'] }) {
  const words = useWords();
  return (
    <>
      <dl class="shift-happened" data-testid="shift-happened">
        {HAPPENED.map((name) => <div key={name} class="shift-fact"><dt>{words.word('shift.happened', name)}</dt><dd class="number">{happened[name]}</dd></div>)}
      </dl>
      <p class="muted small">{words.t('shift.happenedHint')}</p>
    </>
  );
}

interface CaseSectionProps {
  title: string;
  testid: string;
  some: Some<CaseLine>;
  /** The moment of the picture. */
  at: string;
  /** The last column is when an acknowledgement ends, not when a deadline does. */
  wake?: boolean;
}

function CaseSection({ title, testid, some, at, wake = false }: CaseSectionProps) {
  const words = useWords();
  const count = useCount();
  return (
    <Section title={title} count={count(some)} testid={testid}>
      {some.items.length === 0 ? <Nothing /> : (
        <table class="data shift-cases">
          <thead>
            <tr>
              <th scope="col">{words.t('cases.severity')}</th><th scope="col">{words.t('shift.what')}</th><th scope="col">{words.t('shift.where')}</th>
              <th scope="col">{words.t('shift.stands')}</th><th scope="col">{words.t('shift.unit')}</th><th scope="col">{words.t('shift.opened')}</th>
              <th scope="col">{words.t(wake ? 'shift.wakeAt' : 'shift.dueAt')}</th>
            </tr>
          </thead>
          <tbody>{some.items.map((c) => <CaseRow key={c.id} line={c} at={at} wake={wake} />)}</tbody>
        </table>
      )}
    </Section>
  );
}

function CaseRow({ line: c, at, wake }: { line: CaseLine; at: string; wake: boolean }) {
  const words = useWords();
  const today = useToday();
  const titles = useTitles();
  const units = useUnits();
  const unit = units.find((u) => u.id === c.unit);
  const ends = wake ? c.wakeAt : c.dueAt;
  const over = ends !== undefined && Date.parse(ends) <= Date.parse(at);
  return (
    <tr data-testid="shift-case">
      <td><SeverityMark severity={c.severity} /></td>
      <td><Link href={`/cases/${c.id}`}>{words.word('kind', c.kind)}</Link></td>
      <td>{c.zone && <span class="name">{c.zone} </span>}<GridCode code={c.grid} /></td>
      <td>{c.step ? titles.step(c.workflow, c.step) : <CaseStateChip state={c.state} />}</td>
      <td class="name">{[unit ? pick(words, unit.title) : c.unit, c.assignee].filter(Boolean).join(' · ')}</td>
      <td class="time"><Time at={c.openedAt} today={today} /></td>
      <td class={over ? 'time bad' : 'time'}>{ends && <Time at={ends} today={today} />}{over && <> {words.t('shift.over')}</>}</td>
    </tr>
  );
}

function Offline({ picture: { edges, devices } }: { picture: Picture }) {
  const words = useWords();
  const today = useToday();
  const count = useCount();
  const both = { total: edges.total + devices.total, items: [...edges.items, ...devices.items] };
  return (
    <Section title={words.t('shift.offline')} count={count(both)} testid="shift-offline">
      {both.items.length === 0 ? <Nothing /> : (
        <table class="data">
          <thead><tr><th scope="col">{words.t('shift.device')}</th><th scope="col">{words.t('shift.edge')}</th><th scope="col">{words.t('shift.where')}</th><th scope="col">{words.t('shift.state')}</th><th scope="col">{words.t('shift.since')}</th></tr></thead>
          <tbody>
            {edges.items.map((e) => (
              <tr key={e.id}>
                <td>{words.t('shift.behind', { n: e.devices })}</td><td class="name">{e.id}</td><td /><td class="bad">{words.t('shift.edgeAway')}</td><td class="time"><Time at={e.since} today={today} /></td>
              </tr>
            ))}
            {devices.items.map((d) => (
              <tr key={`${d.edge}/${d.id}`}>
                <td class="name">{d.id}</td><td class="name">{d.edge}</td><td><GridCode code={d.grid} /></td><td>{words.word('deviceState', d.state)}</td><td class="time"><Time at={d.since} today={today} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}

function Silences({ some }: { some: Picture['silences'] }) {
  const words = useWords();
  const today = useToday();
  const count = useCount();
  return (
    <Section title={words.t('shift.silences')} count={count(some)} testid="shift-silences">
      {some.items.length === 0 ? <Nothing /> : (
        <table class="data">
          <thead><tr><th scope="col">{words.t('shift.what')}</th><th scope="col">{words.t('shift.silenceFor')}</th><th scope="col">{words.t('shift.reason')}</th><th scope="col">{words.t('shift.until')}</th></tr></thead>
          <tbody>
            {some.items.map((s) => (
              <tr key={s.id}>
                <td>{words.word('shift.silence', s.sort)}{!s.active && <span class="muted"> · {words.t('shift.later')}</span>}</td>
                <td>{s.grid && <GridCode code={s.grid} />} {(s.kinds ?? []).map((k) => words.word('kind', k)).join(', ')}</td>
                <td class="name">{s.reason}</td><td class="time"><Time at={s.until} today={today} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}
