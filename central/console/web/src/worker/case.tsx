/** One case on a telephone: where, what was said, and the steps that are offered now or will be once what waits was sent. */
import { useEffect, useState } from 'preact/hooks';
import { api } from '../api';
import { mint } from '../cases/mint';
import { MAX_NOTE } from '../cases/steps';
import { nextOf as leading, titlesOf } from '../cases/titles';
import { useWords } from '../i18n';
import { pick } from '../i18n/pick';
import type { Offer, Session, StepBody } from '../types';
import { Fact, GridCode } from '../ui/bits';
import { IconCamera, IconCheck, KindIcon } from '../ui/icons';
import { ExerciseTag, SeverityMark } from '../ui/marks';
import { photos, shots, usePictureName, type Shot } from '../ui/picture';
import { after, formed, isResult, possible, saying, type FullWorkflow, type Me } from './forecast';
import type { WorkCase } from './keep';
import { pending, standingOf, type Entry } from './outbox';
import { Due } from './page';
import { shrink } from './photo';
import type { Outbox } from './sender';
import { QueueItem } from './queue';
import type { WorkState } from './use';

interface Props {
  case: WorkCase;
  state: WorkState;
  session: Session;
}

/** Where the case stands once what waits was sent, and what is possible there. */
function ahead(c: WorkCase, { entries, latest }: Outbox, w: FullWorkflow | undefined, me: Me): { seen: Entry['seen']; offers: readonly Offer[] } {
  const steps = entries.filter((e) => e.caseId === c.id && pending(e) && e.body);
  const led = latest.get(c.id);
  const now = led && led.position > c.position ? led : standingOf(c);
  const asListed = steps.length === 0 && now.position === c.position;
  if (asListed || !w) return { seen: now, offers: asListed ? c.actions : [] };
  const seen = steps.reduce((at, e) => ({ ...after(w, at, e.body?.action ?? '', me), position: now.position }), now);
  return { seen, offers: possible(w, seen, me) };
}

export function CaseView({ case: c, state, session }: Props) {
  const words = useWords();
  const entries = state.box?.entries.filter((e) => e.caseId === c.id) ?? [];
  return (
    <article class="work-case" data-testid="work-case" data-step={c.step}>
      <header class="work-case-head">
        <span class="work-card-top"><KindIcon kind={c.kind} size={26} /><h1>{words.word('kind', c.kind)}</h1>{c.exercise && <ExerciseTag />}</span>
        <span class="work-card-top"><SeverityMark severity={c.severity} /><span>{c.step && titlesOf(words, state.work.workflows).step(c.workflow, c.step)}</span></span>
        <Due case={c} ahead={state.ahead} />
      </header>
      <dl class="facts">
        {c.zone && <Fact name={words.t('worker.place')}>{c.zone}</Fact>}
        <Fact name={words.t('alert.grid')}><GridCode code={c.grid} /></Fact>
        {c.place && <Fact name={words.t('case.place')}>{c.place.lon.toFixed(5)}, {c.place.lat.toFixed(5)}</Fact>}
      </dl>
      {c.notes.length > 0 && (
        <section class="work-notes">
          <h2>{words.t('worker.notes')}</h2>
          <ul class="plain">{c.notes.map((n, i) => <li key={i}>{n}</li>)}</ul>
        </section>
      )}
      <Steps case={c} state={state} session={session} />
      {entries.length > 0 && <ol class="plain work-items">{entries.map((e) => <li key={e.id}><QueueItem entry={e} state={state} /></li>)}</ol>}
      <Pictures case={c} live={state.live} />
    </article>
  );
}

function Steps({ case: c, state, session }: Props) {
  const words = useWords();
  const { box, work } = state;
  const [full, setFull] = useState(false);
  if (!box) return null;
  const w = work.workflows.find((x) => x.id === (c.workflow ?? 'base'));
  const { seen, offers } = ahead(c, box, w, { user: session.user, role: session.role, unit: session.unit ?? '' });
  const mine = offers.filter(formed);
  const first = leading(mine, w, seen.step, seen.state);
  const say = saying(mine);
  const add = async (e: Pick<Entry, 'titles' | 'bytes' | 'body' | 'photo'>) => {
    const kept = await box.add({ ...e, id: mint(), caseId: c.id, kind: c.kind, place: c.zone || c.grid, seen });
    setFull(!kept);
    if (kept) void box.flush();
    return kept;
  };
  const take = (o: Offer, note = '') => {
    const body: StepBody = { action: o.action, ...(note ? { note } : {}) };
    return add({ titles: o.titles, body, bytes: JSON.stringify(body).length });
  };
  return (
    <section class="work-steps" aria-label={words.t('worker.actions')}>
      {full && <p class="form-error" role="alert" data-testid="work-full">{words.t('worker.full')}</p>}
      {mine.length === 0 && <p class="muted">{words.t('worker.nothing')}</p>}
      {first && !isResult(w, first) && !first.needs.includes('note') && (
        <button type="button" class="button button-primary button-wide" data-testid={`action-${first.action}`} onClick={() => void take(first)}><IconCheck size={20} />{pick(words, first.titles)}</button>
      )}
      {say && <button type="button" class="button button-wide" data-testid="work-onsite" onClick={() => void take(say, words.t('worker.onSiteNote'))}>{words.t('worker.onSite')}</button>}
      {seen.state !== 'closed' && <Photo onTaken={(photo) => add({ titles: photoTitles, photo, bytes: photo.size })} />}
      {first && (isResult(w, first) || first.needs.includes('note')) && <Worded key={first.action} offer={first} result={isResult(w, first)} onTake={take} />}
      <Others offers={mine.filter((o) => o !== first)} onTake={take} />
    </section>
  );
}

