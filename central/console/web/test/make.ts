/** Made-up values for tests. */
import type { Alert, Case, CaseEvent, Device, Evidence } from '../src/types';

export const AT = '2026-03-04T02:13:45Z';

export function evidence(n = 1): Evidence {
  return { id: `e${n}`, sha256: 'ab', mediaType: 'image/jpeg', bytes: 9, at: AT, url: `/v1/evidence/${n}` };
}

export function alert(position: number, more: Partial<Alert> = {}): Alert {
  return {
    id: `a${position}`, position, source: '/edges/e/cameras/c', edge: 'e', family: 'cameras', device: 'c', kind: 'motion', state: 'raised',
    situation: `a${position}`, key: 'e/c//motion', severity: 'minor', grid: '990001001001003', occurredAt: AT, clock: 'edge', uncertaintyMs: 0,
    raisedAt: AT, receivedAt: AT, origin: 'motion', exercise: false, caseId: 'case', evidence: [], ...more,
  };
}

export function aCase(more: Partial<Case> = {}): Case {
  return {
    id: 'case', key: 'e/c//motion', kind: 'motion', class: '0401', grid: '990001001001003', source: '/edges/e/cameras/c', state: 'open', level: 'grid',
    severity: 'minor', active: true, alerts: 1, openedAt: AT, lastAt: AT, position: 7, ...more,
  };
}

export function event(type: CaseEvent['type'], more: Partial<CaseEvent> = {}): CaseEvent {
  return { position: 7, caseId: 'case', type, at: AT, ...more };
}

export function device(state: string, more: Partial<Device> = {}): Device {
  return { id: 'd', family: 'cameras', grid: '990001001001003', state, since: AT, ...more };
}
