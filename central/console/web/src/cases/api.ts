/** What the case desk asks of central beside ../api: undo, several cases at once, who and what is near a case. */
import { query, request, type Fault } from '../api';
import type { Case, StepBody } from '../types';

export interface Colleague {
  name: string;
  /** Absent: the centre itself. */
  unit?: string;
}

/** One series of a sensor: labels device, quantity and unit. */
export interface Series {
  metric: string;
  labels: Readonly<Record<string, string>>;
  points: readonly { at: string; value: number }[];
}

export interface NearReadings {
  from: string;
  to: string;
  items: Series[];
}

/** What is done with several cases: one of the three. */
export type BulkStep = { step: StepBody } | { undo: true } | { into: string };

export interface BulkOutcome {
  id: string;
  status: number;
  position?: number;
  problem?: { detail?: string; errors?: Fault[] };
}

const of = (id: string, what: string): string => `/v1/cases/${encodeURIComponent(id)}/${what}`;

export const desk = {
  staff: (grid: string, signal?: AbortSignal) => request<{ items: Colleague[] }>(`/v1/staff${query({ grid })}`, { signal }).then((l) => l.items ?? []),
  neighbours: (id: string, signal?: AbortSignal) => request<{ items: Case[] }>(of(id, 'neighbours'), { signal }).then((l) => l.items ?? []),
  readings: (id: string, signal?: AbortSignal) => request<NearReadings>(of(id, 'readings'), { signal }),
  /** The key makes a repetition of the same request harmless. */
  bulk: (what: BulkStep, cases: readonly { id: string; position: number }[], key: string) =>
    request<{ items: BulkOutcome[] }>('/v1/cases/bulk', { method: 'POST', key, timeout: 60_000, body: { ...what, cases: cases.map(({ id, position }) => ({ id, position })) } })
      .then((r) => r.items ?? []),
};
