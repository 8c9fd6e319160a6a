/** Central's calls about edges, cameras and sensors, and what is wanted of them. */
import { ApiError, query, request } from '../api';
import type { DrawnZone } from '../cameras/draft';
import type { Outline } from '../cameras/geometry';
import type { Device, Edge, ZoneMode } from '../types';

export const TROUBLES = ['offline', 'clock', 'waiting', 'dead-letters', 'missing', 'refused', 'devices'] as const;
export type Trouble = (typeof TROUBLES)[number];

/** How many devices are well, of how many. */
export interface Wellness {
  total: number;
  ok: number;
  waiting: number;
  failing: number;
  unheard: number;
}

/** What an edge takes of its machine; shares are means since it was started. */
export interface Cost {
  /** Processor cores in use. */
  processor: number;
  /** Cores busy with decoding. */
  decoding: number;
  memoryBytes: number;
  freeBytes: number;
  outboxBytes: number;
}

export interface KnownDevice extends Device {
  lane?: string;
  /** The version of the arrangement in force; 0 or absent: the edge's file. */
  arrangement?: number;
  refused?: string;
}

export interface KnownEdge extends Edge {
  devices: KnownDevice[];
  trouble: Trouble[];
  cameras: Wellness;
  sensors: Wellness;
  cost?: Cost;
  gaps: { lane: string; missing: number }[];
}

export interface EdgeCounts {
  edges: number;
  online: number;
  trouble: number;
  cameras: Wellness;
  sensors: Wellness;
}

export interface EdgePage {
  items: KnownEdge[];
  next: string;
  matched: number;
  counts: EdgeCounts;
}

/** How often a device was right. */
export interface DeviceFigures {
  from: string;
  opened: number;
  falseAlarms: number;
  falseAlarmRate?: number;
}

export interface DeviceFile extends KnownDevice {
  edge: string;
  online: boolean;
  skewMs: number;
  figures?: DeviceFigures;
}

/** What was drawn at the centre, and whether the edge follows it. Version 0: nothing, the edge's file holds. */
export interface Arranged {
  version: number;
  zones: DrawnZone[];
  masks: Outline[];
  by?: string;
  at?: string;
  reported: number;
  inForce: boolean;
  refused?: string;
}

/** How a device, or a zone of a camera, is armed for a while. */
export interface Mode {
  device: string;
  zone?: string;
  mode: ZoneMode;
  until: string;
  reason?: string;
  by: string;
  at: string;
}

export interface Modes {
  version: number;
  items: Mode[];
}

const path = (...parts: string[]): string => `/v1/edges/${parts.map(encodeURIComponent).join('/')}`;

const fillEdge = (e: KnownEdge): KnownEdge => ({ ...e, devices: e.devices ?? [], outbox: e.outbox ?? [], gaps: e.gaps ?? [], trouble: e.trouble ?? [] });

export async function edgePage(filter: Readonly<Record<string, string | number | undefined>>, signal?: AbortSignal): Promise<EdgePage> {
  const page = await request<EdgePage>(`/v1/edges${query(filter)}`, { signal });
  return { ...page, items: page.items.map(fillEdge), next: page.next ?? '' };
}

export const edgeOf = async (id: string, signal?: AbortSignal): Promise<KnownEdge> => fillEdge(await request<KnownEdge>(path(id), { signal }));

export const deviceOf = (edge: string, device: string, signal?: AbortSignal): Promise<DeviceFile> => request(path(edge, 'devices', device), { signal });

/** Nothing, where central has no such part or nothing of the kind is known. */
async function unless404<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (err) {
    if (err instanceof ApiError && (err.status === 404 || err.status === 405)) return null;
    throw err;
  }
}

interface RawArranged extends Omit<Arranged, 'zones' | 'masks'> {
  zones?: { name: string; outline?: [number, number][]; minArea?: number; minDurationMs?: number }[];
  masks?: [number, number][][];
}

const fillArranged = (a: RawArranged): Arranged => ({
  ...a,
  zones: (a.zones ?? []).map((z) => ({ name: z.name, outline: z.outline ?? [], minArea: z.minArea ?? 0, minDurationMs: z.minDurationMs ?? 0 })),
  masks: a.masks ?? [],
});

/** Zones and masks as central takes them: what is empty is left out. */
export function bodyOf({ zones, masks }: { zones: readonly DrawnZone[]; masks: readonly Outline[] }) {
  return {
    zones: zones.map((z) => ({
      name: z.name, ...(z.outline.length > 0 ? { outline: z.outline } : {}), ...(z.minArea > 0 ? { minArea: z.minArea } : {}), ...(z.minDurationMs > 0 ? { minDurationMs: z.minDurationMs } : {}),
    })),
    masks,
  };
}

/** Version 0 has no tag: whatever there is. */
const matching = (seen: number) => (seen > 0 ? { ifMatch: seen } : {});

const arrangement = (edge: string, camera: string): string => path(edge, 'cameras', camera, 'arrangement');

