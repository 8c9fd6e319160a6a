/** Central's call about the ten steps of one alert (central/trace). */
import { request } from '../api';
import type { Args } from '../i18n';

export const STEPS = ['source', 'decode', 'detect', 'raise', 'outbox', 'forward', 'ingest', 'correlate', 'case', 'feed'] as const;
export const OUTCOMES = ['opened', 'joined', 'reopened', 'cleared', 'no-case', 'at-edge', 'rejected', 'forgotten'] as const;
export const KNOWN = ['alert', 'id', 'store', 'edge-log', 'central-log'] as const;

/** What is said of a step, or of why an alert came to its outcome (central/trace). */
export const SAID = ['between', 'no-picture', 'not-stored', 'by-camera', 'by-edge', 'on-receipt', 'minted', 'no-minting', 'committed', 'in-log', 'sent', 'sent-in-log', 'waits', 'absent', 'stored',
  'no-case', 'old-event', 'decided', 'event', 'gathered', 'shown', 'only-end', 'old-join', 'refused', 'deleted', 'at-edge', 'follows', 'opens', 'reopens', 'ends', 'joined-with'] as const;

export type Said = (typeof SAID)[number];

export interface Step {
  n: number;
  name: string;
  at?: string;
  clock?: string;
  /** Milliseconds after the last step with a known time. */
  afterMs?: number;
  known?: string;
  /** In English, for a code that is not known here. */
  note?: string;
  noteCode?: string;
  noteArgs?: Args;
}

export interface Trace {
  outcome: string;
  why: string;
  whyCode?: string;
  whyArgs?: Args;
  steps: Step[];
  /** Milliseconds from step 1 to step 9. */
  totalMs?: number;
  /** What the edge's clock was off central's. */
  skewMs?: number;
  uncertaintyMs: number;
}

export const traceOf = (alert: string, signal?: AbortSignal): Promise<Trace> => request<Trace>(`/v1/alerts/${encodeURIComponent(alert)}/trace`, { signal });
