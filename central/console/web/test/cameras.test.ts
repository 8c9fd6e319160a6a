import { describe, expect, test } from 'vitest';
import { begin, draw, outlineOf, wrongs, type Act, type Draft } from '../src/cameras/draft';
import { areaOf, crossing, faultOf, FINE, inserted, MAX_POINTS, MAX_SHAPES, moved, nearestSide, removed, shifted, snapped, type Outline } from '../src/cameras/geometry';

const square: Outline = [[0.2, 0.2], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6]];

describe('an outline', () => {
  test('has an area', () => expect(areaOf(square)).toBeCloseTo(0.16));
  test('that crosses itself is named by its two sides', () => {
    const bow: Outline = [[0.2, 0.2], [0.6, 0.6], [0.6, 0.2], [0.2, 0.6]];
    expect(crossing(bow)).toEqual([0, 2]);
    expect(faultOf(bow)).toBe('crossing');
  });
  test('whose point lies on another side touches itself', () => {
    expect(faultOf([[0, 0], [1, 0], [1, 1], [0.5, 0], [0, 1]])).toBe('crossing');
  });
  test('that goes back the way it came, or has a point twice, crosses itself', () => {
    expect(faultOf([[0, 0], [0.8, 0], [0.4, 0], [0.4, 0.5]])).toBe('crossing');
    expect(faultOf([[0, 0], [0, 0], [0.5, 0], [0.5, 0.5]])).toBe('crossing');
  });
  test('may have three points on a line', () => expect(faultOf([[0, 0], [0.5, 0], [1, 0], [0.5, 1]])).toBeNull());
  test('may be hollow', () => expect(faultOf([[0, 0], [1, 0], [0.4, 0.4], [0, 1]])).toBeNull());
  test('has enough points, not too many, and some size', () => {
    expect(faultOf(square.slice(0, 2))).toBe('few');
    expect(faultOf(Array.from({ length: MAX_POINTS + 1 }, () => [0, 0] as const))).toBe('many');
    expect(faultOf([[0, 0], [0.01, 0], [0.01, 0.01]])).toBe('small');
  });
  test('is drawn onto a border of the picture that is near', () => {
    expect(snapped([0.01, 0.992])).toEqual([0, 1]);
    expect(snapped([0.5, -3])).toEqual([0.5, 0]);
    expect(snapped([0.123456, 0.5])).toEqual([0.1235, 0.5]);
  });
  test('gets a point in the middle of a side, loses one, and keeps three', () => {
    expect(inserted(square, 3)[4]).toEqual([0.2, 0.4]);
    expect(removed(square, 0)).toHaveLength(3);
    expect(removed(removed(square, 0), 0)).toHaveLength(3);
    expect(moved(square, 1, [1, 1])[1]).toEqual([1, 1]);
  });
  test('moves as a whole as far as the picture goes', () => expect(shifted(square, 0.9, -0.9)[0]).toEqual([0.6, 0]));
  test('knows its nearest side', () => {
    expect(nearestSide(square, [0.4, 0.62]).side).toBe(2);
    expect(nearestSide(square, [0.4, 0.62]).distance).toBeCloseTo(0.02);
  });
});

const play = (...acts: Act[]): Draft => acts.reduce(draw, begin({ zones: [], masks: [] }));

describe('a draft', () => {
  test('takes each step back', () => {
    const all = play({ do: 'zone', name: 'gate' }, { do: 'move', to: [0.3, 0.31] }, { do: 'insert' }, { do: 'drop' }, { do: 'fields', fields: { minArea: 0.01 } }, { do: 'mask' });
    expect(all.past).toHaveLength(6);
    let d = all;
    const seen = [];
    while (d.past.length > 0) {
      d = draw(d, { do: 'undo' });
      seen.push(d.drawing.zones.length + d.drawing.masks.length);
    }
    expect(seen).toEqual([1, 1, 1, 1, 1, 0]);
    expect(draw(d, { do: 'undo' })).toBe(d);
  });
  test('takes a drag back as one step', () => {
    const drag: Act[] = Array.from({ length: 30 }, (_, i) => ({ do: 'move', to: [0.3 + i * FINE, 0.3], keep: true }));
    const d = play({ do: 'zone', name: 'gate' }, { do: 'mark' }, ...drag);
    expect(outlineOf(d.drawing, { of: 'zones', index: 0, point: 0 })[0]?.[0]).toBeCloseTo(0.358);
    expect(draw(d, { do: 'undo' }).drawing.zones[0]?.outline[0]).toEqual([0.25, 0.3]);
  });
  test('goes back a hundred steps', () => {
    const many: Act[] = Array.from({ length: 150 }, (_, i) => ({ do: 'move', to: [i / 1000, 0.3] }));
    expect(play({ do: 'zone', name: 'gate' }, ...many).past).toHaveLength(100);
  });
  test('has so many zones and masks and no more', () => {
    const many = Array.from({ length: 20 }, (_, i): Act[] => [{ do: 'zone', name: `z${i}` }, { do: 'mask' }]).flat();
    const { zones, masks } = play(...many).drawing;
    expect([zones.length, masks.length]).toEqual([MAX_SHAPES, MAX_SHAPES]);
    expect(wrongs({ zones, masks })).toEqual([]);
  });
  test('a zone may be the whole picture and have corners again', () => {
    const whole = play({ do: 'zone', name: 'gate' }, { do: 'whole', whole: true });
    expect(whole.drawing.zones[0]?.outline).toEqual([]);
    expect(wrongs(whole.drawing)).toEqual([]);
    expect(draw(whole, { do: 'whole', whole: false }).drawing.zones[0]?.outline).toHaveLength(4);
  });
  test('tells what is wrong with it', () => {
    const d = play({ do: 'zone', name: 'gate' }, { do: 'zone', name: 'gate' }, { do: 'zone', name: ' ' }, { do: 'mask' }, { do: 'outline', outline: [[0, 0], [1, 1], [1, 0], [0, 1]] });
    expect(wrongs(d.drawing)).toEqual([{ of: 'zones', index: 1, fault: 'twice' }, { of: 'zones', index: 2, fault: 'name' }, { of: 'masks', index: 0, fault: 'crossing' }]);
  });
  test('what was removed is not chosen, and a step back that has no such point lets go of it', () => {
    expect(play({ do: 'mask' }, { do: 'remove' }).chosen).toBeNull();
    expect(play({ do: 'zone', name: 'gate' }, { do: 'undo' }).chosen).toBeNull();
  });
});
