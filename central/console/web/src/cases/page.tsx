/** One case: what, where, how it stands, what was seen, what happened to it, and what to do next. */
import { useState } from 'preact/hooks';
import type { FeedStore } from '../feed/store';
import { clock, reading, shortId } from '../format';
import { useWords } from '../i18n';
import type { Alert, Case, CaseEvent } from '../types';
import { Ago, Fact, Failure, GridCode, Link, Loading, Time, useToday, useTitle } from '../ui/bits';
import { IconCamera, IconLeft, IconSealed, KindIcon } from '../ui/icons';
import { CaseStateChip, ExerciseTag, SeverityMark } from '../ui/marks';
import { clips, shots, usePictureName, Viewer } from '../ui/picture';
import { CaseActions } from './actions';
import { ALERTS, useCaseData } from './data';
import { sentence } from './history';

export function CasePage({ id, store }: { id: string; store: FeedStore }) {
  const words = useWords();
  const data = useCaseData(id, store);
  const today = useToday();
  const c = data.detail;
  useTitle(c ? `${words.word('kind', c.kind)} · ${words.t('case.title')}` : words.t('case.title'));
  if (!c) return data.error ? <Failure error={data.error} retry={data.reload} /> : <Loading />;
  const done = (changed: Case) => {
    store.know(changed);
    data.reload();
  };
  return (
    <article class="page case" data-testid="case-page" data-state={c.state}>
      <Link href="/cases?state=open" class="back"><IconLeft size={16} />{words.t('case.back')}</Link>
      <header class="case-head card">
        <span class={`case-icon severity-${c.severity}`}><KindIcon kind={c.kind} size={28} /></span>
        <div class="case-title">
          <h1>{words.word('kind', c.kind)}{c.exercise && <ExerciseTag />}</h1>
          <p class="case-sub">
            <SeverityMark severity={c.severity} /><CaseStateChip state={c.state} />
            <span>{words.word('level', c.level)}</span><GridCode code={c.grid} />{c.zone && <span>{c.zone}</span>}
          </p>
        </div>
        <CaseActions case={c} onDone={done} onStale={data.reload} />
      </header>
      <div class="case-body">
        <div class="case-main">
          <Pictures alerts={data.alerts} awaited={data.alerts.some((a) => data.awaitsPicture(a.id))} />
          <AlertTable alerts={data.alerts} more={data.more} today={today} />
        </div>
        <div class="case-side">
          <Facts case={c} today={today} />
          <History history={c.history} today={today} />
        </div>
      </div>
    </article>
  );
}

function Pictures({ alerts, awaited }: { alerts: readonly Alert[]; awaited: boolean }) {
  const words = useWords();
  const name = usePictureName();
  const [open, setOpen] = useState(-1);
  const all = shots(alerts);
  return (
    <section class="card block" aria-labelledby="pictures-title">
      <h2 id="pictures-title">{words.t('case.pictures')}<span class="muted small">{all.length > 0 && words.t('picture.redacted')}</span></h2>
      {all.length === 0 && <p class="muted">{words.t(awaited ? 'picture.pending' : 'case.noPictures')}</p>}
      <ol class="plain shots">
        {all.map((s, i) => (
          <li key={s.evidence.id}>
            <button type="button" class="shot" data-testid="case-picture" aria-label={`${words.t('picture.open')}: ${name(s)}`} onClick={() => setOpen(i)}>
              <span class="thumb"><img src={s.evidence.url} alt="" width={640} height={360} loading="lazy" decoding="async" /></span>
              <span class="shot-time">{clock(words.lang, new Date(s.evidence.at))}</span>
            </button>
          </li>
        ))}
      </ol>
      <ul class="plain">
        {clips(alerts).map(({ evidence: e }) => (
          <li key={e.id} class="sealed muted" data-testid="case-clip">
            <IconSealed size={18} />
            {words.t('clip.sealed', { time: clock(words.lang, new Date(e.at)), size: (e.bytes / 1e6).toFixed(1) })}
          </li>
        ))}
      </ul>
      {open >= 0 && <Viewer shots={all} index={Math.min(open, all.length - 1)} onIndex={setOpen} onClose={() => setOpen(-1)} />}
    </section>
  );
}

