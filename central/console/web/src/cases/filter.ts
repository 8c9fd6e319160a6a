/** The closed list of case filters, as they stand in the address, what central is asked for, and whether a case passes them. Pure. */
import {
  CASE_STATES, KINDS, LEVELS, ORIGINS, SEVERITIES, type Case, type CaseState, type Kind, type Level, type Origin, type Severity,
} from '../types';
import { dueAt } from './deadlines';

export interface CaseFilter {
  state: CaseState | '';
  /** At least this grave. */
  severity: Severity | '';
  kind: Kind | '';
  /** The first digits of a grid code. */
  grid: string;
  step: string;
  unit: string;
  level: Level | '';
  /** The first digits of an event class. */
  class: string;
  origin: Origin | '';
  /** "yes": a deadline has passed. */
  overdue: 'yes' | '';
  /** "yes": those too that are part of others. */
  merged: 'yes' | '';
}

export const noFilter: CaseFilter = { state: '', severity: '', kind: '', grid: '', step: '', unit: '', level: '', class: '', origin: '', overdue: '', merged: '' };

/** Reads an address; a value outside its list filters nothing. */
export function parseFilter(query: URLSearchParams): CaseFilter {
  const one = <T extends string>(name: string, list: readonly T[]): T | '' => list.find((v) => v === query.get(name)) ?? '';
  const digits = (name: string, n: number) => (query.get(name) ?? '').replace(/[^0-9]/g, '').slice(0, n);
  const code = (name: string, n: number) => (query.get(name) ?? '').slice(0, n);
  return {
    state: one('state', CASE_STATES),
    severity: one('severity', SEVERITIES),
    kind: one('kind', KINDS),
    grid: digits('grid', 20),
    step: code('step', 40),
    unit: code('unit', 64),
    level: one('level', LEVELS),
    class: digits('class', 4),
    origin: one('origin', ORIGINS),
    overdue: one('overdue', ['yes'] as const),
    merged: one('merged', ['yes'] as const),
  };
}

/** What central is asked for at a moment. */
export function asked({ overdue, merged, ...f }: CaseFilter, now: Date): Readonly<Record<string, string>> {
  return { ...f, dueBefore: overdue ? now.toISOString() : '', parent: merged ? '' : 'none' };
}

export function passes(c: Case, f: CaseFilter, now: Date): boolean {
  return (f.state === '' || c.state === f.state)
    && (f.severity === '' || SEVERITIES.indexOf(c.severity) >= SEVERITIES.indexOf(f.severity))
    && (f.kind === '' || c.kind === f.kind)
    && (f.step === '' || c.step === f.step)
    && (f.unit === '' || c.unit === f.unit)
    && (f.level === '' || c.level === f.level)
    && (f.origin === '' || c.origin === f.origin)
    && (f.overdue === '' || (c.state !== 'closed' && dueAt(c) !== '' && Date.parse(dueAt(c)) < now.getTime()))
    && (f.merged === 'yes' || !c.parent)
    && c.grid.startsWith(f.grid) && c.class.startsWith(f.class);
}
