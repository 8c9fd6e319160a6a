/**
 * The keys of the console. In: what pages register, and key presses. Out: calls. A key never acts while an input method composes, while
 * somebody types, with ctrl, meta or alt, or behind an open dialog that it does not belong to.
 */
import type { Key } from '../i18n';

/** One key and what it does. Without run it is what the browser does by itself, written down for the help. */
export interface KeyAction {
  /** As KeyboardEvent.key says it; letters are small unless shift goes with them; two keys one after the other are separated by a space. */
  key: string;
  word: Key;
  run?: (e: KeyPress) => void;
  /** It acts in an open dialog, and nowhere else. */
  modal?: boolean;
}

/** What of a keyboard event is looked at. */
export type KeyPress = Pick<KeyboardEvent, 'key' | 'keyCode' | 'isComposing' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey' | 'defaultPrevented' | 'preventDefault'> & { target: unknown };

/** The keys in force of one part of a page. */
export interface Shown {
  scope: Key;
  keys: readonly KeyAction[];
}

/** How long the first of two keys is remembered, in milliseconds. */
export const SEQUENCE = 1500;

/** keyCode of a key press that went to an input method (UI Events, section 7.3.1). */
const COMPOSING = 229;

/** What a Chinese keyboard sends for keys of the console while it writes full-width signs. */
const NARROW: Readonly<Record<string, string>> = { '\uff1f': '?', '\uff0f': '/', '\u3001': '/' };

export class KeyRegistry {
  private scopes: { scope: Key; keys: () => readonly KeyAction[] }[] = [];
  private first = '';
  private firstAt = 0;

  /** Puts keys in force until the returned function is called. Of two with the same key the later one acts. */
  add(scope: Key, keys: () => readonly KeyAction[]): () => void {
    const entry = { scope, keys };
    this.scopes.push(entry);
    return () => {
      this.scopes = this.scopes.filter((s) => s !== entry);
    };
  }

  /** The keys in force, of the newest part first; a key stands once. */
  inForce(modal = false): Shown[] {
    const taken = new Set<string>();
    const shown: Shown[] = [];
    for (const { scope, keys } of [...this.scopes].reverse()) {
      const free = keys().filter((k) => (k.modal ?? false) === modal && !taken.has(k.key));
      for (const k of free) taken.add(k.key);
      const same = shown.find((s) => s.scope === scope);
      if (same) same.keys = [...same.keys, ...free];
      else if (free.length > 0) shown.push({ scope, keys: free });
    }
    return shown;
  }

  /** Runs what a key press means now; false if it means nothing here. */
  press(e: KeyPress, modal: boolean, now: number): boolean {
    if (isComposing(e) || e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || isTyping(e.target)) return false;
    const key = nameOf(e);
    if ((key === 'Enter' || key === ' ') && isPressable(e.target)) return false;
    const actions = this.inForce(modal).flatMap((s) => s.keys);
    const before = now - this.firstAt <= SEQUENCE ? this.first : '';
    this.first = '';
    const action = actions.find((k) => before !== '' && k.key === `${before} ${key}`) ?? actions.find((k) => k.key === key);
    if (action?.run) {
      e.preventDefault();
      action.run(e);
      return true;
    }
    if (!actions.some((k) => k.key.startsWith(`${key} `))) return false;
    this.first = key;
    this.firstAt = now;
    e.preventDefault();
    return true;
  }
}

export const isComposing = (e: Pick<KeyPress, 'isComposing' | 'keyCode'>): boolean => e.isComposing || e.keyCode === COMPOSING;

/** The key by its name: letters small unless shift is held, whatever caps lock says. */
function nameOf(e: KeyPress): string {
  if (/^[a-z]$/i.test(e.key)) return e.shiftKey ? e.key.toUpperCase() : e.key.toLowerCase();
  return NARROW[e.key] ?? e.key;
}

type Place = { tagName?: string; type?: string; isContentEditable?: boolean };

/** Whether keys pressed there are text or choose a value. */
export function isTyping(target: unknown): boolean {
  const { tagName = '', type = '', isContentEditable = false } = (target ?? {}) as Place;
  return isContentEditable || tagName === 'TEXTAREA' || tagName === 'SELECT' || (tagName === 'INPUT' && type !== 'checkbox');
}

/** Whether the browser presses it by Enter or space. */
const isPressable = (target: unknown): boolean => /^(A|BUTTON|SUMMARY|INPUT)$/.test(((target ?? {}) as Place).tagName ?? '');
