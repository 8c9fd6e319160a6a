/** Numbers, times and codes as people read them. Times are shown in the zone of the machine. */
import type { Measure } from './types';
import type { Key, Lang, Words } from './i18n';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(lang: Lang, name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const id = `${lang} ${name}`;
  let f = formats.get(id);
  if (!f) {
    f = new Intl.DateTimeFormat(lang === 'en' ? 'en-GB' : lang, { ...options, hourCycle: 'h23' });
    formats.set(id, f);
  }
  return f;
}

const CLOCK: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', second: '2-digit' };

/** 02:13:45. */
export function clock(lang: Lang, at: Date): string {
  return format(lang, 'clock', CLOCK).format(at);
}

/** 11月22日, or 2025年11月22日 in another year than now's. */
export function day(lang: Lang, at: Date, now: Date): string {
  const month = lang === 'en' ? 'short' : 'long';
  return at.getFullYear() === now.getFullYear()
    ? format(lang, 'day', { month, day: 'numeric' }).format(at)
    : format(lang, 'year', { year: 'numeric', month, day: 'numeric' }).format(at);
}

/** The clock alone today, the day before it otherwise. */
export function moment(lang: Lang, at: Date, now: Date): string {
  return sameDay(at, now) ? clock(lang, at) : `${day(lang, at, now)} ${clock(lang, at)}`;
}

export function sameDay(a: Date, b: Date): boolean {
  return a.toDateString() === b.toDateString();
}

/** How long ago, in one unit; a time slightly in the future (two clocks) is now. */
export function ago(words: Words, at: Date, now: Date): string {
  const ms = now.getTime() - at.getTime();
  if (ms < 5 * SECOND) return words.t('time.now');
  const [unit, n] = split(ms);
  return words.t(`time.${unit}` as Key, { n });
}

/** A length of time in one unit. */
export function span(words: Words, ms: number): string {
  const [unit, n] = split(Math.max(0, ms));
  return words.t(`span.${unit}` as Key, { n });
}

function split(ms: number): ['seconds' | 'minutes' | 'hours' | 'days', number] {
  if (ms < MINUTE) return ['seconds', Math.floor(ms / SECOND)];
  if (ms < HOUR) return ['minutes', Math.floor(ms / MINUTE)];
  if (ms < DAY) return ['hours', Math.floor(ms / HOUR)];
  return ['days', Math.floor(ms / DAY)];
}

/** Clock skew with its sign: +1.2 s. */
export function skew(ms: number): string {
  const sign = ms > 0 ? '+' : ms < 0 ? '−' : '';
  const abs = Math.abs(ms);
  return abs < SECOND ? `${sign}${Math.round(abs)} ms` : `${sign}${(abs / SECOND).toFixed(1)} s`;
}

/** A grid code in its parts: county 6, township 3, community 3, then the rest (GB/T 2260; CJ/T 349 for 20 digits). */
export function gridParts(code: string): string[] {
  return [code.slice(0, 6), code.slice(6, 9), code.slice(9, 12), code.slice(12, 15), code.slice(15)].filter((p) => p !== '');
}

/** UCUM codes whose print form differs. */
const UNITS: Readonly<Record<string, string>> = {
  '1': '', Cel: '°C', '[ppm]': 'ppm', '[degF]': '°F', '%{LEL}': '%LEL', '%[LEL]': '%LEL', 'm3/h': 'm³/h', 'ug/m3': 'µg/m³',
};

/** "水位 1.82 m". */
export function reading(words: Words, m: Measure): string {
  return `${words.word('quantity', m.quantity)} ${amount(m)}`;
}

/** The value and unit of a reading, at most four significant digits after rounding. */
export function amount(m: Measure): string {
  const value = Number(m.value.toPrecision(4)).toLocaleString('en-US', { maximumFractionDigits: 4, useGrouping: false });
  const unit = UNITS[m.unit] ?? m.unit;
  return unit === '' ? value : unit.startsWith('%') ? value + unit : `${value} ${unit}`;
}

/** Short form of a UUIDv7 that still tells two cases apart: its random end. */
export function shortId(id: string): string {
  return id.slice(-8).toUpperCase();
}
