/** Central's call about the ten steps of one alert (central/trace). */
import { request } from '../api';

export const STEPS = ['source', 'decode', 'detect', 'raise', 'outbox', 'forward', 'ingest', 'correlate', 'case', 'feed'] as const;
export const OUTCOMES = ['opened', 'joined', 'reopened', 'cleared', 'no-case', 'at-edge', 'rejected', 'forgotten'] as const;
export const KNOWN = ['alert', 'id', 'store', 'edge-log', 'central-log'] as const;

export interface Step {
  n: number;
  name: string;
  at?: string;
  clock?: string;
  /** Milliseconds after the last step with a known time. */
  afterMs?: number;
  known?: string;
}

export interface Trace {
  outcome: string;
  steps: Step[];
  /** Milliseconds from step 1 to step 9. */
  totalMs?: number;
  /** What the edge's clock was off central's. */
  skewMs?: number;
  uncertaintyMs: number;
}

export const traceOf = (alert: string, signal?: AbortSignal): Promise<Trace> => request<Trace>(`/v1/alerts/${encodeURIComponent(alert)}/trace`, { signal });
