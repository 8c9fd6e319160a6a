/** Central's calls about what edges are configured as. */
import { query, request } from '../api';

export interface Edge {
  edge: string;
  online: boolean;
  state: string;
  since?: string;
  why?: string;
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

export interface Rollout {
  id: string;
  layer: string;
  version: number;
  reason: string;
  at: string;
  by: string;
  state: string;
  waves: number[];
  wave: number;
  why?: string;
}

export interface RolloutFile extends Rollout {
  edges: { edge: string; state: string; why?: string }[];
}

export interface Preview {
  count: number;
  edge: string;
  diff: string[];
}

/** The states of an edge, in the order in which they are offered. */
export const STATES = ['in-force', 'alone', 'fetching', 'trying', 'waiting', 'away', 'refused', 'rolled-back'] as const;

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
