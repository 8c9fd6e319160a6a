/** Looks at a camera as it is now: asks why and for how long, shows the newest redacted picture, how long it goes on and what it costs. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { clock, span } from '../format';
import { bytes } from '../devices/parts';
import { ReasonField } from '../devices/modepanel';
import { saysWhy } from '../devices/modes';
import { useWords, type Key } from '../i18n';
import { errorText } from '../problem';
import { useTicking } from '../ui/bits';
import { LOOK_SPANS, type LookState } from './looking';
import { useLook } from './uselook';

/** Why a look ended, where there is something to say. */
export const CAUSES: Readonly<Record<string, Key>> = {
  stopped: 'cameras.look.stopped', over: 'cameras.look.over', unwatched: 'cameras.look.unwatched', counted: 'cameras.look.counted', forbidden: 'cameras.look.forbidden',
  hidden: 'cameras.look.hidden',
};

export function LookDialog({ edge, camera, onClose }: { edge: string; camera: string; onClose: () => void }) {
  const words = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  const { state, url, start, stop } = useLook(edge);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const going = state !== null && (state.phase === 'asking' || state.phase === 'waiting' || state.phase === 'live');
  return (
    <dialog class="viewer look" ref={dialog} onClose={onClose} aria-labelledby="look-title" data-testid="look-dialog" data-phase={state?.phase ?? 'none'}>
      <div class="look-head">
        <h2 id="look-title">{words.t('cameras.look.title', { camera })}</h2>
        <span class="muted small">{words.t('picture.redacted')}</span>
      </div>
      {!state && <LookForm onStart={(reason, seconds) => start({ camera, reason, seconds })} onCancel={() => dialog.current?.close()} />}
      {state && <LookPicture state={state} url={url} camera={camera} />}
      {state && (
        <div class="viewer-bar">
          <LookCost state={state} going={going} />
          <span class="spacer" />
          {going && <button type="button" class="button button-primary" data-testid="look-stop" onClick={stop}>{words.t('cameras.look.stop')}</button>}
          {!going && <button type="button" class="button" data-testid="look-close" onClick={() => dialog.current?.close()}>{words.t('app.close')}</button>}
        </div>
      )}
    </dialog>
  );
}

function LookForm({ onStart, onCancel }: { onStart: (reason: string, seconds: number) => void; onCancel: () => void }) {
  const words = useWords();
  const [reason, setReason] = useState('');
  const [seconds, setSeconds] = useState(60);
  return (
    <form class="look-form" onSubmit={(e) => { e.preventDefault(); if (saysWhy(reason)) onStart(reason.trim(), seconds); }}>
      <p class="muted">{words.t('cameras.look.about')}</p>
      <ReasonField value={reason} demanded onChange={setReason} />
      <label class="field">
        <span>{words.t('cameras.look.forHow')}</span>
        <select class="input" data-testid="look-seconds" value={String(seconds)} onChange={(e) => setSeconds(Number(e.currentTarget.value))}>
          {LOOK_SPANS.map((s) => <option key={s} value={String(s)}>{span(words, s * 1000)}</option>)}
        </select>
      </label>
      <div class="dialog-foot">
        <button type="button" class="button" onClick={onCancel}>{words.t('app.cancel')}</button>
        <button type="submit" class="button button-primary" data-testid="look-start" disabled={!saysWhy(reason)}>{words.t('cameras.look.start')}</button>
      </div>
    </form>
  );
}

function LookPicture({ state: s, url, camera }: { state: LookState; url: string; camera: string }) {
  const words = useWords();
  return (
    <div class="look-frame">
      {url !== '' && <img class="viewer-image" src={url} alt={words.t('cameras.look.picture', { camera })} data-testid="look-picture" />}
      {url === '' && <p class="look-wait" role="status">{words.t(s.phase === 'over' || s.phase === 'failed' ? 'picture.none' : 'cameras.look.waiting')}</p>}
      {s.phase === 'failed' && <p class="form-error look-error" role="alert" data-testid="look-error">{errorText(words, s.error)}</p>}
      {s.phase === 'over' && <p class="look-over" role="status" data-testid="look-over">{words.t(CAUSES[s.cause] ?? 'cameras.look.over')}</p>}
    </div>
  );
}

/** How long it goes on, and what it takes of the uplink of the township. */
function LookCost({ state: s, going }: { state: LookState; going: boolean }) {
  const words = useWords();
  const until = s.look ? Date.parse(s.look.until) : 0;
  const left = useTicking(() => String(Math.max(0, Math.ceil((until - Date.now()) / 1000))), 500);
  const rate = s.look?.bytesPerSecond ?? 0;
  return (
    <>
      {going && until > 0 && <span class="number" role="timer" data-testid="look-left">{words.t('cameras.look.left', { n: left })}</span>}
      {s.look && <span class="muted small">{words.t('cameras.look.until', { time: clock(words.lang, new Date(until)) })}</span>}
      <span class="small" data-testid="look-cost">
        {words.t('cameras.look.cost', { pictures: s.pictures, bytes: bytes(s.bytes) })}{rate > 0 && ` · ${words.t('cameras.look.rate', { rate: bytes(rate) })}`}
      </span>
    </>
  );
}
