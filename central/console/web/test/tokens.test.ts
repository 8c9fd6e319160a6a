/** WCAG 2.2 AA contrast (1.4.3 text 4.5, 1.4.11 shapes 3) of the design tokens, in both schemes. */
import { describe, expect, test } from 'vitest';
import css from '../src/styles/tokens.css?raw';

type Tokens = Record<string, string>;

const [light = '', dark = ''] = css.split(":root[data-theme='dark']");
const read = (text: string): Tokens => Object.fromEntries([...text.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1], m[2]]));
const schemes: [string, Tokens][] = [['light', read(light)], ['dark', { ...read(light), ...read(dark) }]];

function luminance(hex: string): number {
  const part = (at: number) => {
    const c = parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
}

function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p) as [number, number];
  return (x + 0.05) / (y + 0.05);
}

const surfaces = ['bg', 'surface', 'raised', 'hover', 'selected'];
const tinted = ['critical', 'major', 'minor', 'info', 'ok', 'exercise'];
const textPairs: [string, string][] = [
  ...surfaces.flatMap((s): [string, string][] => [['text', s], ['muted', s], ['critical', s], ['major', s], ['minor', s], ['info', s]]),
  ...['bg', 'surface', 'raised', 'hover'].flatMap((s): [string, string][] => [['accent', s], ['ok', s]]),
  ...tinted.map((t): [string, string] => [t, `${t}-bg`]),
  ['accent-text', 'accent'], ['text', 'critical-bg'], ['muted', 'critical-bg'],
];
const shapePairs: [string, string][] = [
  ...surfaces.map((s): [string, string] => ['focus', s]), ...surfaces.slice(0, 4).map((s): [string, string] => ['line-strong', s]),
  ['cut', 'critical'], ['cut', 'major'],
];

describe.each(schemes)('%s', (_, tokens) => {
  const below = (pairs: [string, string][], least: number) =>
    pairs.map(([a, b]) => [`${a} on ${b}`, contrast(tokens[a] ?? '', tokens[b] ?? '')] as const).filter(([, c]) => !(c >= least));

  test('every text is readable', () => expect(below(textPairs, 4.5)).toEqual([]));
  test('every shape is visible', () => expect(below(shapePairs, 3)).toEqual([]));
});
