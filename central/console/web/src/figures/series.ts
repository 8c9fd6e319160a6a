/** Series as they are drawn and told: gaps stay gaps, units are words. Pure. */
import type { Line } from '../ui/chart';
import type { Series } from './api';

export const HOURS = [1, 6, 24, 168, 720, 2160] as const;

/** What edges report of themselves that is worth a line, with the unit it is told in. */
export const METRICS: Readonly<Record<string, UnitName>> = {
  gridgate_edge_cameras_streaming: 'count', gridgate_edge_cameras: 'count', gridgate_edge_sensors_online: 'count', gridgate_edge_sensors: 'count',
  gridgate_edge_evidence_pending: 'count', gridgate_edge_readings_pending: 'count', gridgate_edge_outbox_bytes: 'MB', gridgate_edge_outbox_shed_total: 'count',
  gridgate_edge_disk_free_bytes: 'MB', process_resident_memory_bytes: 'MB', process_cpu_seconds_total: 'seconds', go_goroutines: 'count',
  gridgate_edge_alerts_raised_total: 'count', gridgate_edge_alerts_delivered_total: 'count', gridgate_edge_decode_failures_total: 'count', gridgate_edge_mqtt_messages_total: 'count',
};

export const UNIT_NAMES = ['bytes', 'MB', 'seconds', 'count', 'Cel', 'degF', 'percent', 'm', 'cm', 'mm', 'ppm', 'V', 'A', 'W', 'kWh', 'lx', 'lel', 'none'] as const;
export type UnitName = (typeof UNIT_NAMES)[number];

/** UCUM codes that have a name here. */
const UCUM: Readonly<Record<string, UnitName>> = {
  Cel: 'Cel', '[degF]': 'degF', '%': 'percent', m: 'm', cm: 'cm', mm: 'mm', '[ppm]': 'ppm', V: 'V', A: 'A', W: 'W', 'kW.h': 'kWh', lx: 'lx',
  '%{LEL}': 'lel', '%[LEL]': 'lel', '1': 'none', s: 'seconds', By: 'bytes',
};

/** The name of the unit of a series, or its code where it has none. */
export function unitOf(s: Series): { name?: UnitName; code: string } {
  const known = METRICS[s.metric];
  if (known) return { name: known, code: '' };
  const code = s.labels.unit ?? '1';
  const name = UCUM[code];
  return name ? { name, code } : { code };
}

/** Bytes are told in megabytes. */
export const scaled = (s: Series, value: number): number => (METRICS[s.metric] === 'MB' ? value / 1e6 : value);

/** The step of a period, in seconds: about 300 means, never shorter than what is worth asking for. */
export function stepOf(hours: number): number {
  const steps = [10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10_800, 21_600, 28_800];
  return steps.find((s) => s >= (hours * 3600) / 320) ?? 28_800;
}

/** What a series is called: device and edge, or the edge alone. */
export function nameOf(s: Series): string {
  const { device, edge, grid } = s.labels;
  return [device, edge, device ? grid : ''].filter(Boolean).join(' · ') || s.metric;
}

const MIN_GAP_STEPS = 2;
const GAP_FACTOR = 3;

/** From which distance of two points on there is a gap: three times the series' own usual distance, at least two steps. Milliseconds. */
export function gapOf(times: readonly number[], step: number): number {
  const apart = times.slice(1).map((t, i) => t - (times[i] as number)).sort((a, b) => a - b);
  const median = apart[Math.floor(apart.length / 2)] ?? 0;
  return Math.max(MIN_GAP_STEPS * step, GAP_FACTOR * median);
}

/** The line of a series; where nothing was measured for long, a point without a value stands. step is in milliseconds. */
export function lineOf(s: Series, step: number): Line {
  const times = s.points.map((p) => Date.parse(p.at));
  const gap = gapOf(times, step);
  const points: [number, number | null][] = [];
  s.points.forEach((p, i) => {
    const at = times[i] as number;
    const before = times[i - 1];
    if (before !== undefined && at - before > gap) points.push([before + step, null]);
    points.push([at, scaled(s, p.value)]);
  });
  return { label: nameOf(s), points };
}

export interface TableRow {
  at: number;
  values: (number | null)[];
}

/** The same values as rows, newest first, at most n; null where a series has none at that time. */
export function tableOf(lines: readonly Line[], n: number): TableRow[] {
  const rows = new Map<number, (number | null)[]>();
  lines.forEach((line, i) => {
    for (const [at, value] of line.points) {
      const row = rows.get(at) ?? lines.map(() => null);
      row[i] = value;
      rows.set(at, row);
    }
  });
  return [...rows.entries()].sort(([a], [b]) => b - a).slice(0, n).map(([at, values]) => ({ at, values }));
}

/** A value as it is written: at most four significant digits, no exponent. */
export const written = (v: number): string => Number(v.toPrecision(4)).toLocaleString('en-US', { maximumFractionDigits: 4, useGrouping: false });
