import { describe, expect, test } from 'vitest';
import { asked, isEmpty, noFilter, parseFilter, passes, same, terse } from '../src/feed/filter';
import { bySeverity, together, total } from '../src/feed/gap';
import { Ringing, PACE, REPEAT } from '../src/feed/ringing';
import type { Alert, Case, CaseEvent, FeedMessage } from '../src/types';
import { aCase, alert, event } from './make';

const of = (text: string) => {
  const query = new URLSearchParams(text);
  return parseFilter((name) => query.get(name));
};

describe('the filter of the feed', () => {
  test('is read from an address; what is no value filters nothing', () => {
    expect(of('severity=major&kind=smoke&grid=99x0&state=raised&device=d1&edge=e1&family=sensors&exercise=no')).toEqual({
      severity: 'major', kind: 'smoke', grid: '990', state: 'raised', device: 'd1', edge: 'e1', family: 'sensors', exercise: 'no',
    });
    expect(isEmpty(of('severity=worst&kind=earthquake&person=x&family=people'))).toBe(true);
  });
  test.each<[string, Partial<Alert>, boolean]>([
    ['severity=major', { severity: 'critical' }, true], ['severity=major', { severity: 'minor' }, false], ['kind=smoke', { kind: 'motion' }, false],
    ['grid=990001', {}, true], ['grid=99000100100100', {}, true], ['grid=1', {}, false], ['state=raised', { state: 'momentary' }, false],
    ['device=c', {}, true], ['device=cc', {}, false], ['edge=e', {}, true], ['edge=f', {}, false],
    ['family=sensors', {}, false], ['exercise=yes', {}, false], ['exercise=no', { exercise: true }, false], ['exercise=yes', { exercise: true }, true], ['', {}, true],
  ])('%s lets %o pass: %s', (text, more, want) => expect(passes(alert(1, more), of(text))).toBe(want));
  test('asks central only for what central knows, and saves only what says something', () => {
    expect(asked(of('kind=smoke&family=cameras&exercise=no'))).not.toHaveProperty('family');
    expect(terse(of('kind=smoke'))).toEqual({ kind: 'smoke' });
    expect([same(of('kind=smoke'), of('kind=smoke&x=1')), same(of('kind=smoke'), noFilter)]).toEqual([true, false]);
  });
});

describe('what rings', () => {
  const told = (type: CaseEvent['type'], c: Partial<Case> = {}, a: Partial<Alert> | null = {}): FeedMessage => ({
    event: event(type), case: aCase({ severity: 'critical', ...c }), alert: a && alert(1, { severity: 'critical', ...a }),
  });
  test('life-safety sounds again and again until somebody acknowledges it', () => {
    const ringing = new Ringing();
    ringing.take(told('opened'), false);
    expect([ringing.next(0), ringing.next(PACE), ringing.next(REPEAT), ringing.next(2 * REPEAT)]).toEqual(['critical', '', 'critical', 'critical']);
    ringing.take(told('acknowledged', { state: 'acknowledged' }, null), false);
    expect([ringing.count, ringing.next(9 * REPEAT)]).toEqual([0, '']);
  });
  test('is silenced here, and rings for another case and when it is opened again', () => {
    const ringing = new Ringing();
    ringing.take(told('opened'), true);
    ringing.mute();
    expect([ringing.count, ringing.next(0)]).toEqual([0, '']);
    ringing.begin([aCase({ severity: 'critical' })]);
    expect(ringing.count).toBe(0);
    ringing.take(told('opened', { id: 'other' }), true);
    ringing.take(told('reopened', {}, null), true);
    expect(ringing.count).toBe(2);
  });
  test('others sound once by their severity, the gravest first, if they pass the filter', () => {
    const ringing = new Ringing();
    ringing.take(told('joined', { severity: 'minor' }, { severity: 'minor' }), true);
    ringing.take(told('joined', { severity: 'major' }, { severity: 'major' }), true);
    ringing.take(told('joined', { severity: 'minor' }, { severity: 'minor' }), true);
    expect([ringing.next(0), ringing.next(REPEAT)]).toEqual(['major', '']);
    ringing.take(told('joined', { severity: 'major' }, { severity: 'major' }), false);
    expect(ringing.next(3 * REPEAT)).toBe('');
  });
  test('a clear is quiet, an exercise and a part of another case do not ring on', () => {
    const ringing = new Ringing();
    ringing.take(told('cleared', { severity: 'minor' }, { severity: 'minor', state: 'cleared' }), true);
    expect(ringing.next(0)).toBe('');
    ringing.take(told('opened', { exercise: true }, { exercise: true }), true);
    ringing.take(told('opened', { id: 'part', parent: 'whole' }), true);
    expect([ringing.next(0), ringing.count, ringing.next(9 * REPEAT)]).toEqual(['critical', 0, '']);
  });
  test('what was open already rings after a new start', () => {
    const ringing = new Ringing();
    ringing.begin([aCase({ severity: 'critical' }), aCase({ id: 'b', severity: 'critical', state: 'acknowledged' }), aCase({ id: 'c' })]);
    expect(ringing.count).toBe(1);
  });
});

test('what was missed in two gaps is told together until somebody has read it', () => {
  const of = (critical: number, more: boolean, at: number) => ({ from: at, to: at + 1, after: at, alerts: { info: 1, minor: 0, major: 0, critical }, cases: { info: 0, minor: 0, major: 1, critical: 0 }, more });
  expect(together(null, of(2, false, 5))).toEqual(of(2, false, 5));
  const both = together(of(2, false, 5), of(3, true, 9));
  expect(both).toEqual({ from: 5, to: 10, after: 5, alerts: { info: 2, minor: 0, major: 0, critical: 5 }, cases: { info: 0, minor: 0, major: 2, critical: 0 }, more: true });
  expect([total(both.alerts), bySeverity([alert(1, { severity: 'major' })]).major]).toEqual([7, 1]);
});
