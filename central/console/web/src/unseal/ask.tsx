/** Why a sealed clip is to be seen: one reason of a closed list, and words. */
import { useState } from 'preact/hooks';
import { Dialog } from '../cases/dialog';
import { useWords } from '../i18n';
import { ask, MAX_TEXT, MIN_TEXT, REASONS } from './api';
import { unsealError } from './refusal';

interface AskProps {
  alert: string;
  clip: string;
  onCancel: () => void;
  onAsked: () => void;
}

export function AskDialog({ alert, clip, onCancel, onAsked }: AskProps) {
  const words = useWords();
  const [reason, setReason] = useState('');
  const [text, setText] = useState('');
  const { busy, error, run } = useAct(onAsked);
  const written = [...text.trim()].length;
  const ready = reason !== '' && written >= MIN_TEXT && written <= MAX_TEXT;
  return (
    <Dialog title={words.t('unseal.askTitle')} submit={words.t('unseal.ask')} busy={busy} ready={ready} error={null} onCancel={onCancel} onSubmit={() => run(() => ask(alert, clip, reason, text.trim()))}>
      <p class="muted">{words.t('unseal.how')}</p>
      <fieldset class="field">
        <legend>{words.t('unseal.reason')}</legend>
        {REASONS.map((r) => (
          <label class={r === reason ? 'choice choice-on' : 'choice'} key={r}>
            <input type="radio" name="unseal-reason" data-testid={`unseal-${r}`} checked={r === reason} onChange={() => setReason(r)} />
            <span><strong>{words.word('unsealReason', r)}</strong><small>{words.word('unsealHint', r)}</small></span>
          </label>
        ))}
      </fieldset>
      <label class="field">
        <span>{words.t('unseal.text', { min: MIN_TEXT, max: MAX_TEXT })}</span>
        <textarea class="input" rows={3} maxLength={MAX_TEXT} data-testid="unseal-text" value={text} onInput={(e) => setText(e.currentTarget.value)} />
      </label>
      <Refusal error={error} />
    </Dialog>
  );
}

/** What central said against it. */
export function Refusal({ error }: { error: unknown }) {
  const words = useWords();
  return error === null ? null : <p class="form-error" role="alert" data-testid="unseal-error">{unsealError(words, error)}</p>;
}

/** One thing at a time that is asked of central. */
export function useAct(done: () => void): { busy: boolean; error: unknown; run: (f: () => Promise<unknown>) => void } {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const run = (f: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    f().then(done, setError).finally(() => setBusy(false));
  };
  return { busy, error, run };
}
