/** A page of a list whose pages may be short: central looks at so many cases for one answer, and says where to go on. Pure. */
import type { Page } from '../types';

/** How many answers make one page at most. */
export const MAX_ANSWERS = 8;

/** Asks on while there is a next and the page is not full. */
export async function fullPage<T>(ask: (cursor: string, limit: number) => Promise<Page<T>>, cursor: string, limit: number): Promise<Page<T>> {
  const items: T[] = [];
  let next = cursor;
  for (let n = 0; n < MAX_ANSWERS; n++) {
    const page = await ask(next, limit - items.length);
    items.push(...page.items);
    next = page.next;
    if (next === '' || items.length >= limit) break;
  }
  return { items, next };
}