function AlertTable({ alerts, more, today }: { alerts: readonly Alert[]; more: boolean; today: Date }) {
  const words = useWords();
  return (
    <section class="card block" aria-labelledby="alerts-title">
      <h2 id="alerts-title">{words.t('case.alertList')}{more && <span class="muted small">{words.t('case.alertsCut', { n: ALERTS })}</span>}</h2>
      <table class="data">
        <thead>
          <tr>
            <th scope="col">{words.t('alert.occurredAt')}</th><th scope="col">{words.t('alert.severity')}</th>
            <th scope="col">{words.t('alert.state')}</th><th scope="col">{words.t('alert.device')}</th><th scope="col">{words.t('case.readingOrObject')}</th>
          </tr>
        </thead>
        <tbody>
          {alerts.map((a) => (
            <tr key={a.id}>
              <td class="time"><Time at={a.occurredAt} today={today} /></td>
              <td><SeverityMark severity={a.severity} /></td>
              <td>{words.word('alertState', a.state)}</td>
              <td class="name">{a.family === 'cameras' && <IconCamera size={15} />}{a.device}</td>
              <td>{a.reading ? reading(words, a.reading) : a.object ? words.word('object', a.object) : words.t('app.none')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Facts({ case: c, today }: { case: Case; today: Date }) {
  const words = useWords();
  return (
    <section class="card block" aria-labelledby="facts-title">
      <h2 id="facts-title">{words.t('case.facts')}</h2>
      <dl class="facts">
        <Fact name={words.t('alert.grid')}><GridCode code={c.grid} /></Fact>
        {c.zone && <Fact name={words.t('alert.zone')}>{c.zone}</Fact>}
        <Fact name={words.t('alert.device')}><span class="name">{c.source.split('/').pop()}</span></Fact>
        <Fact name={words.t('case.situation')}>{words.t(c.active ? 'case.active' : 'case.inactive')}</Fact>
        <Fact name={words.t('case.alerts')}>{words.t('case.nAlerts', { n: c.alerts })}</Fact>
        <Fact name={words.t('case.openedAt')}><Time at={c.openedAt} today={today} /></Fact>
        <Fact name={words.t('case.lastAt')}><Time at={c.lastAt} today={today} /> <Ago at={c.lastAt} /></Fact>
        {c.state === 'closed' && <Closing case={c} today={today} />}
        <Fact name={words.t('case.class')}>{c.class}</Fact>
        <Fact name={words.t('case.no')}><span title={c.id}>{shortId(c.id)}</span></Fact>
        {c.previous && <Fact name={words.t('case.previous')}><Link href={`/cases/${c.previous}`} testid="case-previous">{words.t('case.previousLink')}</Link></Fact>}
      </dl>
    </section>
  );
}

function Closing({ case: c, today }: { case: Case; today: Date }) {
  const words = useWords();
  return (
    <>
      {c.closedAt && <Fact name={words.t('case.closedAt')}><Time at={c.closedAt} today={today} /></Fact>}
      <Fact name={words.t('case.closedBy')}>{c.closedBy || words.t('case.automatic')}</Fact>
      {c.reason && <Fact name={words.t('case.reason')}>{words.word('reason', c.reason)}</Fact>}
    </>
  );
}

/** Newest first, like the feed. */
function History({ history, today }: { history: readonly CaseEvent[]; today: Date }) {
  const words = useWords();
  const entries = [...history].reverse();
  return (
    <section class="card block" aria-labelledby="history-title">
      <h2 id="history-title">{words.t('case.history')}</h2>
      <ol class="plain history" data-testid="case-history">
        {entries.map((e) => (
          <li key={e.position} class={`history-item history-${e.type}`}>
            <span class="history-text">{sentence(words, e, today)}</span>
            <span class="time muted"><Time at={e.at} today={today} /></span>
          </li>
        ))}
      </ol>
    </section>
  );
}
