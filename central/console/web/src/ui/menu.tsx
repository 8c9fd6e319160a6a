/** The menu of what somebody sets for this machine: colours, type, and what others add (sound, notification). */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useKeys } from '../keys';
import { useWords } from '../i18n';
import { IconSliders } from './icons';
import { choose, THEMES, useLook, WALLS } from './look';

export function Menu({ children }: { children?: ComponentChildren }) {
  const words = useWords();
  const [open, setOpen] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return;
    const outside = (e: Event) => frame.current?.contains(e.target as Node) || setOpen(false);
    addEventListener('pointerdown', outside);
    return () => removeEventListener('pointerdown', outside);
  }, [open]);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  useKeys('look.menu', [{ key: 'Escape', word: 'app.close', run: close }], open);
  return (
    <div class="menu" ref={frame}>
      <button type="button" class="button button-quiet button-icon" ref={button} data-testid="menu" aria-label={words.t('look.menu')} title={words.t('look.menu')} aria-expanded={open} onClick={() => setOpen(!open)}>
        <IconSliders />
      </button>
      {open && <div class="menu-panel card" role="group" aria-label={words.t('look.menu')} data-testid="menu-panel"><LookChoices />{children}</div>}
    </div>
  );
}

function LookChoices() {
  const words = useWords();
  const look = useLook();
  return (
    <>
      <Choice name="theme" title={words.t('look.theme')} value={look.theme} options={THEMES.map((t) => [t, words.word('look.theme', t)])} onChange={(theme) => choose({ theme })} />
      <Choice name="wall" title={words.t('look.wall')} value={look.wall} options={WALLS.map((w) => [w, words.word('look.wall', w)])} onChange={(wall) => choose({ wall })} />
      <p class="muted small">{words.t('look.wallHint')}</p>
    </>
  );
}

interface ChoiceProps<T extends string> {
  name: string;
  title: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}

/** One of a few, all to be seen. */
export function Choice<T extends string>({ name, title, value, options, onChange }: ChoiceProps<T>) {
  return (
    <div class="menu-choice">
      <span id={`menu-${name}`}>{title}</span>
      <div class="segments" role="group" aria-labelledby={`menu-${name}`}>
        {options.map(([v, word]) => (
          <button type="button" key={v} class="segment" data-testid={`${name}-${v}`} aria-pressed={v === value} onClick={() => onChange(v)}>{word}</button>
        ))}
      </div>
    </div>
  );
}
