/** What an operator may do with a case now: acknowledge it, close it with a reason. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, ApiError } from '../api';
import { useWords } from '../i18n';
import { CLOSE_REASONS, type Case, type CloseReason } from '../types';
import { errorText } from '../ui/bits';
import { IconCheck } from '../ui/icons';
import { useMayOperate } from '../ui/session';

interface ActionsProps {
  case: Case;
  /** Gets the case after a step that central took. */
  onDone: (c: Case) => void;
  /** Central refused because the case moved on: show its newest state. */
  onStale: () => void;
}

export function CaseActions({ case: c, onDone, onStale }: ActionsProps) {
  const words = useWords();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [asking, setAsking] = useState(false);
  const mayOperate = useMayOperate();
  const run = async (step: () => Promise<Case>) => {
    setBusy(true);
    setError(null);
    try {
      onDone(await step());
      setAsking(false);
    } catch (err) {
      setError(err);
      setAsking(false);
      if (err instanceof ApiError && (err.status === 409 || err.status === 412)) onStale();
    } finally {
      setBusy(false);
    }
  };
  if (!mayOperate) return null;
  return (
    <div class="actions">
      {c.state === 'open' && (
        <button type="button" class="button button-primary" data-testid="case-acknowledge" disabled={busy} onClick={() => run(() => api.acknowledge(c))}>
          <IconCheck size={18} />{words.t(busy && !asking ? 'case.working' : 'case.acknowledge')}
        </button>
      )}
      {c.state !== 'closed' && (
        <button type="button" class="button" data-testid="case-close" disabled={busy} onClick={() => setAsking(true)}>
          {words.t('case.close')}
        </button>
      )}
      {error !== null && <p class="form-error" role="alert" data-testid="case-error">{errorText(words, error)}</p>}
      {asking && <CloseDialog busy={busy} onCancel={() => setAsking(false)} onClose={(reason) => run(() => api.close(c, reason))} />}
    </div>
  );
}

interface CloseDialogProps {
  busy: boolean;
  onCancel: () => void;
  onClose: (reason: CloseReason) => void;
}

function CloseDialog({ busy, onCancel, onClose }: CloseDialogProps) {
  const words = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  const [reason, setReason] = useState<CloseReason | null>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const submit = (e: SubmitEvent) => {
    e.preventDefault();
    if (reason) onClose(reason);
  };
  return (
    <dialog class="dialog" ref={dialog} onClose={onCancel} aria-labelledby="close-title">
      <form onSubmit={submit}>
        <h2 id="close-title">{words.t('case.closeTitle')}</h2>
        {CLOSE_REASONS.map((r) => (
          <label class={r === reason ? 'choice choice-on' : 'choice'} key={r}>
            <input type="radio" name="reason" value={r} data-testid={`reason-${r}`} checked={r === reason} onChange={() => setReason(r)} />
            <span><strong>{words.word('reason', r)}</strong><small>{words.word('reasonHint', r)}</small></span>
          </label>
        ))}
        <div class="dialog-foot">
          <button type="button" class="button" onClick={() => dialog.current?.close()}>{words.t('app.cancel')}</button>
          <button type="submit" class="button button-primary" data-testid="case-close-confirm" disabled={busy || reason === null}>
            {words.t(busy ? 'case.working' : 'case.closeConfirm')}
          </button>
        </div>
      </form>
    </dialog>
  );
}
