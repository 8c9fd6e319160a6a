/** Central's calls about sealed clips: who asked to see which, who approved, and the clip itself. */
import { blob, request } from '../api';
import type { Session } from '../types';

export const REASONS = ['case-evidence', 'authority', 'accident', 'complaint'] as const;
export const STATES = ['asked', 'approved', 'refused', 'expired', 'closed'] as const;

export interface Unsealing {
  id: string;
  alert: string;
  clip: string;
  grid: string;
  reason: string;
  text: string;
  by: string;
  unit?: string;
  at: string;
  /** By when another is to decide. */
  until: string;
  approver?: string;
  decidedAt?: string;
  /** Until when the two may see it. */
  viewUntil?: string;
  state: string;
  /** The key is not at central: the clip comes sealed. */
  offline: boolean;
}

/** Characters of the written reason. */
export const MIN_TEXT = 10;
export const MAX_TEXT = 500;

/** What central lets these roles do; it decides, this only spares a refusal. */
export const mayAsk = (s: Session): boolean => s.role === 'operator' || s.role === 'supervisor';
export const seesUnsealings = (s: Session): boolean => mayAsk(s) || s.role === 'auditor';
export const mayDecide = (s: Session, r: Unsealing): boolean => s.role === 'supervisor' && r.state === 'asked' && r.by !== s.user;
export const mayView = (s: Session, r: Unsealing): boolean => mayAsk(s) && r.state === 'approved' && (r.by === s.user || r.approver === s.user);

const AT = '/v1/unsealings';

/** How long a clip may take to come, in milliseconds. */
const SLOW = 120_000;

export const unsealingsOf = async (signal?: AbortSignal): Promise<Unsealing[]> => (await request<{ items?: Unsealing[] }>(AT, { signal })).items ?? [];

export const ask = (alert: string, clip: string, reason: string, text: string): Promise<Unsealing> =>
  request<Unsealing>(`/v1/alerts/${encodeURIComponent(alert)}/unsealings`, { method: 'POST', body: { clip, reason, text } });

export const decide = (id: string, what: 'approve' | 'refuse'): Promise<Unsealing> => request<Unsealing>(`${AT}/${encodeURIComponent(id)}/${what}`, { method: 'POST' });

export const clipOf = (id: string, signal?: AbortSignal): Promise<Blob> => blob(`${AT}/${encodeURIComponent(id)}/clip`, SLOW, signal);

/** The case of an alert; empty if it joined none. */
export const caseOf = async (alert: string): Promise<string> => (await request<{ caseId?: string }>(`/v1/alerts/${encodeURIComponent(alert)}`)).caseId ?? '';
