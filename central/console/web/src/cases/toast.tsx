/** What was just done, with a way to take it back: shown for ten seconds at the foot of the page, whichever page that is then. */
import { useEffect, useReducer } from 'preact/hooks';
import { useWords, type Words } from '../i18n';
import { errorText } from '../problem';
import { IconClose } from '../ui/icons';

export const TOAST = 10_000;

export interface Done {
  /** What was done, without a stop at the end. */
  what: string;
  text: string;
  /** Takes it back; absent where that is not possible. */
  undo?: (() => Promise<void>) | undefined;
}

type Shown = { done: Done; state: 'done' | 'undoing' | 'undone'; error?: unknown };

let shown: Shown | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

function show(next: Shown | null): void {
  shown = next;
  clearTimeout(timer);
  if (next && next.state !== 'undoing') timer = setTimeout(() => show(null), TOAST);
  for (const f of listeners) f();
}

/** Tells what was done; the toast before it goes. */
export const toast = (done: Done): void => show({ done, state: 'done' });

export const dismiss = (): void => show(null);

/** Takes back what the toast tells of; false if there is nothing. */
export function undoToast(): boolean {
  if (!shown?.done.undo || shown.state !== 'done') return false;
  const { done } = shown;
  show({ done, state: 'undoing' });
  done.undo?.().then(() => show({ done, state: 'undone' }), (error: unknown) => show({ done: { ...done, undo: undefined }, state: 'done', error }));
  return true;
}

function textOf(words: Words, { done, state, error }: Shown): string {
  if (error !== undefined) return errorText(words, error);
  return state === 'undone' ? words.t('desk.undone', { what: done.what }) : done.text;
}

/** The place of the toast. A page has one. */
export function Toast() {
  const words = useWords();
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const f = () => redraw(undefined as never);
    listeners.add(f);
    return () => void listeners.delete(f);
  }, []);
  return (
    <div class="toast-slot" role="status" data-testid="toast-slot">
      {shown && (
        <p class={shown.error === undefined ? 'toast' : 'toast toast-error'} data-testid="toast">
          <span>{textOf(words, shown)}</span>
          {shown.state !== 'undone' && shown.done.undo && (
            <button type="button" class="button toast-undo" data-testid="toast-undo" disabled={shown.state === 'undoing'} onClick={undoToast}>
              {words.t(shown.state === 'undoing' ? 'desk.undoing' : 'desk.undo')}
            </button>
          )}
          <button type="button" class="button button-icon" aria-label={words.t('desk.dismiss')} onClick={dismiss}><IconClose /></button>
        </p>
      )}
    </div>
  );
}
