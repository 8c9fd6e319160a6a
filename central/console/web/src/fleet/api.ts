/** Central's calls about what edges are configured as. */
import { query, request } from '../api';

export interface Edge {
  edge: string;
  online: boolean;
  state: string;
  since?: string;
  why?: string;
  waits?: string;
  problems?: number;
  sections?: string[];
  file?: string;
  software?: string;
  layers: { layer: string; version: number; newest: number }[];
  groups: string[];
}

export interface EdgePage {
  items: Edge[];
  next: string;
  counts: Record<string, number>;
}

export interface Layer {
  layer: string;
  version: number;
  at: string;
  by: string;
  why: string;
  text?: string;
}

export interface Group {
  name: string;
  order?: number;
  edges?: string[];
  grid?: string;
  pattern?: string;
}

/** What rollouts of configurations and of builds have in common. */
export interface Waves {
  id: string;
  reason: string;
  at: string;
  by: string;
  state: string;
  waves: number[];
  wave: number;
  why?: string;
}

export interface Rollout extends Waves {
  layer: string;
  version: number;
}

export interface RolloutEdge {
  edge: string;
  state: string;
  why?: string;
  waits?: string;
}

export interface RolloutFile extends Rollout {
  edges: RolloutEdge[];
}

export interface Build {
  version: string;
  platform: string;
}

export interface BuildRollout extends Waves {
  version: string;
  to?: string;
  edges: RolloutEdge[];
}

export interface Standing {
  edge: string;
  state: string;
  wanted?: string;
  running: string;
  why?: string;
  waits?: string;
}

export interface StandingPage {
  items: Standing[];
  next: string;
  counts: Record<string, number>;
}

export interface Preview {
  count: number;
  edge: string;
  diff: string[];
}

/** The states of an edge, in the order in which they are offered. */
export const STATES = ['in-force', 'alone', 'fetching', 'trying', 'waiting', 'away', 'refused', 'rolled-back'] as const;

/** The same for builds. */
export const BUILD_STATES = ['in-force', 'own', 'fetching', 'trying', 'waiting', 'away', 'refused', 'rolled-back'] as const;

const AT = '/v1/configuration';
const layerPath = (layer: string): string => `${AT}/layers/${encodeURIComponent(layer)}`;

export const edgesOf = (state: string, group: string, after: string, signal?: AbortSignal): Promise<EdgePage> =>
  request<EdgePage>(`${AT}/edges${query({ state, group, after })}`, { signal });

export const groupsOf = async (signal?: AbortSignal): Promise<Group[]> => (await request<{ items: Group[] }>(`${AT}/groups`, { signal })).items;

export const layersOf = async (signal?: AbortSignal): Promise<Layer[]> => (await request<{ items: Layer[] }>(`${AT}/layers`, { signal })).items;

export const textOf = (layer: string): Promise<Layer> => request<Layer>(`${layerPath(layer)}/versions/0`);

export const preview = (layer: string, text: string): Promise<Preview> => request<Preview>(`${layerPath(layer)}/preview`, { method: 'POST', body: { text } });

export const push = (layer: string, text: string, why: string, seen: number): Promise<Layer> =>
  request<Layer>(layerPath(layer), { method: 'PUT', body: { text, why }, ...(seen > 0 ? { ifMatch: seen } : {}) });

export const rolloutsOf = async (signal?: AbortSignal): Promise<Rollout[]> => (await request<{ items: Rollout[] }>(`${AT}/rollouts`, { signal })).items;

export const rolloutOf = (id: string, signal?: AbortSignal): Promise<RolloutFile> => request<RolloutFile>(`${AT}/rollouts/${id}`, { signal });

export const start = (layer: string, why: string, waves: string[]): Promise<Rollout> => request<Rollout>(`${AT}/rollouts`, { method: 'POST', body: { layer, why, waves } });

export const act = (id: string, action: string): Promise<Rollout> => request<Rollout>(`${AT}/rollouts/${id}/${action}`, { method: 'POST' });

const BUILDS = '/v1/releases';

export const buildsOf = async (signal?: AbortSignal): Promise<Build[]> => (await request<{ items: Build[] }>(BUILDS, { signal })).items;

export const standingsOf = (state: string, after: string, signal?: AbortSignal): Promise<StandingPage> => request<StandingPage>(`${BUILDS}/edges${query({ state, after })}`, { signal });

export const buildRolloutsOf = async (signal?: AbortSignal): Promise<Waves[]> => (await request<{ items: Waves[] }>(`${BUILDS}/rollouts`, { signal })).items;

export const buildRolloutOf = (id: string, signal?: AbortSignal): Promise<BuildRollout> => request<BuildRollout>(`${BUILDS}/rollouts/${id}`, { signal });

export const startBuild = (version: string, to: string, why: string, waves: string[]): Promise<Waves> => request<Waves>(`${BUILDS}/rollouts`, { method: 'POST', body: { version, to, why, waves } });

export const actBuild = (id: string, action: string): Promise<Waves> => request<Waves>(`${BUILDS}/rollouts/${id}/${action}`, { method: 'POST' });
