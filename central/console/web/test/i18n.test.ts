import { describe, expect, test } from 'vitest';
import { dictionaries, wordsOf } from '../src/i18n';
import { TONES } from '../src/cases/deadlines';
import { SPAN_UNITS } from '../src/cases/steps';
import { PERIODS } from '../src/figures/period';
import { GROUPS } from '../src/figures/rows';
import { HOURS, METRICS, UNIT_NAMES } from '../src/figures/series';
import { HANDOVER_STATES, SILENCE_SORTS, STEPS } from '../src/shift/api';
import { NOTES } from '../src/connect/api';
import { KNOWN, OUTCOMES, SAID, STEPS as TRACED } from '../src/trace/api';
import { REASONS as CLIP_REASONS, STATES as CLIP_STATES } from '../src/unseal/api';
import * as types from '../src/types';

const zh = dictionaries['zh-CN'] as Readonly<Record<string, string>>;
const en = dictionaries.en as Readonly<Record<string, string>>;
const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map((m) => m[0]).sort();

describe('dictionaries', () => {
  test('have the same keys', () => expect(Object.keys(en).sort()).toEqual(Object.keys(zh).sort()));

  test('have words and the same places to fill under every key', () => {
    for (const key of Object.keys(zh)) {
      expect(zh[key], key).not.toBe('');
      expect(en[key], key).not.toBe('');
      expect(places(en[key] as string), key).toEqual(places(zh[key] as string));
    }
  });

  const lists: [string, readonly string[]][] = [
    ['kind', types.KINDS], ['severity', types.SEVERITIES], ['alertState', types.ALERT_STATES], ['object', types.OBJECTS], ['clock', types.CLOCKS],
    ['family', types.FAMILIES], ['caseState', types.CASE_STATES], ['level', types.LEVELS], ['reason', types.REASONS],
    ['reasonHint', types.REASONS.filter((r) => r !== 'cleared')], ['origin', types.ORIGINS], ['field', types.FIELDS], ['spanUnit', SPAN_UNITS],
    ['deadline.tone', TONES], ['mode', types.ZONE_MODES], ['lane', types.LANES],
    ['deviceState', [...types.CAMERA_STATES, ...types.SENSOR_STATES]], ['conn', ['connecting', 'live', 'lost']], ['role', types.ROLES],
    ['shift.ask', STEPS], ['shift.askText', STEPS], ['shift.state', HANDOVER_STATES], ['shift.silence', SILENCE_SORTS], ['figures.period', PERIODS], ['figures.by', GROUPS], ['figures.hours', HOURS.map(String)],
    ['traceStep', TRACED], ['traceOutcome', OUTCOMES], ['traceKnown', KNOWN], ['traceSaid', SAID], ['deviceNote', NOTES], ['traceClock', types.CLOCKS.filter((c) => c !== 'receive')], ['unsealReason', CLIP_REASONS], ['unsealHint', CLIP_REASONS], ['unsealState', CLIP_STATES],
    ['figures.metric', Object.keys(METRICS)], ['figures.unitName', UNIT_NAMES],
  ];
  test.each(lists)('every %s has a word', (list, values) => {
    for (const value of values) {
      expect(zh, value).toHaveProperty([`${list}.${value}`]);
      expect(en, value).toHaveProperty([`${list}.${value}`]);
    }
  });

  test('the kinds are 31, each with a word of its own', () => {
    expect(new Set(types.KINDS.map((k) => zh[`kind.${k}`])).size).toBe(31);
    expect(new Set(types.KINDS.map((k) => en[`kind.${k}`])).size).toBe(31);
  });
});

describe('words', () => {
  test('fill places', () => expect(wordsOf('zh-CN').t('feed.newPill', { n: 3 })).toBe('3 条新告警'));
  test('a value outside its list is shown as it came', () => expect(wordsOf('en').word('kind', 'earthquake')).toBe('earthquake'));
});

describe('sources', () => {
  const sources = import.meta.glob('../src/**/*.{ts,tsx}', { query: '?raw', import: 'default', eager: true }) as Record<string, string>;
  const pages = Object.entries(sources).filter(([name]) => !name.includes('/i18n/'));

  test('hold no Chinese words outside the dictionary', () => {
    for (const [name, text] of pages) expect(text.match(/[\u4e00-\u9fff]/g) ?? [], name).toEqual(commented(text));
  });

  test('set no inline style, no raw HTML, and name no other host', () => {
    for (const [name, text] of pages) expect(text, name).not.toMatch(/style=|innerHTML|https?:\/\//);
  });

  test('use every key', () => {
    const all = pages.map(([, text]) => text).join('\n');
    const listed = /^(role|kind|severity|alertState|object|clock|family|caseState|level|reason|reasonHint|history|mode|lane|deviceState|conn|why|quantity|time|span|cases\.col|devices\.col|origin|source|field|traceStep|traceOutcome|traceClock|traceKnown|traceSaid|deviceNote|placeKind|registerState|registerSort|registerField|register\.col|fleetState|fleetWaits|rolloutState|unsealReason|unsealHint|unsealState|spanUnit|deadline|deadline\.tone|deadlineName|error\.field|look\.theme|look\.wall|feed\.filter|feed\.filter\.exercise|feed\.sound|feed\.notify)\.|^(cases\.(step|unit|level|class|origin)|report\.(lon|lat))$|^fleet\.(col\.|pause$|resume$|abort$)|^(shift\.(state|tally|happened|silence|ask|askText)|figures\.(period|by|hours|metric|unitName|count|means))\./;
    expect(Object.keys(zh).filter((key) => !listed.test(key) && !all.includes(`'${key}'`) && !all.includes(`"${key}"`))).toEqual([]);
  });
});

/** The Chinese letters of a source's comments, which may quote what is shown. */
function commented(text: string): string[] {
  const comments = text.match(/\/\*[\s\S]*?\*\/|\/\/.*/g) ?? [];
  return comments.flatMap((c) => c.match(/[\u4e00-\u9fff]/g) ?? []);
}
