/** Snapshots: thumbnail, placeholder, and a viewer over the page. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { clock, moment } from '../format';
import { useWords } from '../i18n';
import type { Alert, Evidence } from '../types';
import { IconCamera, IconClose, IconLeft, IconRight, KindIcon } from './icons';

/** What a picture shows. */
type Shown = Pick<Alert, 'kind' | 'occurredAt'>;

/** One picture and the alert that it belongs to, or the case that it was taken for. */
export interface Shot {
  evidence: Evidence;
  alert: Shown;
}

/** The pictures of alerts, in the order given, those of one alert in the order of time. A sealed clip is no picture. */
export function shots(alerts: readonly Alert[]): Shot[] {
  return alerts.flatMap((alert) => alert.evidence.filter(isPicture).map((evidence) => ({ evidence, alert })));
}

/** The pictures that staff took for a case. */
export function photos(of: { kind: Alert['kind']; openedAt: string }, all: readonly Evidence[]): Shot[] {
  return all.filter(isPicture).map((evidence) => ({ evidence, alert: { kind: of.kind, occurredAt: of.openedAt } }));
}

/** The sealed clips of alerts. */
export function clips(alerts: readonly Alert[]): { evidence: Evidence; alert: Alert }[] {
  return alerts.flatMap((alert) => alert.evidence.filter((e) => e.sealed).map((evidence) => ({ evidence, alert })));
}

/** Which of the pictures of one alert shows its onset: a filmstrip begins before it. -1 without a picture. */
export function onset(all: readonly Shot[]): number {
  const off = ({ alert, evidence }: Shot) => Math.abs(Date.parse(evidence.at) - Date.parse(alert.occurredAt));
  return all.reduce((best, s, i) => (best < 0 || off(s) < off(all[best] as Shot) ? i : best), -1);
}

const isPicture = (e: Evidence): boolean => !e.sealed && e.mediaType.startsWith('image/') && e.url.startsWith('/');

export function usePictureName(): (s: Shot) => string {
  const words = useWords();
  return ({ alert, evidence }) =>
    words.t('picture.of', { kind: words.word('kind', alert.kind), time: clock(words.lang, new Date(evidence.at)) });
}

/** The picture of an alert's onset, or what stands in for it. */
export function Thumb({ alert, awaited, large = false }: { alert: Alert; awaited: boolean; large?: boolean }) {
  const words = useWords();
  const name = usePictureName();
  const [broken, setBroken] = useState('');
  const all = shots([alert]);
  const shot = all[onset(all)];
  if (shot && broken !== shot.evidence.url) {
    return (
      <span class="thumb">
        <img src={shot.evidence.url} alt={name(shot)} width={640} height={360} loading="lazy" decoding="async"
          onError={() => setBroken(shot.evidence.url)} />
      </span>
    );
  }
  if (alert.family === 'sensors') return <span class="thumb thumb-kind"><KindIcon kind={alert.kind} size={large ? 44 : 26} /></span>;
  const text = shot ? 'picture.broken' : awaited ? 'picture.pending' : 'picture.none';
  return (
    <span class={awaited ? 'thumb thumb-wait' : 'thumb thumb-none'}>
      <IconCamera size={large ? 36 : 20} />
      <span class="thumb-text">{words.t(text)}</span>
    </span>
  );
}

interface ViewerProps {
  shots: readonly Shot[];
  index: number;
  onIndex: (i: number) => void;
  onClose: () => void;
}

/** All pictures, one at a time, over the page. Arrow keys turn, Escape closes. */
export function Viewer({ shots: all, index, onIndex, onClose }: ViewerProps) {
  const words = useWords();
  const name = usePictureName();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const shot = all[index];
  if (!shot) return null;
  const turn = (by: number) => onIndex((index + by + all.length) % all.length);
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key === 'ArrowLeft') turn(-1);
    if (e.key === 'ArrowRight') turn(1);
  };
  return (
    <dialog class="viewer" ref={dialog} onClose={onClose} onKeyDown={onKeyDown} aria-label={name(shot)}>
      <img class="viewer-image" src={shot.evidence.url} alt={name(shot)} />
      <div class="viewer-bar">
        <span>{moment(words.lang, new Date(shot.evidence.at), new Date())}</span>
        <span class="muted">{words.t('picture.redacted')}</span>
        <span class="spacer" />
        {all.length > 1 && <ViewerTurns text={words.t('picture.nth', { i: index + 1, n: all.length })} turn={turn} />}
        <button type="button" class="button button-icon" aria-label={words.t('app.close')} onClick={() => dialog.current?.close()}>
          <IconClose />
        </button>
      </div>
    </dialog>
  );
}

function ViewerTurns({ text, turn }: { text: string; turn: (by: number) => void }) {
  const words = useWords();
  return (
    <>
      <span class="muted">{text}</span>
      <button type="button" class="button button-icon" aria-label={words.t('picture.prev')} onClick={() => turn(-1)}><IconLeft /></button>
      <button type="button" class="button button-icon" aria-label={words.t('picture.next')} onClick={() => turn(1)}><IconRight /></button>
    </>
  );
}