/** A photo is no action: the list has its own word for it. */
const photoTitles = { zh: '', en: '' };

/** An action that is taken with words. */
function Worded({ offer, result, onTake }: { offer: Offer; result: boolean; onTake: (o: Offer, note: string) => Promise<boolean> }) {
  const words = useWords();
  const [note, setNote] = useState('');
  const demanded = result || offer.needs.includes('note');
  const send = async (e: SubmitEvent) => {
    e.preventDefault();
    if ((!demanded || note.trim() !== '') && (await onTake(offer, note.trim()))) setNote('');
  };
  return (
    <form class="work-form" onSubmit={(e) => void send(e)}>
      <label class="field">
        <span>{words.t(result ? 'worker.result' : demanded ? 'worker.words' : 'worker.wordsOptional')}</span>
        <textarea class="input" rows={3} maxLength={MAX_NOTE} data-testid={`note-${offer.action}`} value={note} onInput={(e) => setNote(e.currentTarget.value)} />
        <small class="muted">{words.t('worker.resultHint')}</small>
      </label>
      <button type="submit" class={result ? 'button button-primary button-wide' : 'button button-wide'} data-testid={`action-${offer.action}`} disabled={demanded && note.trim() === ''}>{pick(words, offer.titles)}</button>
    </form>
  );
}

function Others({ offers, onTake }: { offers: readonly Offer[]; onTake: (o: Offer, note: string) => Promise<boolean> }) {
  const words = useWords();
  if (offers.length === 0) return null;
  return (
    <details class="work-others">
      <summary data-testid="work-others-open">{words.t('worker.other')}</summary>
      {offers.map((o) => <Worded key={o.action} offer={o} result={false} onTake={onTake} />)}
    </details>
  );
}

function Photo({ onTaken }: { onTaken: (photo: Blob) => Promise<boolean> }) {
  const words = useWords();
  const [state, setState] = useState<'ready' | 'busy' | 'bad'>('ready');
  const take = async (input: HTMLInputElement) => {
    const file = input.files?.[0];
    if (!file) return;
    setState('busy');
    try {
      await onTaken(await shrink(file));
      setState('ready');
    } catch {
      setState('bad');
    }
    input.value = '';
  };
  return (
    <div class="work-photo">
      <label class="button button-file button-wide">
        <input class="sr-only" type="file" accept="image/*" capture="environment" data-testid="work-photo" disabled={state === 'busy'} onChange={(e) => void take(e.currentTarget)} />
        <IconCamera size={20} />{words.t('worker.photo')}
      </label>
      {state === 'bad' ? <p class="form-error" role="alert">{words.t('worker.photoBad')}</p> : <p class="muted small">{words.t('worker.photoHint')}</p>}
    </div>
  );
}

const SHOWN = 4;

/** The redacted pictures of the case, as long as there is a network; they are not kept here. */
function Pictures({ case: c, live }: { case: WorkCase; live: boolean }) {
  const words = useWords();
  const name = usePictureName();
  const [all, setAll] = useState<readonly Shot[]>([]);
  useEffect(() => {
    if (!live) return;
    const abort = new AbortController();
    Promise.all([api.pictures(c.id, abort.signal), api.alerts({ case: c.id, limit: 5 }, abort.signal)])
      .then(([own, alerts]) => setAll([...photos(c, own), ...shots(alerts.items)].slice(0, SHOWN)), () => undefined); // the line of the head tells of a failure
    return () => abort.abort();
  }, [c.id, c.position, live]);
  if (all.length === 0) return null;
  return (
    <section>
      <h2>{words.t('worker.pictures')} <span class="muted small">{words.t('picture.redacted')}</span></h2>
      <ul class="plain work-pictures">
        {all.map((s) => <li key={s.evidence.id}><a href={s.evidence.url}><img src={s.evidence.url} alt={name(s)} width={320} height={180} loading="lazy" /></a></li>)}
      </ul>
    </section>
  );
}
