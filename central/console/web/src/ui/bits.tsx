/** Pieces that every page uses: links, times, places, empty and error states. */
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ago, gridParts, moment } from '../format';
import { useWords } from '../i18n';
import { errorText } from '../problem';
import { follow } from '../router';

interface LinkProps {
  href: string;
  class?: string;
  children: ComponentChildren;
  testid?: string;
  current?: boolean;
  label?: string;
}

export function Link({ href, children, testid, current, label, ...rest }: LinkProps) {
  return (
    <a href={href} onClick={follow} data-testid={testid} aria-current={current ? 'page' : undefined} aria-label={label} {...rest}>
      {children}
    </a>
  );
}

const clocks = new Map<number, Set<() => void>>();

/** Calls f every so many milliseconds; all who ask for the same time share one timer. */
function tick(every: number, f: () => void): () => void {
  const known = clocks.get(every);
  const calls = known ?? new Set();
  calls.add(f);
  if (!known) {
    clocks.set(every, calls);
    const timer = setInterval(() => {
      for (const call of calls) call();
      if (calls.size > 0) return;
      clearInterval(timer);
      clocks.delete(every);
    }, every);
  }
  return () => void calls.delete(f);
}

/** A value that goes with time, computed again every so many milliseconds; the caller is redrawn only when it changed. */
export function useTicking<T extends string>(value: () => T, every: number): T {
  const [, redraw] = useState('');
  const latest = useRef(value);
  latest.current = value;
  useEffect(() => tick(every, () => redraw(latest.current())), [every]);
  return value();
}

/** Today, a new value only after midnight. */
export function useToday(): Date {
  const date = useTicking(() => new Date().toDateString(), 30_000);
  return useMemo(() => new Date(), [date]);
}

export function Time({ at, today }: { at: string; today: Date }) {
  const { lang } = useWords();
  return <time dateTime={at}>{moment(lang, new Date(at), today)}</time>;
}

export function Ago({ at }: { at: string }) {
  const words = useWords();
  return <span class="ago">{useTicking(() => ago(words, new Date(at), new Date()), 5000)}</span>;
}

/** A grid code in groups; the gaps are drawn, so that a copied code is whole. */
export function GridCode({ code }: { code: string }) {
  return <span class="grid-code">{gridParts(code).map((part, i) => <span key={i}>{part}</span>)}</span>;
}

/** heading: it is all that the page says. */
export function Empty({ title, hint, heading, children }: { title: string; hint?: string; heading?: boolean; children?: ComponentChildren }) {
  return (
    <div class="empty">
      {heading ? <h1 class="empty-title">{title}</h1> : <p class="empty-title">{title}</p>}
      {hint && <p class="empty-hint">{hint}</p>}
      {children}
    </div>
  );
}

export function Loading() {
  const words = useWords();
  return <div class="empty" role="status"><p class="empty-hint">{words.t('app.loading')}</p></div>;
}

export function Failure({ error, retry }: { error: unknown; retry: () => void }) {
  const words = useWords();
  return (
    <div class="empty" role="alert">
      <p class="empty-title">{errorText(words, error)}</p>
      <button type="button" class="button" onClick={retry}>{words.t('app.retry')}</button>
    </div>
  );
}

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return <div class="fact"><dt>{name}</dt><dd>{children}</dd></div>;
}

/** Puts words into the title of the window while the caller is shown. */
export function useTitle(title: string): void {
  const { lang } = useWords();
  useEffect(() => {
    document.title = `${title} · Gridgate`;
  }, [title, lang]);
}
