import { beforeEach, describe, expect, test, vi } from 'vitest';
import { KeyRegistry, SEQUENCE, type KeyPress } from '../src/keys/registry';

const press = (key: string, more: Partial<KeyPress> = {}): KeyPress => ({
  key, keyCode: 0, isComposing: false, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, defaultPrevented: false, preventDefault: vi.fn(), target: null, ...more,
});
const run = vi.fn();
let keys: KeyRegistry;

beforeEach(() => {
  run.mockClear();
  keys = new KeyRegistry();
  keys.add('nav.feed', () => ['j', 'Enter', ' ', '?', '/'].map((key) => ({ key, word: 'nav.feed' as const, run: () => run(key) })));
});

describe('a key', () => {
  test('runs what was registered, once, and nothing after that is gone', () => {
    const off = keys.add('nav.cases', () => [{ key: 'j', word: 'nav.cases', run: () => run('later') }]);
    const e = press('j');
    expect(keys.press(e, false, 0)).toBe(true);
    expect(e.preventDefault).toHaveBeenCalledTimes(1);
    off();
    keys.press(press('j'), false, 0);
    expect(run.mock.calls).toEqual([['later'], ['j']]);
  });

  test.each<[string, Partial<KeyPress>]>([
    ['composing', { isComposing: true }], ['an input method took it', { keyCode: 229 }], ['ctrl', { ctrlKey: true }], ['meta', { metaKey: true }], ['alt', { altKey: true }],
    ['taken by another', { defaultPrevented: true }], ['a text field', { target: { tagName: 'INPUT', type: 'text' } }], ['a text area', { target: { tagName: 'TEXTAREA' } }],
    ['a select', { target: { tagName: 'SELECT' } }], ['a radio button', { target: { tagName: 'INPUT', type: 'radio' } }], ['editable text', { target: { tagName: 'DIV', isContentEditable: true } }],
  ])('does nothing: %s', (_, more) => {
    expect(keys.press(press('j', more), false, 0)).toBe(false);
    expect(run).not.toHaveBeenCalled();
  });

  test('Enter and space on a button belong to the button, letters do not', () => {
    const target = { tagName: 'BUTTON' };
    for (const key of ['Enter', ' ', 'j']) keys.press(press(key, { target }), false, 0);
    expect(run.mock.calls).toEqual([['j']]);
  });

  test('caps lock and full-width signs change nothing; shift makes another key', () => {
    for (const e of [press('J'), press('\uff1f'), press('\u3001'), press('J', { shiftKey: true })]) keys.press(e, false, 0);
    expect(run.mock.calls).toEqual([['j'], ['?'], ['/']]);
  });

  test('in a dialog only what belongs to it acts', () => {
    keys.add('nav.cases', () => [{ key: 'x', word: 'nav.cases', run: () => run('x'), modal: true }]);
    for (const key of ['j', 'x']) keys.press(press(key), true, 0);
    keys.press(press('x'), false, 0);
    expect(run.mock.calls).toEqual([['x']]);
  });
});

describe('two keys', () => {
  beforeEach(() => void keys.add('nav.cases', () => [{ key: 'g f', word: 'nav.feed', run: () => run('g f') }]));

  test('act one after the other', () => {
    expect(keys.press(press('g'), false, 0)).toBe(true);
    keys.press(press('f'), false, SEQUENCE);
    expect(run.mock.calls).toEqual([['g f']]);
  });
  test('are forgotten after a while and after another key', () => {
    keys.press(press('g'), false, 0);
    keys.press(press('f'), false, SEQUENCE + 1);
    keys.press(press('g'), false, 5000);
    keys.press(press('j'), false, 5001);
    keys.press(press('f'), false, 5002);
    expect(run.mock.calls).toEqual([['j']]);
  });
});

test('the help shows a key once, where it acts, the newest part first', () => {
  keys.add('nav.cases', () => [{ key: 'j', word: 'nav.cases' }]);
  keys.add('nav.cases', () => [{ key: 'k', word: 'nav.cases' }]);
  expect(keys.inForce().map((s) => [s.scope, s.keys.map((k) => k.key)])).toEqual([['nav.cases', ['k', 'j']], ['nav.feed', ['Enter', ' ', '?', '/']]]);
});
