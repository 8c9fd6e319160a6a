/** Central's calls about searches for cameras: what an edge found near it, and the configuration that it proposes. */
import { query, request } from '../api';
import type { Args } from '../i18n';

/** What an edge notes of a device; it may know more than these (protocols/ingest). */
export const NOTES = ['no-answer', 'channels', 'clock', 'account', 'hikvision', 'dahua', 'port', 'conventional', 'which-events', 'events'] as const;

export type Note = (typeof NOTES)[number];

/** A device that was found, as it names itself. */
export interface Found {
  address: string;
  protocols: string[];
  manufacturer?: string;
  model?: string;
  /** What is not known, in English, and the same as codes. */
  notes: string[];
  said?: { code: string; args?: Args }[];
  /** Entries for the edge's file, without a secret. */
  proposal: string;
}

export interface Discovery {
  id: string;
  by: string;
  at: string;
  /** Nobody waits for a result then any more. */
  until: string;
  forSec: number;
  done: boolean;
  /** Absent while the edge has not answered. */
  result?: { why?: string; more?: boolean; found: Found[] };
}

interface Raw extends Omit<Discovery, 'result'> {
  result?: { why?: string; more?: boolean; found?: (Omit<Found, 'protocols' | 'notes' | 'proposal'> & Partial<Found>)[] };
}

const fill = ({ result, ...d }: Raw): Discovery => ({
  ...d, ...(result ? { result: { ...result, found: (result.found ?? []).map((f) => ({ ...f, protocols: f.protocols ?? [], notes: f.notes ?? [], proposal: f.proposal ?? '' })) } } : {}),
});

const path = (edge: string): string => `/v1/edges/${encodeURIComponent(edge)}/discoveries`;

/** How long central waits for the answer of the edge, in seconds. */
const WAIT = 5;

export const discoveriesOf = async (edge: string, signal?: AbortSignal): Promise<Discovery[]> =>
  (await request<{ items?: Raw[] }>(path(edge), { signal })).items?.map(fill) ?? [];

export const askDiscovery = async (edge: string, forSec: number): Promise<Discovery> => fill(await request<Raw>(path(edge), { method: 'POST', body: { forSec } }));

export const discoveryOf = async (id: string, signal?: AbortSignal): Promise<Discovery> =>
  fill(await request<Raw>(`/v1/discoveries/${encodeURIComponent(id)}${query({ wait: WAIT })}`, { signal }));
