/** The selected alert: its picture, its facts, and its case with the next possible step. */
import { useState } from 'preact/hooks';
import { FoundActions } from '../cases/actions';
import { useTitles } from '../cases/catalog';
import { urgency } from '../cases/deadlines';
import { reading } from '../format';
import { useWords } from '../i18n';
import type { Alert } from '../types';
import { TracePanel } from '../trace/panel';
import { Fact, GridCode, Link, Time, useToday } from '../ui/bits';
import { IconClose, KindIcon } from '../ui/icons';
import { CaseStateChip, ExerciseTag, SeverityMark, ToneMark } from '../ui/marks';
import { onset, shots, Thumb, Viewer } from '../ui/picture';
import { Clips } from '../unseal/clips';
import { sourceWords } from './sources';
import type { FeedStore } from './store';

interface DetailProps {
  alert: Alert;
  store: FeedStore;
  onClose: () => void;
}

export function Detail({ alert: a, store, onClose }: DetailProps) {
  const words = useWords();
  return (
    <div class="detail" data-testid="alert-detail">
      <header class="detail-head">
        <span class={`detail-icon severity-${a.severity}`}><KindIcon kind={a.kind} size={22} /></span>
        <h2>{words.word('kind', a.kind)}</h2>
        {a.exercise && <ExerciseTag />}
        <span class="spacer" />
        <button type="button" class="button button-icon" aria-label={words.t('feed.closeDetail')} onClick={onClose}><IconClose /></button>
      </header>
      <DetailPicture alert={a} awaited={store.awaitsPicture(a.id)} />
      <Clips alerts={[a]} />
      <CaseBox alert={a} store={store} />
      <AlertFacts alert={a} />
      <TracePanel alert={a.id} />
    </div>
  );
}

function DetailPicture({ alert, awaited }: { alert: Alert; awaited: boolean }) {
  const words = useWords();
  const [open, setOpen] = useState(-1);
  const all = shots([alert]);
  const thumb = <Thumb alert={alert} awaited={awaited} large />;
  if (all.length === 0) return alert.family === 'sensors' ? null : <div class="detail-picture">{thumb}</div>;
  return (
    <div class="detail-picture">
      <button type="button" class="shot" aria-label={words.t('picture.open')} onClick={() => setOpen(onset(all))}>{thumb}</button>
      {open >= 0 && <Viewer shots={all} index={open} onIndex={setOpen} onClose={() => setOpen(-1)} />}
    </div>
  );
}

function CaseBox({ alert, store }: { alert: Alert; store: FeedStore }) {
  const words = useWords();
  const c = store.cases.get(alert.caseId);
  const state = store.caseState(alert);
  const titles = useTitles();
  const tone = c ? urgency(c, new Date()) : null;
  if (!alert.caseId) return null;
  return (
    <div class="detail-case">
      <p class="detail-line">
        {state && <CaseStateChip state={state} />}
        {c?.step && <span>{titles.step(c.workflow, c.step)}</span>}
        {tone && tone !== 'calm' && <ToneMark tone={tone} label={words.t(`deadline.tone.${tone}`)} />}
        {c && <span>{words.word('level', c.level)}</span>}
        {c && <span class="muted">{words.t('case.alerts')} {words.t('case.nAlerts', { n: c.alerts })}</span>}
      </p>
      <div class="detail-actions">
        {c && <FoundActions case={c} onDone={(changed) => store.know(changed)} onStale={() => store.retry()} />}
        <Link href={`/cases/${alert.caseId}`} class="button" testid="open-case">{words.t('feed.toCase')}</Link>
      </div>
    </div>
  );
}

function AlertFacts({ alert: a }: { alert: Alert }) {
  const words = useWords();
  const today = useToday();
  return (
    <dl class="facts">
      <Fact name={words.t('alert.severity')}><SeverityMark severity={a.severity} /></Fact>
      <Fact name={words.t('alert.state')}>{words.word('alertState', a.state)}</Fact>
      {a.reading && <Fact name={words.t('alert.reading')}>{reading(words, a.reading)}</Fact>}
      {a.object && <Fact name={words.t('alert.object')}>{words.word('object', a.object)}</Fact>}
      {a.countBucket && <Fact name={words.t('alert.count')}>{a.countBucket}</Fact>}
      {a.score !== undefined && <Fact name={words.t('alert.score')}>{a.score.toFixed(2)}</Fact>}
      <Fact name={words.t('alert.grid')}><GridCode code={a.grid} /></Fact>
      {a.zone && <Fact name={words.t('alert.zone')}>{a.zone}</Fact>}
      <Fact name={words.word('family', a.family)}><span class="name">{a.device}</span></Fact>
      <Fact name={words.t('alert.edge')}><span class="name">{a.edge}</span></Fact>
      <Fact name={words.t('alert.occurredAt')}>
        <Time at={a.occurredAt} today={today} />{a.uncertaintyMs > 0 && <span class="muted"> {words.t('alert.uncertainty', { ms: a.uncertaintyMs })}</span>}
      </Fact>
      <Fact name={words.t('alert.receivedAt')}><Time at={a.receivedAt} today={today} /></Fact>
      <Fact name={words.t('alert.clock')}>{words.word('clock', a.clock)}</Fact>
      <Fact name={words.t('alert.origin')}>{sourceWords(words, a.origin)}</Fact>
      {a.exercise && <Fact name={words.t('alert.exercise')}>{words.t('alert.exerciseNote')}</Fact>}
    </dl>
  );
}
