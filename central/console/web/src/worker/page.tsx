/** The grid worker's page, for a telephone: my cases, what I can do with them, and what waits to be sent. */
import { useContext, useEffect, useState } from 'preact/hooks';
import { api } from '../api';
import { Dialog } from '../cases/dialog';
import { dueAt, urgency } from '../cases/deadlines';
import { titlesOf } from '../cases/titles';
import { moment } from '../format';
import { useWords } from '../i18n';
import type { PageProps } from '../routes';
import '../styles/worker.css';
import type { Session } from '../types';
import { Empty, Failure, Link, Loading, useTicking, useTitle } from '../ui/bits';
import { IconCases, IconLeft, IconOut, IconWarn, KindIcon } from '../ui/icons';
import { ExerciseTag, SeverityMark, ToneMark } from '../ui/marks';
import { SessionContext } from '../ui/session';
import { LangSwitch } from '../ui/shell';
import { keepData, keepPage } from './install';
import { keep, type WorkCase } from './keep';
import { pending, stuck } from './outbox';
import { QueueView } from './queue';
import { forgetWorker } from './remember';
import { useWork, type WorkState } from './use';
import { CaseView } from './case';

const MINUTE = 60_000;

export function WorkerPage({ place }: PageProps) {
  const words = useWords();
  const session = useContext(SessionContext);
  const state = useWork(session);
  useTitle(words.t('worker.title'));
  useEffect(() => {
    keepPage();
    keepData();
  }, []);
  const id = place.query.get('case');
  const c = state.work.cases.find((x) => x.id === id);
  const queue = place.query.has('queue');
  return (
    <div class="work" data-testid="work-page">
      <Head state={state} session={session} back={id !== null || queue} />
      <Notices state={state} />
      <main id="main" class="work-main" tabIndex={-1}>
        {queue ? <QueueView state={state} /> : id !== null ? <Found state={state} case={c} session={session} /> : <List state={state} session={session} />}
      </main>
    </div>
  );
}

/** A case that was opened and is mine no longer is told apart from one that is not there yet. */
function Found({ state, case: c, session }: { state: WorkState; case: WorkCase | undefined; session: Session }) {
  const words = useWords();
  if (c) return <CaseView key={c.id} case={c} state={state} session={session} />;
  if (!state.known) return state.error ? <Failure error={state.error} retry={state.refresh} /> : <Loading />;
  return <Empty title={words.t('worker.nothing')} heading><Link href="/work" class="button">{words.t('worker.back')}</Link></Empty>;
}

function Head({ state, session, back }: { state: WorkState; session: Session; back: boolean }) {
  const words = useWords();
  const [asking, setAsking] = useState(false);
  const unsent = state.box?.entries.filter((e) => e.state !== 'sent').length ?? 0;
  const leave = () => (unsent > 0 ? setAsking(true) : void signOut(session));
  return (
    <header class="work-head">
      {back
        ? <Link href="/work" class="button button-quiet" testid="work-back"><IconLeft size={20} />{words.t('worker.back')}</Link>
        : <h1>{words.t('worker.title')}</h1>}
      <span class={`line line-${state.live ? 'live' : 'lost'}`} data-testid="work-line" data-state={state.live ? 'live' : 'lost'} role="status">
        <i class="line-dot" aria-hidden="true" />{words.t(state.live ? 'worker.live' : 'worker.lost')}
      </span>
      <span class="spacer" />
      {!back && <LangSwitch />}
      {!back && (
        <button type="button" class="button button-quiet" data-testid="sign-out" aria-label={words.t('user.signOut')} title={words.t('user.signOut')} onClick={leave}><IconOut size={20} /></button>
      )}
      {asking && (
        <Dialog title={words.t('user.signOut')} submit={words.t('user.signOut')} busy={false} ready error={null} onCancel={() => setAsking(false)} onSubmit={() => void signOut(session)}>
          <p>{words.t('worker.signOutSure', { n: unsent })}</p>
        </Dialog>
      )}
    </header>
  );
}

/** Ends the session here and at central; what is not sent stays for this account. */
async function signOut(session: Session): Promise<void> {
  forgetWorker();
  await keep().then((k) => k.forget(session.user));
  await api.signOut().catch(() => undefined);
  location.assign('/');
}

