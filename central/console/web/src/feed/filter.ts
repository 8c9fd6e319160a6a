/** The closed list of feed filters: as they stand in the address, what central is asked for, and whether an alert passes them. Pure. */
import { ALERT_STATES, FAMILIES, KINDS, SEVERITIES, type Alert, type AlertState, type Family, type Kind, type Severity } from '../types';

export const ANSWERS = ['yes', 'no'] as const;

export interface FeedFilter {
  /** At least this grave. */
  severity: Severity | '';
  kind: Kind | '';
  /** The first digits of a grid code. */
  grid: string;
  state: AlertState | '';
  edge: string;
  device: string;
  family: Family | '';
  exercise: (typeof ANSWERS)[number] | '';
}

export const noFilter: FeedFilter = { severity: '', kind: '', grid: '', state: '', edge: '', device: '', family: '', exercise: '' };

/** Reads an address, or a filter that was saved; a value outside its list filters nothing. */
export function parseFilter(get: (name: keyof FeedFilter) => string | null | undefined): FeedFilter {
  const one = <T extends string>(name: keyof FeedFilter, list: readonly T[]): T | '' => list.find((v) => v === get(name)) ?? '';
  const text = (name: keyof FeedFilter) => (get(name) ?? '').trim().slice(0, 64);
  return {
    severity: one('severity', SEVERITIES),
    kind: one('kind', KINDS),
    grid: (get('grid') ?? '').replace(/[^0-9]/g, '').slice(0, 20),
    state: one('state', ALERT_STATES),
    edge: text('edge'),
    device: text('device'),
    family: one('family', FAMILIES),
    exercise: one('exercise', ANSWERS),
  };
}

/** What central is asked for. It lists neither by family nor by exercise: those are sifted here. */
export function asked({ family: _, exercise: __, ...f }: FeedFilter): Readonly<Record<string, string>> {
  return f;
}

/** As central filters: a least severity, a prefix of the grid, everything else as it stands. */
export function passes(a: Alert, f: FeedFilter): boolean {
  return (f.severity === '' || SEVERITIES.indexOf(a.severity) >= SEVERITIES.indexOf(f.severity))
    && (f.kind === '' || a.kind === f.kind)
    && a.grid.startsWith(f.grid)
    && (f.state === '' || a.state === f.state)
    && (f.edge === '' || a.edge === f.edge)
    && (f.device === '' || a.device === f.device)
    && (f.family === '' || a.family === f.family)
    && (f.exercise === '' || a.exercise === (f.exercise === 'yes'));
}

export const same = (a: FeedFilter, b: FeedFilter): boolean => (Object.keys(noFilter) as (keyof FeedFilter)[]).every((name) => a[name] === b[name]);

export const isEmpty = (f: FeedFilter): boolean => same(f, noFilter);

/** The members that say something, as central keeps them. */
export const terse = (f: FeedFilter): Partial<FeedFilter> => Object.fromEntries(Object.entries(f).filter(([, v]) => v !== ''));
