/** How a device may be armed for a while, and for how long. Pure. */
import type { ZoneMode } from '../types';
import type { KnownDevice, Mode } from './api';

/** What may save a life is never disarmed: by the edge's word, and of a sensor unless its edge says otherwise (central/orders). */
export const lifeSafety = (d: KnownDevice): boolean => (d.lane ? d.lane === 'life-safety' : d.family === 'sensors');

/** What may be asked of a device. */
export const modesFor = (d: KnownDevice): ZoneMode[] => (lifeSafety(d) ? ['armed', 'walk-test'] : ['armed', 'disarmed', 'walk-test']);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long a mode lasts at most, in milliseconds (central/orders). */
export function longest(d: KnownDevice, mode: ZoneMode): number {
  if (mode !== 'walk-test') return 30 * DAY;
  return lifeSafety(d) ? HOUR : DAY;
}

/** How long may be chosen, in milliseconds. */
export const SPANS = [15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 8 * HOUR, DAY, 7 * DAY, 30 * DAY] as const;

export const spansFor = (d: KnownDevice, mode: ZoneMode): number[] => SPANS.filter((s) => s <= longest(d, mode));

/** What is offered first: a test is short, the rest a shift's worth. */
export const firstSpan = (d: KnownDevice, mode: ZoneMode): number => (mode === 'walk-test' ? 30 * MINUTE : Math.min(8 * HOUR, longest(d, mode)));

/** The end of a mode that begins now; a little within the bound, since two clocks differ. */
export const endOf = (now: number, span: number): string => new Date(now + span - 2000).toISOString();

/** What may be armed on its own: the device, and the zones of a camera. */
export interface Target {
  zone: string;
  /** By the edge's word; empty where it says nothing. */
  mode: ZoneMode | '';
  order: Mode | null;
}

export function targets(d: KnownDevice, orders: readonly Mode[]): Target[] {
  const of = (zone: string) => orders.find((m) => m.device === d.id && (m.zone ?? '') === zone) ?? null;
  // A sensor has no zones; one under an order tells its mode as that of a single one.
  if (d.family === 'sensors') return [{ zone: '', mode: d.zones?.[0]?.mode ?? '', order: of('') }];
  const zones = (d.zones ?? []).map((z): Target => ({ zone: z.name, mode: z.mode, order: of(z.name) }));
  const all = new Set(zones.map((z) => z.mode));
  const mode = all.size === 1 ? (zones[0] as Target).mode : '';
  return [{ zone: '', mode, order: of('') }, ...zones];
}

/** How far an order has come: the edge says so, it says otherwise, or it says nothing of it. */
export function stageOf(t: Target): 'in-force' | 'sent' | 'told' {
  if (!t.order || t.mode === '') return 'told';
  return t.mode === t.order.mode ? 'in-force' : 'sent';
}

export const MAX_REASON = 200;
/** Whether a reason says something: two letters at least, of any script. */
export const saysWhy = (reason: string): boolean => (reason.match(/\p{L}/gu) ?? []).length >= 2;
