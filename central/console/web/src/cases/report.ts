/** What a report by hand is sent as. Pure. */
import type { Report, Severity } from '../types';

/** What was typed. */
export interface Draft {
  class: string;
  grid: string;
  lon: string;
  lat: string;
  severity: Severity | '';
  note: string;
  exercise: boolean;
}

const GRID = /^([0-9]{12}|[0-9]{15}|[0-9]{20})$/;

/** The report of a draft, or null while it lacks a class, or both a grid code and a place. */
export function reportOf(id: string, d: Draft): Report | null {
  const place = placeOf(d.lon, d.lat);
  if (d.class === '' || place === null || (d.grid === '' ? !place : !GRID.test(d.grid))) return null;
  return {
    id, class: d.class,
    ...(d.grid === '' ? {} : { grid: d.grid }), ...(place ? { place } : {}), ...(d.severity === '' ? {} : { severity: d.severity }),
    ...(d.note.trim() === '' ? {} : { note: d.note.trim() }), ...(d.exercise ? { exercise: true } : {}),
  };
}

/** undefined where nothing was typed, null for what is no place. */
function placeOf(lon: string, lat: string): { lon: number; lat: number } | undefined | null {
  if (lon.trim() === '' && lat.trim() === '') return undefined;
  const place = { lon: degrees(lon, 180), lat: degrees(lat, 90) };
  return Number.isNaN(place.lon + place.lat) ? null : place;
}

function degrees(text: string, most: number): number {
  const n = /^\s*-?[0-9]{1,3}(\.[0-9]+)?\s*$/.test(text) ? Number(text) : NaN;
  return Math.abs(n) <= most ? n : NaN;
}
