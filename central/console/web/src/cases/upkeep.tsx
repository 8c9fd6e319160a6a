/** What keeps cases in order beside their workflow: making one part of another, and keeping one from retention. */
import { useState } from 'preact/hooks';
import { api } from '../api';
import { useWords } from '../i18n';
import { errorText } from '../problem';
import { HOLD_REASONS, RELEASE_REASONS, type Case } from '../types';
import { useStep } from './actions';
import { Dialog, Reasons } from './dialog';

interface UpkeepProps {
  case: Case;
  onDone: (c: Case) => void;
  onStale: () => void;
}

const ID = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/i;

export function MergeAction({ case: c, onDone, onStale }: UpkeepProps) {
  const words = useWords();
  const { busy, error, run, forget } = useStep({ onDone, onStale });
  const [into, setInto] = useState<string | null>(null);
  if (c.parent) {
    return (
      <>
        <button type="button" class="button button-quiet" data-testid="case-unmerge" disabled={busy} onClick={() => void run(() => api.unmerge(c))}>{words.t('merge.undo')}</button>
        {error !== null && <p class="form-error" role="alert">{errorText(words, error)}</p>}
      </>
    );
  }
  const id = ID.exec(into ?? '')?.[0];
  return (
    <>
      <button type="button" class="button button-quiet" data-testid="case-merge" onClick={() => { forget(); setInto(''); }}>{words.t('merge.do')}</button>
      {into !== null && (
        <Dialog title={words.t('merge.title')} submit={words.t('merge.do')} busy={busy} ready={id !== undefined} error={error} onCancel={() => setInto(null)}
          onSubmit={() => void run(() => api.merge(c, id as string)).then((ok) => ok && setInto(null))}>
          <label class="field">
            <span>{words.t('merge.into')}</span>
            <input class="input" data-testid="merge-into" value={into} onInput={(e) => setInto(e.currentTarget.value)} />
            <small class="muted">{words.t('merge.hint')}</small>
          </label>
        </Dialog>
      )}
    </>
  );
}

export function HoldAction({ case: c, onDone, onStale }: UpkeepProps) {
  const words = useWords();
  const { busy, error, run, forget } = useStep({ onDone, onStale });
  const [reason, setReason] = useState<string | null>(null);
  const held = Boolean(c.hold);
  const step = (why: string) => run(() => (held ? api.release(c, why) : api.hold(c, why)));
  return (
    <>
      <button type="button" class="button button-quiet" data-testid={held ? 'case-release' : 'case-hold'} onClick={() => { forget(); setReason(''); }}>
        {words.t(held ? 'hold.release' : 'hold.do')}
      </button>
      {reason !== null && (
        <Dialog title={words.t(held ? 'hold.release' : 'hold.title')} submit={words.t(held ? 'hold.release' : 'hold.do')} busy={busy} ready={reason !== ''} error={error}
          onCancel={() => setReason(null)} onSubmit={() => void step(reason).then((ok) => ok && setReason(null))}>
          <Reasons reasons={held ? RELEASE_REASONS : HOLD_REASONS} value={reason} onChange={setReason} />
        </Dialog>
      )}
    </>
  );
}
