/** The redacted pictures of a case as a filmstrip: one large, the others beneath it; arrow keys turn. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { clock, moment } from '../format';
import { useWords } from '../i18n';
import { useKeys } from '../keys';
import { IconLeft, IconRight } from '../ui/icons';
import { onset, usePictureName, Viewer, type Shot } from '../ui/picture';

interface StripProps {
  shots: readonly Shot[];
  /** How many of them, the first ones, were taken by hand. */
  own: number;
}

/** Where the strip begins: at the onset of the newest alert, or at the first picture taken by hand. */
function first(shots: readonly Shot[], own: number): number {
  const newest = shots.slice(own).filter((s) => s.alert === shots[own]?.alert);
  return newest.length > 0 ? own + Math.max(0, onset(newest)) : 0;
}

export function Strip({ shots, own }: StripProps) {
  const words = useWords();
  const name = usePictureName();
  const [chosen, setChosen] = useState('');
  const [open, setOpen] = useState(false);
  const film = useRef<HTMLOListElement>(null);
  const found = shots.findIndex((s) => s.evidence.id === chosen);
  const at = found >= 0 ? found : first(shots, own);
  const shot = shots[at];
  const turn = (by: number) => setChosen(shots[(at + by + shots.length) % shots.length]?.evidence.id ?? '');
  useKeys('desk.keysCase', [{ key: 'ArrowLeft', word: 'desk.key.pictures', run: () => turn(-1) }, { key: 'ArrowRight', word: 'desk.key.pictures', run: () => turn(1) }], shots.length > 1);
  useEffect(() => {
    const frame = film.current?.children[at] as HTMLElement | undefined;
    if (film.current && frame) film.current.scrollLeft = frame.offsetLeft - (film.current.clientWidth - frame.clientWidth) / 2;
  }, [at]);
  if (!shot) return null;
  return (
    <div class="strip">
      <button type="button" class="shot stage" data-testid="case-stage" aria-label={`${words.t('desk.strip.open')}: ${name(shot)}`} onClick={() => setOpen(true)}>
        <img src={shot.evidence.url} alt={name(shot)} width={640} height={360} decoding="async" />
      </button>
      <div class="stage-bar">
        <span>{moment(words.lang, new Date(shot.evidence.at), new Date())}{at < own && ` ${words.t('photo.own')}`}</span>
        <span class="spacer" />
        {shots.length > 1 && (
          <>
            <span class="muted" data-testid="strip-at">{words.t('picture.nth', { i: at + 1, n: shots.length })}</span>
            <button type="button" class="button button-icon" aria-label={words.t('picture.prev')} onClick={() => turn(-1)}><IconLeft /></button>
            <button type="button" class="button button-icon" aria-label={words.t('picture.next')} onClick={() => turn(1)}><IconRight /></button>
          </>
        )}
      </div>
      <ol class="plain film" ref={film}>
        {shots.map((s, i) => (
          <li key={s.evidence.id}>
            <button type="button" class="shot" data-testid="case-picture" aria-label={name(s)} aria-current={i === at ? 'true' : undefined} onClick={() => setChosen(s.evidence.id)}>
              <span class="thumb"><img src={s.evidence.url} alt="" width={640} height={360} loading="lazy" decoding="async" /></span>
              <span class="shot-time">{clock(words.lang, new Date(s.evidence.at))}</span>
            </button>
          </li>
        ))}
      </ol>
      {open && <Viewer shots={shots} index={at} onIndex={(i) => setChosen(shots[i]?.evidence.id ?? '')} onClose={() => setOpen(false)} />}
    </div>
  );
}
