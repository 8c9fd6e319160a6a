/** History routing: a path and a query string, and links that do not reload the page. */
import { useEffect, useState } from 'preact/hooks';

export interface Place {
  path: string;
  query: URLSearchParams;
}

export function parsePlace(href: string): Place {
  const cut = href.indexOf('?');
  const path = cut < 0 ? href : href.slice(0, cut);
  return { path: path.length > 1 ? path.replace(/\/+$/, '') : '/', query: new URLSearchParams(cut < 0 ? '' : href.slice(cut + 1)) };
}

const here = (): Place => parsePlace(location.pathname + location.search);
const listeners = new Set<() => void>();

export function navigate(href: string, replace = false): void {
  if (replace) history.replaceState(null, '', href);
  else history.pushState(null, '', href);
  for (const f of listeners) f();
}

export function usePlace(): Place {
  const [place, setPlace] = useState(here);
  useEffect(() => {
    const update = () => setPlace(here());
    listeners.add(update);
    addEventListener('popstate', update);
    return () => {
      listeners.delete(update);
      removeEventListener('popstate', update);
    };
  }, []);
  return place;
}

/** Follows a plain left click on a link inside the page; anything else is left to the browser. */
export function follow(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.currentTarget as HTMLAnchorElement;
  event.preventDefault();
  navigate(link.pathname + link.search);
}
