import { expect, test } from 'vitest';
import { dictionaries } from '../src/i18n';
import { mayMark, NOTE, ordered, seesFiling, type Camera } from '../src/register/api';

const go = Object.values(import.meta.glob('../../../../protocols/place/place.go', { query: '?raw', import: 'default', eager: true }) as Record<string, string>).join('');
const kinds = [...go.slice(go.indexOf('var allowed'), go.indexOf('forbiddenWords')).matchAll(/"([a-z-]+)": "(\p{Script=Han}+)"/gu)].map(([, en, zh]) => [en, zh] as const);

test('every kind of place has its word', () => {
  expect(kinds.length).toBe(30);
  for (const [kind, zh] of kinds) {
    expect(dictionaries['zh-CN']).toHaveProperty([`placeKind.${kind}`], zh);
    expect(dictionaries.en).toHaveProperty([`placeKind.${kind}`]);
  }
});

test('refused cameras come first, then those of which nothing is told', () => {
  const all = [['b', 'registered'], ['a', 'registered'], ['c', 'untold'], ['d', 'refused']].map(([id, state]) => ({ edge: 'e', id, state }) as Camera);
  expect(ordered(all).map((c) => c.id).join('')).toBe('dcab');
});

test('the filing is for who sees the whole centre, and marked by administrators', () => {
  const as = (scopes: string[], grids: string[] = []) => ({ user: 'a', role: 'x', scopes, grids });
  expect([seesFiling(as(['read'])), seesFiling(as(['read'], ['99'])), mayMark(as(['read'])), mayMark(as(['administer'])), mayMark(as(['administer'], ['99']))]).toEqual([true, false, false, true, false]);
});

test('a number of a filing is taken as central takes it', () => {
  expect(['备2026-17', '', 'a/b:c_d.e', 'a b', '<x>'].map((n) => NOTE.test(n))).toEqual([true, true, true, false, false]);
});
