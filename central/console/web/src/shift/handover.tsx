/** One handover: its picture, the notes, what its state allows, and the two signatures. */
import { useContext, useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api';
import { Dialog } from '../cases/dialog';
import { day, moment } from '../format';
import { useWords, type Words } from '../i18n';
import { errorText } from '../problem';
import { Failure, Link, Loading, Time, useTitle, useToday } from '../ui/bits';
import { IconLeft } from '../ui/icons';
import { SessionContext } from '../ui/session';
import { shiftApi, type Handover, type Step } from './api';
import { areaText, StateChip, useDesk } from './parts';
import { PictureView } from './picture';

/** A handover and what is done with it; after a 412 it is read again and said so. */
function useHandover(id: string) {
  const [h, setH] = useState<Handover | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [changed, setChanged] = useState(false);
  const load = () => {
    setError(null);
    shiftApi.one(id).then(setH, setError);
  };
  useEffect(load, [id]);
  const act = async (f: (h: Handover) => Promise<Handover>): Promise<boolean> => {
    if (!h) return false;
    setBusy(true);
    setError(null);
    setChanged(false);
    try {
      setH(await f(h));
      return true;
    } catch (err) {
      if (!(err instanceof ApiError) || err.status !== 412) setError(err);
      else {
        setChanged(true);
        shiftApi.one(id).then(setH, setError);
      }
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { h, error, busy, changed, load, act };
}

export function HandoverPage({ id }: { id: string }) {
  const words = useWords();
  useTitle(words.t('shift.of'));
  const { h, error, busy, changed, load, act } = useHandover(id);
  const session = useContext(SessionContext);
  const desk = useDesk();
  const [notes, setNotes] = useState<string | null>(null);
  const [asking, setAsking] = useState<Step | null>(null);
  if (!h) return error === null ? <Loading /> : <Failure error={error} retry={load} />;
  const mine = desk && h.outgoing === session.user;
  const edits = mine && h.state === 'draft';
  const dirty = edits && notes !== null && notes.trim() !== h.notes;
  const keep = (again: boolean) => act((now) => shiftApi.change(now, notes ?? now.notes, again)).then((done) => done && setNotes(null));
  const take = async (step: Step) => {
    const done = await act(async (now) => shiftApi.step(step === 'sign' && dirty ? await shiftApi.change(now, notes ?? '', false) : now, step));
    setAsking((was) => (done ? null : was));
  };
  return (
    <article class="page shift-page" aria-labelledby="handover-title" data-testid="handover" data-state={h.state}>
      <Link href="/shift" class="back no-print"><IconLeft size={18} />{words.t('shift.back')}</Link>
      <Header h={h} />
      {changed && <p class="banner banner-lost" role="alert" data-testid="shift-changed">{words.t('shift.changed')}</p>}
      <div class="actions no-print">
        {edits && <button type="button" class="button button-primary" data-testid="shift-sign" disabled={busy} onClick={() => setAsking('sign')}>{words.t('shift.sign')}</button>}
        {desk && !mine && h.state === 'signed' && <button type="button" class="button button-primary" data-testid="shift-accept" disabled={busy} onClick={() => setAsking('accept')}>{words.t('shift.accept')}</button>}
        {edits && <button type="button" class="button" data-testid="shift-again" disabled={busy} onClick={() => void keep(true)}>{words.t('shift.again')}</button>}
        <button type="button" class="button" data-testid="shift-print" onClick={() => print()}>{words.t('shift.print')}</button>
        {(mine || (desk && session.role === 'supervisor')) && (h.state === 'draft' || h.state === 'signed')
          && <button type="button" class="button button-quiet" data-testid="shift-withdraw" disabled={busy} onClick={() => setAsking('withdraw')}>{words.t('shift.withdraw')}</button>}
      </div>
      {asking === null && error !== null && <p class="form-error" role="alert" data-testid="shift-error">{errorText(words, error)}</p>}
      {edits ? <NotesForm value={notes ?? h.notes} dirty={dirty} busy={busy} onChange={setNotes} onSave={() => void keep(false)} /> : <Notes text={h.notes} />}
      <PictureView picture={h.picture} />
      <Signatures h={h} />
      {asking && (
        <Dialog title={words.word('shift.ask', asking)} submit={words.t(`shift.${asking}`)} busy={busy} ready error={error} onCancel={() => setAsking(null)} onSubmit={() => void take(asking)}>
          <p>{words.word('shift.askText', asking)}</p>
        </Dialog>
      )}
    </article>
  );
}

function Header({ h }: { h: Handover }) {
  const words = useWords();
  const today = useToday();
  return (
    <header class="card block shift-head">
      <h1 id="handover-title">{words.t('shift.title')} <StateChip state={h.state} /></h1>
      <dl class="facts facts-row">
        <div class="fact"><dt>{words.t('shift.outgoing')}</dt><dd class="name">{h.outgoing}</dd></div>
        <div class="fact"><dt>{words.t('shift.incoming')}</dt><dd class="name">{h.incoming ?? '—'}</dd></div>
        <div class="fact"><dt>{words.t('shift.period')}</dt><dd>{words.t('shift.periodText', { from: full(words, h.from), until: full(words, h.until) })}</dd></div>
        <div class="fact"><dt>{words.t('shift.taken')}</dt><dd><Time at={h.picture.at} today={today} /></dd></div>
        <div class="fact"><dt>{words.t('shift.grids')}</dt><dd>{areaText(words, h.grids)}</dd></div>
      </dl>
    </header>
  );
}

/** The day and the hour, since a printed page does not know today. */
function full(words: Words, at: string): string {
  const t = new Date(at);
  return `${day(words.lang, t, new Date(0))} ${moment(words.lang, t, t).slice(0, 5)}`;
}

interface NotesProps {
  value: string;
  dirty: boolean;
  busy: boolean;
  onChange: (text: string) => void;
  onSave: () => void;
}

function NotesForm({ value, dirty, busy, onChange, onSave }: NotesProps) {
  const words = useWords();
  return (
    <div class="card block shift-notes">
      <h2><label for="shift-notes">{words.t('shift.notes')}</label></h2>
      <p class="shift-text print-only" aria-hidden="true">{value}</p>
      <textarea id="shift-notes" class="input no-print" data-testid="shift-notes" rows={4} maxLength={2000} value={value} aria-describedby="shift-notes-hint" onInput={(e) => onChange(e.currentTarget.value)} />
      <p id="shift-notes-hint" class="muted small no-print">{words.t('shift.notesHint')}</p>
      <div class="actions no-print">
        <button type="button" class="button" data-testid="shift-save" disabled={busy || !dirty} onClick={onSave}>{words.t('shift.save')}</button>
        <span class="muted small" role="status">{words.t(dirty ? 'shift.unsaved' : 'shift.saved')}</span>
      </div>
    </div>
  );
}

function Notes({ text }: { text: string }) {
  const words = useWords();
  return (
    <div class="card block">
      <h2>{words.t('shift.notes')}</h2>
      <p class={text ? 'shift-text' : 'muted'} data-testid="shift-text">{text || words.t('shift.noNotes')}</p>
    </div>
  );
}

function Signatures({ h }: { h: Handover }) {
  const words = useWords();
  const line = (who: string | undefined, at: string | undefined) => (who && at ? words.t('shift.signedAt', { who, at: full(words, at) }) : words.t('shift.unsigned'));
  return (
    <div class="card block shift-signatures" data-testid="shift-signatures">
      <h2>{words.t('shift.signatures')}</h2>
      <dl class="facts">
        <div class="fact"><dt>{words.t('shift.outgoing')}</dt><dd>{line(h.outgoing, h.signedAt)}</dd></div>
        <div class="fact"><dt>{words.t('shift.incoming')}</dt><dd>{line(h.incoming, h.acceptedAt)}</dd></div>
      </dl>
      {h.withdrawnBy && <p class="bad">{words.t('shift.withdrawnBy', { who: h.withdrawnBy, at: full(words, h.withdrawnAt ?? '') })}</p>}
    </div>
  );
}
