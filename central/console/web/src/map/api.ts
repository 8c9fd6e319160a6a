/** What the map asks central for, and its shapes. Positions are WGS 84 (CGCS2000 is within a metre), degrees, longitude first. */
import { query, request } from '../api';
import type { CaseState, Family, Kind, Severity, Stage } from '../types';

export type Ring = readonly (readonly [number, number])[];

/** A GeoJSON polygon or several (RFC 7946). */
export type Shape = { type: 'Polygon'; coordinates: readonly Ring[] } | { type: 'MultiPolygon'; coordinates: readonly (readonly Ring[])[] };

export const GRID_LEVELS = ['city', 'district', 'township', 'community', 'grid', 'micro-grid'] as const;
export type GridLevel = (typeof GRID_LEVELS)[number];

export interface GridFeature {
  type: 'Feature';
  geometry: Shape;
  properties: {
    code: string;
    title: { zh: string; en?: string };
    level: GridLevel;
    /** A point within, for a mark: longitude, latitude. */
    inner: [number, number];
  };
}

/** The tiles below the polygons. */
export interface Tiles {
  datum: 'wgs84' | 'gcj02';
  attribution: string;
  minZoom: number;
  maxZoom: number;
}

export interface Outlines {
  type: 'FeatureCollection';
  /** The levels that have shapes, the largest first. */
  levels: GridLevel[];
  /** The level that is shown. */
  level?: GridLevel;
  features: GridFeature[];
  tiles?: Tiles;
}

/** What colours a grid: cases that are not closed, drills and parts of other cases left out. */
export interface GridCount {
  code: string;
  open: number;
  acknowledged: number;
  /** The gravest; absent where there is no case. */
  severity?: Severity;
  yellow: number;
  red: number;
  /** Drills that are not over. */
  exercises: number;
  devices: number;
  /** Devices that do not work, or whose edge is out of touch. */
  faults: number;
}

export interface MapCase {
  id: string;
  /** The grid of the map in which it is counted, and its own. */
  in: string;
  grid: string;
  kind: Kind;
  class: string;
  severity: Severity;
  state: CaseState;
  openedAt: string;
  stage?: Stage;
  due?: string;
  exercise?: boolean;
  place?: { lon: number; lat: number };
}

export interface MapDevice {
  edge: string;
  id: string;
  in: string;
  grid: string;
  family: Family;
  state: string;
  since: string;
  /** Its edge is out of touch: the state is the last that is known. */
  stale?: boolean;
}

/** How things stand. Lists end after so many; the counts do not. */
export interface Standing {
  grids: GridCount[];
  cases: MapCase[];
  devices: MapDevice[];
  moreCases: number;
  moreDevices: number;
}

export const mapApi = {
  outlines: (level: GridLevel | '', signal?: AbortSignal): Promise<Outlines> => request(`/v1/map/grids${query({ level })}`, { signal }),
  standing: (level: GridLevel | '', signal?: AbortSignal): Promise<Standing> => request(`/v1/map${query({ level })}`, { signal }),
  /** The shape of one grid as it is now; null where it has none. */
  shape: async (code: string, signal?: AbortSignal): Promise<{ title: { zh: string; en?: string }; shape: Shape | null }> => {
    const g = await request<{ title: { zh: string; en?: string }; periods: { from: string; to?: string; shape?: Shape | null }[] }>(`/v1/grids/${encodeURIComponent(code)}`, { signal });
    const now = Date.now();
    const period = g.periods.find((p) => Date.parse(p.from) <= now && (!p.to || now < Date.parse(p.to)));
    return { title: g.title, shape: period?.shape ?? null };
  },
};
