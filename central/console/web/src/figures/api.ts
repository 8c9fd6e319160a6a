/** Figures of cases and series over time: their shapes and the calls for them. */
import { all, query, request } from '../api';
import type { Text } from '../types';

/** One line of a report. What lines are not told apart by is absent. A rate is absent where there was nothing to divide by. */
export interface Row {
  day?: string;
  grid?: string;
  unit?: string;
  class?: string;
  source?: string;
  opened: number;
  closed: number;
  closedInTime: number;
  cleared: number;
  falseAlarms: number;
  reopened: number;
  overdue: number;
  extended: number;
  sentBack: number;
  reworked: number;
  supervised: number;
  parked: number;
  merged: number;
  rated: number;
  inTimeRate?: number;
  reworkRate?: number;
  overdueRate?: number;
  falseAlarmRate?: number;
  rating?: number;
  steps?: { step: string; times: number; meanSeconds: number }[];
}

/** What a report is asked for; to is the day after the last. */
export interface Asked {
  from: string;
  to: string;
  grid?: string;
  by?: string;
  digits?: number;
  exercise?: boolean;
}

export interface Series {
  metric: string;
  labels: Readonly<Record<string, string>>;
  points: { at: string; value: number }[];
}

export interface SeriesAsked {
  quantity?: string;
  metric?: string;
  edge?: string;
  device?: string;
  grid?: string;
  from: string;
  to: string;
  step: string;
}

/** How many series central gives at most. */
export const MAX_SERIES = 100;

const asText = ({ exercise, ...rest }: Asked) => query({ ...rest, ...(exercise ? { exercise: 'true' } : {}) });

/** Where the figures are as a file. */
export const csvPath = (asked: Asked): string => `/v1/indicators.csv${asText(asked)}`;

export const figuresApi = {
  indicators: async (asked: Asked, signal?: AbortSignal): Promise<Row[]> => (await request<{ items?: Row[] }>(`/v1/indicators${asText(asked)}`, { signal })).items ?? [],
  devices: async (asked: Pick<Asked, 'from' | 'to'>, signal?: AbortSignal): Promise<Row[]> => (await request<{ items?: Row[] }>(`/v1/indicators/devices${asText(asked)}`, { signal })).items ?? [],
  series: async (asked: SeriesAsked, signal?: AbortSignal): Promise<Series[]> => (await request<{ items?: Series[] }>(`/v1/series${query({ ...asked })}`, { signal, timeout: 30_000 })).items ?? [],
  /** The areas of a level, for their names; the first 500. */
  areas: (level: string, prefix: string, signal?: AbortSignal) => all<{ code: string; title: Partial<Text> }>(`/v1/grids${query({ level, prefix, limit: 500 })}`, signal),
};
