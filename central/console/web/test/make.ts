/** Made-up values for tests. */
import type { Alert, Case, CaseEvent, Device, Evidence, Offer, Workflow } from '../src/types';

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

export const loop: Workflow = {
  id: 'base', titles: { zh: '七步闭环', en: 'Seven-step loop' },
  steps: [
    { id: 'collect', phase: 'open', titles: { zh: '信息收集', en: 'Collected' } }, { id: 'open', phase: 'acknowledged', titles: { zh: '案卷建立', en: 'Case opened' } },
    { id: 'dispatch', phase: 'acknowledged', titles: { zh: '任务派遣', en: 'Dispatched' } }, { id: 'handle', phase: 'acknowledged', titles: { zh: '任务处理', en: 'Being handled' } },
    { id: 'feedback', phase: 'acknowledged', titles: { zh: '处理反馈', en: 'Fed back' } }, { id: 'returned', phase: 'acknowledged', titles: { zh: '已回退', en: 'Sent back' } },
    { id: 'verify', phase: 'closed', titles: { zh: '核查结案', en: 'Verified' } }, { id: 'evaluate', phase: 'closed', end: true, titles: { zh: '综合评价', en: 'Evaluated' } },
    { id: 'desk', phase: 'closed', end: true, titles: { zh: '直接结案', en: 'Closed at the desk' } },
  ],
  actions: [{ id: 'dispatch', titles: { zh: '派遣', en: 'Dispatch' } }],
};

export function offer(action: string, to = '', more: Partial<Offer> = {}): Offer {
  return { action, titles: { zh: action, en: action }, ...(to ? { to } : {}), needs: [], may: [], reasons: [], ...more };
}