function Notices({ state }: { state: WorkState }) {
  const words = useWords();
  const off = Math.round(Math.abs(state.ahead ?? 0) / MINUTE);
  const { box } = state;
  return (
    <div class="work-notices">
      {!state.live && state.known && <p class="notice" data-testid="work-stale">{words.t('worker.stale')}</p>}
      {box?.foreign && <p class="notice notice-bad" role="alert"><IconWarn size={18} />{words.t('worker.foreign')}</p>}
      {box && box.others > 0 && <p class="notice" data-testid="work-others">{words.t('worker.others', { n: box.others })}</p>}
      {!state.lasting && <p class="notice notice-bad">{words.t('worker.notLasting')}</p>}
      {off > 0 && <p class="notice" data-testid="work-clock">{words.t('worker.clock', { n: off })}</p>}
      <QueueLink state={state} />
    </div>
  );
}

function QueueLink({ state }: { state: WorkState }) {
  const words = useWords();
  const all = state.box?.entries ?? [];
  const [toSend, held] = [all.filter(pending).length, all.filter(stuck).length];
  if (all.length === 0) return null;
  const text = [toSend > 0 && words.t('worker.toSend', { n: toSend }), held > 0 && words.t('worker.held', { n: held })].filter(Boolean).join(' · ');
  return (
    <Link href="/work?queue=1" class={held > 0 ? 'work-queue work-queue-bad' : 'work-queue'} testid="work-queue">
      {held > 0 && <IconWarn size={18} />}<span>{text || words.t('worker.queue')}</span>
    </Link>
  );
}

function List({ state, session }: { state: WorkState; session: Session }) {
  const words = useWords();
  if (!state.known) return state.error ? <Failure error={state.error} retry={state.refresh} /> : <Loading />;
  return (
    <>
      {state.work.cases.length === 0 && <Empty title={words.t('worker.none')} hint={words.t('worker.noneHint')} />}
      <ol class="plain work-list">
        {state.work.cases.map((c) => <li key={c.id}><Card case={c} state={state} session={session} /></li>)}
      </ol>
      <div class="work-foot">
        <button type="button" class="button" data-testid="work-refresh" onClick={state.refresh}>{words.t('worker.refresh')}</button>
        <Link href="/" class="button button-quiet"><IconCases size={18} />{words.t('worker.console')}</Link>
      </div>
    </>
  );
}

function Card({ case: c, state, session }: { case: WorkCase; state: WorkState; session: Session }) {
  const words = useWords();
  const titles = titlesOf(words, state.work.workflows);
  const waiting = state.box?.entries.filter((e) => e.caseId === c.id && e.state !== 'sent').length ?? 0;
  return (
    <Link href={`/work?case=${c.id}`} class="work-card" testid="work-card">
      <span class="work-card-top"><KindIcon kind={c.kind} size={22} /><strong>{words.word('kind', c.kind)}</strong><SeverityMark severity={c.severity} />{c.exercise && <ExerciseTag />}</span>
      <span class="work-card-place">{c.zone || c.grid}</span>
      <span class="work-card-foot">
        <span class="chip chip-case-acknowledged">{c.step ? titles.step(c.workflow, c.step) : words.word('caseState', c.state)}</span>
        <span class="muted">{words.t(c.assignee === session.user ? 'worker.mine' : 'worker.unit')}</span>
        <Due case={c} ahead={state.ahead} />
        {waiting > 0 && <span class="tag">{words.t('worker.waitingHere', { n: waiting })}</span>}
      </span>
    </Link>
  );
}

/** When it is due by central's clock; how near is said only where that is known. */
export function Due({ case: c, ahead }: { case: WorkCase; ahead: number | undefined }) {
  const words = useWords();
  const tone = useTicking(() => (ahead === undefined ? '' : urgency(c, new Date(Date.now() + ahead)) ?? ''), 1000);
  const at = dueAt(c);
  if (at === '') return null;
  const near = tone === 'red' ? words.t('worker.overdue') : tone === 'yellow' ? words.t('worker.soon') : '';
  const text = words.t('worker.due', { time: moment(words.lang, new Date(at), new Date(Date.now() + (ahead ?? 0))).replace(/:\d\d$/, '') });
  return <span class={`work-due tone-text tone-${tone || 'calm'}`}>{tone === 'red' || tone === 'yellow' ? <ToneMark tone={tone} /> : null}{near ? `${near} · ${text}` : text}</span>;
}
