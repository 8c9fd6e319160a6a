/** One case: what, where, how it stands, what was seen, what happened to it, and what to do next. */
import type { ComponentChildren } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { api } from '../api';
import type { FeedStore } from '../feed/store';
import { clock, reading, shortId } from '../format';
import { useWords } from '../i18n';
import { pick } from '../i18n/pick';
import { useKeys } from '../keys';
import { errorText } from '../problem';
import { TracePanel } from '../trace/panel';
import type { Alert, Case, CaseDetail, CaseEvent, Evidence } from '../types';
import { Ago, Fact, Failure, GridCode, Link, Loading, Time, useTicking, useToday, useTitle } from '../ui/bits';
import { IconCamera, IconLeft, KindIcon } from '../ui/icons';
import { CaseStateChip, ExerciseTag, SeverityMark } from '../ui/marks';
import { photos, shots } from '../ui/picture';
import { SessionContext, useMayOperate } from '../ui/session';
import { Clips } from '../unseal/clips';
import { CaseActions, useStep } from './actions';
import { useClasses, useTitles } from './catalog';
import { ALERTS, useCaseData, useEarlier } from './data';
import { lines, sentence } from './history';
import { LoopCard } from './loop';
import { PhotoUpload } from './photo';
import { Readings } from './readings';
import { Relatives } from './relatives';
import { Strip } from './strip';
import { Toast, toast, undoToast } from './toast';
import { HoldAction, MergeAction } from './upkeep';

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
      </header>
      <NextSteps detail={c} onDone={done} onStale={data.reload} />
      <div class="case-body">
        <div class="case-main">
          <Pictures case={c} alerts={data.alerts} own={data.photos} awaited={data.alerts.some((a) => data.awaitsPicture(a.id))} onAdded={data.reload} />
          <Readings case={c} />
          <AlertTable alerts={data.alerts} more={data.more} today={today} />
        </div>
        <div class="case-side">
          <LoopCard case={c} left={c.left ?? []} askedAt={data.askedAt} today={today} />
          <Relatives case={c} children={data.children} more={data.moreChildren} />
          <PlaceCard case={c} />
          <Facts case={c} today={today} />
          <History key={c.id} detail={c} today={today} />
          <Way alerts={data.alerts} />
        </div>
      </div>
      <Toast />
    </article>
  );
}

/** The way of the first of the alerts that are listed. */
function Way({ alerts }: { alerts: readonly Alert[] }) {
  const first = alerts[alerts.length - 1];
  return first ? <section class="card block"><TracePanel alert={first.id} /></section> : null;
}

type PlaceMap = (props: { place?: { lon: number; lat: number }; grid: string }) => ComponentChildren;

/** The place on the map, once its code is there. */
function PlaceCard({ case: c }: { case: Case }) {
  const words = useWords();
  const [Drawn, setDrawn] = useState<PlaceMap | null>(null);
  useEffect(() => {
    let gone = false;
    import('../map/small').then((m) => gone || setDrawn(() => m.PlaceMap), () => undefined); // the grid's code stands among the facts
    return () => {
      gone = true;
    };
  }, []);
  return (
    <section class="card block" aria-labelledby="place-title">
      <h2 id="place-title">{words.t('desk.place')}</h2>
      {Drawn ? <Drawn grid={c.grid} {...(c.place ? { place: c.place } : {})} /> : <GridCode code={c.grid} />}
    </section>
  );
}

/** The actions of the workflow, and what keeps cases in order beside it. */
function NextSteps({ detail, onDone, onStale }: { detail: CaseDetail; onDone: (c: Case) => void; onStale: () => void }) {
  const words = useWords();
  const titles = useTitles();
  const today = useToday();
  const { user } = useContext(SessionContext);
  const [seen, setSeen] = useState<number | null>(null);
  if (!useMayOperate()) return null;
  const stale = () => {
    setSeen(detail.position);
    onStale();
  };
  const done = (c: Case) => {
    setSeen(null);
    onDone(c);
  };
  const faster = seen === null ? undefined : fasterThan(detail, seen, user);
  const keep = { case: detail, onDone: done, onStale: stale };
  return (
    <section class="card next" aria-labelledby="next-title">
      <h2 id="next-title">{words.t('case.next')}</h2>
      <CaseActions {...keep} offers={detail.actions} keys />
      {faster && (
        <p class="faster" role="alert" data-testid="case-faster">
          {words.t('desk.faster', { what: sentence(words, faster, today, titles), time: clock(words.lang, new Date(faster.at)), step: detail.step ? titles.step(detail.workflow, detail.step) : words.word('caseState', detail.state) })}
        </p>
      )}
      <div class="actions upkeep"><UndoAction detail={detail} onDone={done} onStale={stale} /><MergeAction {...keep} /><HoldAction {...keep} /></div>
    </section>
  );
}

/** What somebody else did to a case after it was seen: the newest of it. */
function fasterThan(c: CaseDetail, seen: number, me: string): CaseEvent | undefined {
  return c.history.filter((e) => e.position > seen && e.actor && e.actor !== me).pop();
}

