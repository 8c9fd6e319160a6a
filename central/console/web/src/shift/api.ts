/** Shift handovers: their shapes and the calls about them. */
import { query, request } from '../api';
import type { CaseState, Family, Kind, Page, Severity } from '../types';

export const HANDOVER_STATES = ['draft', 'signed', 'accepted', 'withdrawn'] as const;
export type HandoverState = (typeof HANDOVER_STATES)[number];

/** A handover without its picture. */
export interface Head {
  id: string;
  state: HandoverState;
  /** Prefixes of the grids that it is about; none: all. */
  grids: string[];
  from: string;
  until: string;
  notes: string;
  outgoing: string;
  signedAt?: string;
  incoming?: string;
  acceptedAt?: string;
  withdrawnBy?: string;
  withdrawnAt?: string;
}

export interface Tally {
  severity: Severity;
  open: number;
  acknowledged: number;
  overdue: number;
}

export interface CaseLine {
  id: string;
  kind: Kind;
  class: string;
  grid: string;
  zone?: string;
  severity: Severity;
  state: CaseState;
  workflow?: string;
  step?: string;
  unit?: string;
  assignee?: string;
  alerts: number;
  openedAt: string;
  dueAt?: string;
  wakeAt?: string;
}

/** The first of a list and how long it is. */
export interface Some<T> {
  total: number;
  items: T[];
}

export const SILENCE_SORTS = ['silence', 'maintenance'] as const;

/** What stood open at a moment. */
export interface Picture {
  at: string;
  cut?: boolean;
  open: Tally[];
  parked: number;
  worst: CaseLine[];
  due: Some<CaseLine>;
  waking: Some<CaseLine>;
  exercises: Some<CaseLine>;
  edges: Some<{ id: string; since: string; devices: number }>;
  devices: Some<{ edge: string; id: string; family: Family; grid: string; state: string; since: string }>;
  silences: Some<{ id: string; sort: (typeof SILENCE_SORTS)[number]; grid?: string; kinds?: Kind[]; reason: string; from: string; until: string; active: boolean }>;
  happened: { opened: number; lifeSafety: number; merged: number; closed: number; cleared: number; falseAlarms: number };
}

export interface Handover extends Head {
  picture: Picture;
  /** A change and a signature are of the version that was seen. */
  version: number;
}

export const STEPS = ['sign', 'accept', 'withdraw'] as const;
export type Step = (typeof STEPS)[number];

const path = (id: string, step = ''): string => `/v1/handovers/${encodeURIComponent(id)}${step}`;

export const shiftApi = {
  list: (filter: { state?: string; cursor?: string; limit?: number }, signal?: AbortSignal): Promise<Page<Head>> => request(`/v1/handovers${query(filter)}`, { signal }),
  one: (id: string, signal?: AbortSignal): Promise<Handover> => request(path(id), { signal }),
  begin: (from: Date, until: Date): Promise<Handover> => request('/v1/handovers', { method: 'POST', body: { from: from.toISOString(), until: until.toISOString() } }),
  change: (h: Handover, notes: string, again: boolean): Promise<Handover> => request(path(h.id), { method: 'PUT', body: { notes, again }, ifMatch: h.version }),
  step: (h: Handover, step: Step): Promise<Handover> => request(path(h.id, `/${step}`), { method: 'POST', ifMatch: h.version }),
};
