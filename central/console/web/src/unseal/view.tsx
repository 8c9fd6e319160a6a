/** An opened clip, in memory and for as long as it may be seen; or the sealed bytes, where the key is kept off line. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { useWords } from '../i18n';
import { shortId } from '../format';
import { useTicking } from '../ui/bits';
import { IconClose } from '../ui/icons';
import { clipOf, type Unsealing } from './api';
import { Refusal } from './ask';

export function View({ request: r }: { request: Unsealing }) {
  const words = useWords();
  const { url, busy, error, open, close } = useClip(r);
  if (r.offline) {
    return (
      <>
        <button type="button" class="button button-primary" data-testid="unseal-download" disabled={busy} onClick={open}>{words.t(busy ? 'unseal.opening' : 'unseal.download')}</button>
        {url && <Save url={url} name={`clip-${shortId(r.id)}.age`} onSaved={close} />}
        <p class="unseal-wide small">{words.t('unseal.offline')} <code>age --decrypt -i KEY -o clip.mp4 clip-{shortId(r.id)}.age</code></p>
        <Refusal error={error} />
      </>
    );
  }
  return (
    <>
      <button type="button" class="button button-primary" data-testid="unseal-view" disabled={busy || url !== ''} onClick={open}>{words.t(busy ? 'unseal.opening' : 'unseal.view')}</button>
      {url && <Player url={url} onClose={close} />}
      <Refusal error={error} />
    </>
  );
}

/** The clip as a thing of this page: gone when it is closed, left, or its time is over. */
function useClip(r: Unsealing) {
  const [url, setUrl] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const asking = useRef<AbortController | null>(null);
  useEffect(() => () => asking.current?.abort(), []);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  const over = useTicking(() => (Date.now() >= Date.parse(r.viewUntil ?? '') ? 'yes' : 'no'), 1000) === 'yes';
  useEffect(() => {
    if (over) setUrl('');
  }, [over]);
  const open = () => {
    const abort = new AbortController();
    asking.current = abort;
    setBusy(true);
    setError(null);
    clipOf(r.id, abort.signal)
      .then((clip) => abort.signal.aborted || setUrl(URL.createObjectURL(clip)), (err: unknown) => abort.signal.aborted || setError(err))
      .finally(() => setBusy(false));
  };
  return { url: over ? '' : url, busy, error, open, close: () => setUrl('') };
}

function Player({ url, onClose }: { url: string; onClose: () => void }) {
  const words = useWords();
  const [broken, setBroken] = useState(false);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog class="viewer" ref={dialog} onClose={onClose} aria-label={words.t('unseal.clip')} data-testid="unseal-player">
      {broken
        ? <p class="form-error" role="alert">{words.t('unseal.broken')}</p>
        : <video class="viewer-image" src={url} controls muted disablePictureInPicture controlsList="nodownload" aria-label={words.t('unseal.clip')} onError={() => setBroken(true)} />}
      <div class="viewer-bar">
        <span class="muted">{words.t('unseal.kept')}</span>
        <span class="spacer" />
        <button type="button" class="button button-icon" aria-label={words.t('app.close')} onClick={() => dialog.current?.close()}><IconClose /></button>
      </div>
    </dialog>
  );
}

/** Hands the sealed bytes to the browser once. */
function Save({ url, name, onSaved }: { url: string; name: string; onSaved: () => void }) {
  const link = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    link.current?.click();
    const timer = setTimeout(onSaved, 1000);
    return () => clearTimeout(timer);
  }, [url]);
  return <a ref={link} href={url} download={name} hidden>{name}</a>;
}