/** Takes back one's own last step: as long as central says so, or as the toast says. */
function UndoAction({ detail: c, onDone, onStale }: { detail: CaseDetail; onDone: (c: Case) => void; onStale: () => void }) {
  const words = useWords();
  const { busy, error, run } = useStep({ onDone, onStale });
  const open = useTicking(() => (c.undo && Date.now() < Date.parse(c.undo.until) ? 'yes' : 'no'), 5000) === 'yes';
  const undo = c.undo;
  const what = pick(words, undo?.titles);
  const back = () => run(async () => {
    const after = await api.undo(c);
    toast({ what, text: words.t('desk.undone', { what }) });
    return after;
  });
  useKeys('desk.keysCase', [{ key: 'u', word: 'desk.key.undo', run: () => undoToast() || (open && !busy && void back()) }]);
  return (
    <>
      {open && undo && (
        <button type="button" class="button button-quiet" data-testid="case-undo" disabled={busy} aria-keyshortcuts="u" onClick={() => void back()}>
          {words.t('desk.undoStep', { action: what, time: clock(words.lang, new Date(undo.until)) })}<kbd class="key-hint" aria-hidden="true">U</kbd>
        </button>
      )}
      {error !== null && <p class="form-error" role="alert" data-testid="undo-error">{errorText(words, error)}</p>}
    </>
  );
}

interface PicturesProps {
  case: Case;
  alerts: readonly Alert[];
  own: readonly Evidence[];
  awaited: boolean;
  onAdded: () => void;
}

function Pictures({ case: c, alerts, own, awaited, onAdded }: PicturesProps) {
  const words = useWords();
  const all = [...photos(c, own), ...shots(alerts)];
  return (
    <section class="card block" aria-labelledby="pictures-title">
      <h2 id="pictures-title">{words.t('case.pictures')}<span class="muted small">{all.length > 0 && words.t('picture.redacted')}</span></h2>
      {all.length === 0 && <p class="muted">{words.t(awaited ? 'picture.pending' : 'case.noPictures')}</p>}
      <Strip shots={all} own={own.length} />
      <Clips alerts={alerts} />
      {useMayOperate() && <PhotoUpload id={c.id} onAdded={onAdded} />}
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
        {c.origin
          ? <Fact name={words.t('case.origin')}>{words.word('origin', c.origin)}</Fact>
          : <Fact name={words.t('alert.device')}><span class="name">{c.source.split('/').pop()}</span></Fact>}
        {c.place && <Fact name={words.t('case.place')}>{c.place.lon.toFixed(5)}, {c.place.lat.toFixed(5)}</Fact>}
        {!c.origin && <Fact name={words.t('case.situation')}>{words.t(c.active ? 'case.active' : 'case.inactive')}</Fact>}
        {c.hold && <Fact name={words.t('case.hold')}>{words.word('reason', c.hold)}</Fact>}
        <Fact name={words.t('case.alerts')}>{words.t('case.nAlerts', { n: c.alerts })}</Fact>
        <Fact name={words.t('case.openedAt')}><Time at={c.openedAt} today={today} /></Fact>
        <Fact name={words.t('case.lastAt')}><Time at={c.lastAt} today={today} /> <Ago at={c.lastAt} /></Fact>
        {c.state === 'closed' && <Closing case={c} today={today} />}
        <Fact name={words.t('case.class')}><ClassName code={c.class} /></Fact>
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
      <Fact name={words.t('case.closedBy')}>{!c.closedBy || c.closedBy.startsWith('rule:') ? words.t('case.automatic') : c.closedBy}</Fact>
      {c.reason && <Fact name={words.t('case.reason')}>{words.word('reason', c.reason)}</Fact>}
    </>
  );
}

function ClassName({ code }: { code: string }) {
  const words = useWords();
  const title = pick(words, useClasses().find((k) => k.code === code)?.title);
  return <>{code} {title}</>;
}

/** Newest first, like the feed. */
function History({ detail, today }: { detail: CaseDetail; today: Date }) {
  const words = useWords();
  const titles = useTitles();
  const { history, earlier, busy, error, more } = useEarlier(detail);
  const entries = [...history].reverse();
  return (
    <section class="card block" aria-labelledby="history-title">
      <h2 id="history-title">{words.t('case.history')}</h2>
      <ol class="plain history" data-testid="case-history">
        {entries.map((e) => (
          <li key={e.position} class={`history-item history-${e.type}${e.stage ? ` history-${e.stage}` : ''}`}>
            <span class="history-text">
              {sentence(words, e, today, titles)}
              {lines(words, e, today).map((line) => <span key={line} class="history-line">{line}</span>)}
              {e.into && <Link href={`/cases/${e.into}`} class="history-line">{words.t('case.other', { no: shortId(e.into) })}</Link>}
            </span>
            <span class="time muted"><Time at={e.at} today={today} /></span>
          </li>
        ))}
      </ol>
      {error !== null && <p class="form-error" role="alert">{errorText(words, error)}</p>}
      {earlier && <button type="button" class="button button-wide" data-testid="history-earlier" disabled={busy} onClick={more}>{words.t('case.earlier')}</button>}
    </section>
  );
}
