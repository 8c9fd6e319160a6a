/** Keys for pages: useKeys puts some in force while the caller is shown, and ? shows which are. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useWords, type Key } from '../i18n';
import { IconClose } from '../ui/icons';
import { isComposing, isTyping, KeyRegistry, type KeyAction, type Shown } from './registry';

export type { KeyAction } from './registry';

const registry = new KeyRegistry();

/** Puts keys in force under a heading of the help while the caller is shown and on is true. */
export function useKeys(scope: Key, keys: readonly KeyAction[], on = true): void {
  const latest = useRef(keys);
  latest.current = keys;
  useLayoutEffect(() => (on ? registry.add(scope, () => latest.current) : undefined), [scope, on]);
}

const isModal = (): boolean => document.querySelector('dialog[open]') !== null;

/** Hands key presses to what is in force. Escape leaves a field without choosing anything else. */
function onKeyDown(e: KeyboardEvent): void {
  const at = e.target;
  if (e.key === 'Escape' && isTyping(at) && !isComposing(e) && !isModal()) (at as HTMLElement).blur();
  else registry.press(e, isModal(), Date.now());
}

/** Listens to the keyboard, and shows the help. One per console. */
export function Keyboard() {
  const [shown, setShown] = useState<Shown[] | null>(null);
  useLayoutEffect(() => { // before anything is seen: no key is lost
    const ask = () => setShown(registry.inForce());
    document.addEventListener('keydown', onKeyDown);
    addEventListener(ASK, ask);
    return () => {
      document.removeEventListener('keydown', onKeyDown);
      removeEventListener(ASK, ask);
    };
  }, []);
  useKeys('keys.everywhere', [{ key: '?', word: 'keys.help', run: showKeys }]);
  return shown && <Help shown={shown} onClose={() => setShown(null)} />;
}

const ASK = 'gridgate-keys';

/** Opens the help. */
export const showKeys = (): void => void dispatchEvent(new Event(ASK));

function Help({ shown, onClose }: { shown: readonly Shown[]; onClose: () => void }) {
  const words = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  const close = () => dialog.current?.close();
  useKeys('keys.everywhere', [{ key: '?', word: 'keys.help', run: close, modal: true }]);
  return (
    <dialog class="dialog keys" ref={dialog} onClose={onClose} aria-labelledby="keys-title" data-testid="keys-help">
      <header class="keys-head">
        <h2 id="keys-title">{words.t('keys.title')}</h2>
        <button type="button" class="button button-icon" aria-label={words.t('app.close')} onClick={close}><IconClose /></button>
      </header>
      <div class="keys-parts">
        {shown.map((part) => (
          <section key={part.scope}>
            <h3>{words.t(part.scope)}</h3>
            <dl>{rows(part.keys).map(([word, all]) => <div key={word} class="keys-row"><dt><Caps keys={all} /></dt><dd>{words.t(word)}</dd></div>)}</dl>
          </section>
        ))}
      </div>
      <p class="muted small">{words.t('keys.note')}</p>
    </dialog>
  );
}

/** Keys that do the same stand together. */
function rows(keys: readonly KeyAction[]): [Key, string[]][] {
  const byWord = new Map<Key, string[]>();
  for (const k of keys) byWord.set(k.word, [...(byWord.get(k.word) ?? []), k.key]);
  return [...byWord];
}

const CAPS: Readonly<Record<string, string>> = { ArrowDown: '↓', ArrowUp: '↑', ArrowLeft: '←', ArrowRight: '→', Escape: 'Esc' };

function Caps({ keys }: { keys: readonly string[] }) {
  const words = useWords();
  const cap = (k: string) => (k === ' ' ? words.t('keys.space') : /^[A-Z]$/.test(k) ? `Shift ${k}` : (CAPS[k] ?? k));
  return <>{keys.map((k) => <span key={k} class="keys-caps">{k === ' ' ? <kbd>{cap(k)}</kbd> : k.split(' ').map((one) => <kbd key={one}>{cap(one)}</kbd>)}</span>)}</>;
}
