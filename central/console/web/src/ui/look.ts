/**
 * How the console looks on this machine: dark, light or as the system; and larger type on a wall screen. Remembered here, never sent.
 * Out: data-theme and data-wall on the root element.
 */
import { useEffect, useReducer } from 'preact/hooks';

export const THEMES = ['system', 'light', 'dark'] as const;
export type ThemeChoice = (typeof THEMES)[number];
export const WALLS = ['auto', 'on', 'off'] as const;
export type WallChoice = (typeof WALLS)[number];

export interface Look {
  theme: ThemeChoice;
  wall: WallChoice;
}

/** From this width on a screen is taken for one on the wall, in CSS pixels. */
const WALL_WIDTH = '(min-width: 1920px)';
const DARK = '(prefers-color-scheme: dark)';

const listeners = new Set<() => void>();
let look: Look = { theme: 'system', wall: 'auto' };

/** Reads one of a list that was remembered; the first where nothing was, or storage is shut. */
export function remembered<T extends string>(name: string, list: readonly [T, ...T[]]): T {
  try {
    return list.find((v) => v === localStorage.getItem(`gridgate.${name}`)) ?? list[0];
  } catch {
    return list[0];
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`gridgate.${name}`, value);
  } catch {
    // A browser that keeps nothing still gets it for this visit.
  }
}

function apply(): void {
  const root = document.documentElement;
  root.dataset.theme = themeNow();
  root.toggleAttribute('data-wall', look.wall === 'on' || (look.wall === 'auto' && matchMedia(WALL_WIDTH).matches));
  for (const f of listeners) f();
}

/** Puts the remembered look on, and follows the system from then on. Once, before the first drawing. */
export function startLook(): void {
  look = { theme: remembered('theme', THEMES), wall: remembered('wall', WALLS) };
  for (const media of [DARK, WALL_WIDTH]) matchMedia(media).addEventListener('change', apply);
  apply();
}

export function choose(part: Partial<Look>): void {
  look = { ...look, ...part };
  for (const [name, value] of Object.entries(part)) remember(name, value);
  apply();
}

/** The scheme in force. */
export const themeNow = (): 'light' | 'dark' => (look.theme === 'system' ? (matchMedia(DARK).matches ? 'dark' : 'light') : look.theme);

/** What was chosen; the caller is redrawn when the look changes. */
export function useLook(): Look {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const f = () => redraw(0);
    listeners.add(f);
    return () => void listeners.delete(f);
  }, []);
  return look;
}

/** The scheme in force, for what draws outside the style sheets. */
export function useTheme(): 'light' | 'dark' {
  useLook();
  return themeNow();
}
