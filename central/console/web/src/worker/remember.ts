/** Who worked on this telephone last, so that their page opens in a dead zone. Central is asked again before anything is sent. */
import type { Session } from '../types';

const STORED = 'gridgate.worker';

export const isWorker = (s: Session): boolean => s.role === 'worker';

/** Narrower than this is a telephone. */
export const narrow = (): boolean => matchMedia('(max-width: 640px)').matches;

export function rememberWorker(s: Session): void {
  try {
    if (isWorker(s)) localStorage.setItem(STORED, JSON.stringify({ user: s.user, role: s.role, scopes: s.scopes, grids: s.grids ?? [], unit: s.unit ?? '' }));
    else localStorage.removeItem(STORED);
  } catch {
    // A browser that keeps nothing asks central every time.
  }
}

export function forgetWorker(): void {
  try {
    localStorage.removeItem(STORED);
  } catch {
    // Nothing was kept.
  }
}

/** The account of the last visit, unless it signed out. */
export function rememberedWorker(): Session | null {
  try {
    const s = JSON.parse(localStorage.getItem(STORED) ?? 'null') as Session | null;
    return s && typeof s.user === 'string' && isWorker(s) && Array.isArray(s.scopes) ? s : null;
  } catch {
    return null;
  }
}