export async function arrangedOf(edge: string, camera: string, signal?: AbortSignal): Promise<Arranged | null> {
  const a = await unless404(request<RawArranged>(arrangement(edge, camera), { signal }));
  return a && fillArranged(a);
}

export const arrange = async (edge: string, camera: string, seen: number, drawing: { zones: readonly DrawnZone[]; masks: readonly Outline[] }): Promise<Arranged> =>
  fillArranged(await request<RawArranged>(arrangement(edge, camera), { method: 'PUT', ...matching(seen), body: bodyOf(drawing) }));

/** Takes back what was drawn: the edge's file holds again. */
export const unarrange = (edge: string, camera: string, seen: number): Promise<void> => request(arrangement(edge, camera), { method: 'DELETE', ...matching(seen) });

export const modesOf = (edge: string, signal?: AbortSignal): Promise<Modes | null> => unless404(request<Modes>(path(edge, 'modes'), { signal }));

export interface ModeAsked {
  device: string;
  zone?: string;
  mode: ZoneMode;
  until: string;
  reason?: string;
}

export const setMode = (edge: string, asked: ModeAsked): Promise<Modes> => request(path(edge, 'modes'), { method: 'POST', body: asked });

export const endMode = (edge: string, device: string, zone = ''): Promise<void> => request(`${path(edge, 'modes')}${query({ device, zone })}`, { method: 'DELETE' });

/** A look at a camera, and what it came to: the bytes are those that went over the edge's uplink. */
export interface Look {
  id: string;
  camera: string;
  by: string;
  until: string;
  everyMs: number;
  count?: number;
  pictures: number;
  bytes: number;
  /** What it costs the uplink of the edge; 0 before the second picture. */
  bytesPerSecond?: number;
  endedAt?: string;
  /** Why it ended: stopped, over, unwatched, counted, forbidden. */
  cause?: string;
}

export interface LookAsked {
  camera: string;
  reason: string;
  seconds: number;
  everyMs?: number;
  count?: number;
  maxSide?: number;
}

const look = (id: string): string => `/v1/looks/${encodeURIComponent(id)}`;

const fillLook = (l: Look): Look => ({ ...l, pictures: l.pictures ?? 0, bytes: l.bytes ?? 0 });

export const askLook = async (edge: string, { camera, ...asked }: LookAsked): Promise<Look> =>
  fillLook(await request<Look>(path(edge, 'cameras', camera, 'looks'), { method: 'POST', body: asked }));
export const lookOf = async (id: string, signal?: AbortSignal): Promise<Look> => fillLook(await request<Look>(look(id), { signal }));

/** Ends a look, also from a page that is being left. What is over already stays so. */
export async function endLook(id: string): Promise<void> {
  await fetch(look(id), { method: 'DELETE', credentials: 'same-origin', keepalive: true }).catch(() => undefined);
}

/** How long central waits for another picture, and for a result, in seconds. Between two pictures what a look costs is asked for. */
const WAIT = 2;
const RESULT_WAIT = 5;

/** A picture of a look with its entity tag. */
export interface LookPicture {
  tag: string;
  jpeg: Blob;
}

/** The newest picture of a look; null if there is none beside the one with the tag. Central waits a little for one. 404 and 410: it is over. */
export async function lookPicture(id: string, tag: string, signal: AbortSignal): Promise<LookPicture | null> {
  let response: Response;
  try {
    response = await fetch(`${look(id)}/picture?wait=${WAIT}`, { signal, credentials: 'same-origin', cache: 'no-store', headers: tag === '' ? {} : { 'If-None-Match': tag } });
  } catch (err) {
    throw new ApiError(0, String(err));
  }
  if (response.status === 204 || response.status === 304) return null;
  if (!response.ok) throw new ApiError(response.status, await response.json().then((p: { detail?: string }) => p.detail ?? '', () => ''));
  return { tag: response.headers.get('ETag') ?? '', jpeg: await response.blob() };
}

export interface TrialEvent {
  zone: string;
  kind: string;
  from: string;
  to: string;
}

export interface TrialResult {
  from: string;
  to: string;
  samples: number;
  why?: string;
  would?: TrialEvent[];
  did?: TrialEvent[];
}

export interface Trial {
  id: string;
  until: string;
  lastSec: number;
  /** Absent while the edge has not answered. */
  result?: TrialResult;
}

export const askTrial = (edge: string, camera: string, lastSec: number, drawing: { zones: readonly DrawnZone[]; masks: readonly Outline[] }): Promise<Trial> =>
  request(path(edge, 'cameras', camera, 'trials'), { method: 'POST', body: { lastSec, ...bodyOf(drawing) } });
/** Central waits a little for the answer of the edge. */
export const trialOf = (id: string, signal?: AbortSignal): Promise<Trial> => request(`/v1/trials/${encodeURIComponent(id)}?wait=${RESULT_WAIT}`, { signal });
