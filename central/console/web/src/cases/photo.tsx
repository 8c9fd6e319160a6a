/** Adds a photo to a case. Central redacts it before it is kept. */
import { useState } from 'preact/hooks';
import { api } from '../api';
import { useWords } from '../i18n';
import { errorText } from '../problem';

export function PhotoUpload({ id, onAdded }: { id: string; onAdded: () => void }) {
  const words = useWords();
  const [busy, setBusy] = useState(false);
  const [added, setAdded] = useState(0);
  const [error, setError] = useState<unknown>(null);
  const send = async (input: HTMLInputElement) => {
    const file = input.files?.[0];
    if (!file) return;
    setBusy(true);
    setError(null);
    try {
      await api.addPicture(id, file);
      setAdded((n) => n + 1);
      onAdded();
    } catch (err) {
      setError(err);
    } finally {
      input.value = '';
      setBusy(false);
    }
  };
  return (
    <div class="upload">
      <label class="button button-file">
        <input class="sr-only" type="file" accept="image/jpeg" data-testid="photo-file" disabled={busy} onChange={(e) => void send(e.currentTarget)} />
        {words.t('photo.add')}
      </label>
      <p class="muted small" role="status" data-testid="photo-state">{busy ? words.t('case.working') : added > 0 ? words.t('photo.added', { n: added }) : words.t('photo.hint')}</p>
      {error !== null && <p class="form-error" role="alert" data-testid="photo-error">{errorText(words, error)}</p>}
    </div>
  );
}
