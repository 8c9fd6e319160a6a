/** What waits to be sent, what went, and what central did not take: each with its reason and what can be done. */
import { useState } from 'preact/hooks';
import { ApiError } from '../api';
import { Dialog } from '../cases/dialog';
import { titlesOf } from '../cases/titles';
import { useWords, type Key } from '../i18n';
import { pick } from '../i18n/pick';
import { errorText } from '../problem';
import { Empty } from '../ui/bits';
import { stuck, type Entry, type EntryState } from './outbox';
import type { WorkState } from './use';

const STATES: Readonly<Record<EntryState, Key>> = {
  waiting: 'worker.state.waiting', sending: 'worker.state.sending', sent: 'worker.state.sent', refused: 'worker.state.refused', moved: 'worker.state.moved',
};

export function QueueView({ state }: { state: WorkState }) {
  const words = useWords();
  const all = [...(state.box?.entries ?? [])].reverse();
  return (
    <section data-testid="work-queue-page">
      <h1>{words.t('worker.queue')}</h1>
      {all.length === 0 && <Empty title={words.t('worker.queueNone')} />}
      <ol class="plain work-items">{all.map((e) => <li key={e.id}><QueueItem entry={e} state={state} named /></li>)}</ol>
    </section>
  );
}

export function QueueItem({ entry: e, state, named = false }: { entry: Entry; state: WorkState; named?: boolean }) {
  const words = useWords();
  const what = pick(words, e.titles) || words.t('worker.photoTitle');
  return (
    <div class={`work-item work-item-${e.state}`} data-testid="work-item" data-state={e.state}>
      <span class="work-item-top">
        <strong>{named ? `${words.word('kind', e.kind)} ${e.place} · ${what}` : what}</strong>
        <span class={`chip work-chip-${e.state}`}><i class="chip-dot" aria-hidden="true" />{words.t(STATES[e.state])}</span>
      </span>
      {e.body?.note && <span class="work-item-note">{e.body.note}</span>}
      <Why entry={e} state={state} />
      {stuck(e) && <Choice entry={e} state={state} what={what} />}
    </div>
  );
}

function Why({ entry: e, state }: { entry: Entry; state: WorkState }) {
  const words = useWords();
  if (e.refusal) return <span class="form-error">{errorText(words, new ApiError(e.refusal.status, e.refusal.detail, e.refusal.faults))}</span>;
  if (e.state === 'moved' && e.now) {
    const step = e.now.step ? titlesOf(words, state.work.workflows).step(undefined, e.now.step) : words.word('caseState', e.now.state);
    return <span class="form-error" data-testid="work-moved">{words.t('worker.movedNow', { step })}{e.now.unit && ` · ${words.t('worker.movedUnit', { unit: e.now.unit })}`}</span>;
  }
  const blocked = e.state === 'waiting' && e.body && state.box?.entries.some((b) => b.caseId === e.caseId && b.seq < e.seq && stuck(b) && b.body);
  return blocked ? <span class="muted">{words.t('worker.afterFailed')}</span> : null;
}

function Choice({ entry: e, state, what }: { entry: Entry; state: WorkState; what: string }) {
  const words = useWords();
  const [asking, setAsking] = useState(false);
  return (
    <span class="work-choice">
      <button type="button" class="button" data-testid="work-again" onClick={() => void state.box?.retry(e.id)}>{words.t(e.state === 'moved' ? 'worker.anyway' : 'worker.again')}</button>
      <button type="button" class="button" data-testid="work-drop" onClick={() => setAsking(true)}>{words.t('worker.drop')}</button>
      {asking && (
        <Dialog title={words.t('worker.drop')} submit={words.t('worker.drop')} busy={false} ready error={null} onCancel={() => setAsking(false)}
          onSubmit={() => { setAsking(false); void state.box?.drop(e.id); }}>
          <p>{words.t('worker.dropSure', { what })}</p>
        </Dialog>
      )}
    </span>
  );
}
