/** The closed list of case filters, as they stand in the address, and whether a case passes them. Pure. */
import { CASE_STATES, KINDS, SEVERITIES, type Case, type CaseState, type Kind, type Severity } from '../types';

export interface CaseFilter {
  state: CaseState | '';
  /** At least this grave. */
  severity: Severity | '';
  kind: Kind | '';
  /** The first digits of a grid code. */
  grid: string;
}

export const noFilter: CaseFilter = { state: '', severity: '', kind: '', grid: '' };

/** Reads an address; a value outside its list filters nothing. */
export function parseFilter(query: URLSearchParams): CaseFilter {
  const one = <T extends string>(name: string, list: readonly T[]): T | '' => list.find((v) => v === query.get(name)) ?? '';
  return {
    state: one('state', CASE_STATES),
    severity: one('severity', SEVERITIES),
    kind: one('kind', KINDS),
    grid: (query.get('grid') ?? '').replace(/[^0-9]/g, '').slice(0, 20),
  };
}

export function passes(c: Case, f: CaseFilter): boolean {
  return (f.state === '' || c.state === f.state)
    && (f.severity === '' || SEVERITIES.indexOf(c.severity) >= SEVERITIES.indexOf(f.severity))
    && (f.kind === '' || c.kind === f.kind)
    && c.grid.startsWith(f.grid);
}
