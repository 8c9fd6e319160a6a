import { describe, expect, test } from 'vitest';
import { expectsPicture, PictureWatch, STRIP, WAITS } from '../src/feed/pictures';
import { alert, AT, evidence } from './make';

const now = Date.parse(AT);

describe('expectsPicture', () => {
  test.each([
    ['a raised camera alert', {}, true],
    ['one that has its picture', { evidence: [evidence()] }, false],
    ['one that has a sealed clip alone', { evidence: [{ ...evidence(), sealed: true, url: '' }] }, true],
    ['a clear', { state: 'cleared' as const }, false],
    ['a sensor', { family: 'sensors' as const }, false],
  ])('%s', (_, more, want) => expect(expectsPicture(alert(1, more))).toBe(want));
});

describe('PictureWatch', () => {
  test('asks with growing waits, then no more', () => {
    const watch = new PictureWatch();
    watch.track([alert(1)], now);
    let at = now;
    const asked: number[] = [];
    for (let wait = watch.next(at); wait !== null; wait = watch.next(at)) {
      at += wait;
      asked.push(at - now);
      watch.asked(at);
    }
    expect(asked).toEqual([...WAITS]);
    expect(watch.has('a1')).toBe(false);
  });
  test('asks for the rest of the filmstrip, then stops', () => {
    const watch = new PictureWatch();
    watch.track([alert(1)], now);
    let asked = 0;
    for (let at = now; watch.next(at) !== null; asked++) {
      at += watch.next(at) as number;
      watch.asked(at);
      watch.track([alert(1, { evidence: [evidence()] })], at);
    }
    expect(asked).toBe(STRIP);
  });
  test('begins to ask where the first picture came with a fresh alert, not with an old one', () => {
    const watch = new PictureWatch();
    const a = alert(1, { evidence: [evidence()] });
    watch.track([a], now + 60_000);
    expect(watch.has('a1')).toBe(false);
    watch.track([a], now + 2000);
    expect(watch.has('a1')).toBe(true);
  });
  test('one question serves all that are due', () => {
    const watch = new PictureWatch();
    watch.track([alert(1), alert(2)], now);
    watch.asked(now + 1500);
    expect(watch.next(now + 1500)).toBe(1500);
  });
  test('expects nothing of an old alert', () => {
    const watch = new PictureWatch();
    watch.track([alert(1)], now + 3_600_000);
    expect(watch.has('a1')).toBe(false);
  });
  test('is bounded, the oldest go', () => {
    const watch = new PictureWatch();
    watch.track([alert(1), alert(2), alert(3)], now, 2);
    expect([watch.has('a1'), watch.has('a2'), watch.has('a3')]).toEqual([false, true, true]);
  });
});
