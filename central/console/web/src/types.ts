/** The shapes of central's JSON, and its closed lists. Times are RFC 3339 strings. */

export const KINDS = [
  'motion', 'presence', 'tripwire', 'intrusion', 'left-object', 'smoke', 'fire', 'gas', 'co', 'heat', 'water-level', 'flood',
  'leak', 'sos', 'door', 'vibration', 'temperature', 'humidity', 'power', 'low-battery', 'tamper', 'covered', 'defocused',
  'turned', 'frozen', 'black', 'video-loss', 'storage-fault', 'device-offline', 'device-fault', 'other',
] as const;
export type Kind = (typeof KINDS)[number];

/** Least grave first, as in the alert schema. */
export const SEVERITIES = ['info', 'minor', 'major', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const ALERT_STATES = ['raised', 'cleared', 'momentary'] as const;
export type AlertState = (typeof ALERT_STATES)[number];

export const OBJECTS = ['person', 'vehicle', 'animal', 'unknown'] as const;
export type ObjectKind = (typeof OBJECTS)[number];

export const CLOCKS = ['camera', 'edge', 'receive'] as const;
export type Clock = (typeof CLOCKS)[number];

export const FAMILIES = ['cameras', 'sensors'] as const;
export type Family = (typeof FAMILIES)[number];

export const CASE_STATES = ['open', 'acknowledged', 'closed'] as const;
export type CaseState = (typeof CASE_STATES)[number];

export const LEVELS = ['grid', 'community', 'township', 'district'] as const;
export type Level = (typeof LEVELS)[number];

export const EVENT_TYPES = ['opened', 'joined', 'level-raised', 'cleared', 'acknowledged', 'closed', 'reopened'] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** The reasons that an operator may give, and the one that only central gives. */
export const CLOSE_REASONS = ['handled', 'false-alarm', 'duplicate'] as const;
export type CloseReason = (typeof CLOSE_REASONS)[number];
export const REASONS = [...CLOSE_REASONS, 'cleared'] as const;
export type Reason = (typeof REASONS)[number];

export const CAMERA_STATES = [
  'connecting', 'streaming', 'auth-failed', 'unreachable', 'no-keyframe', 'stalled', 'unsupported',
] as const;
export const SENSOR_STATES = ['online', 'offline', 'unknown'] as const;

export const ZONE_MODES = ['armed', 'disarmed', 'walk-test'] as const;
export type ZoneMode = (typeof ZONE_MODES)[number];

export const LANES = ['life-safety', 'normal', 'bulk'] as const;
export type Lane = (typeof LANES)[number];

export const ROLES = ['operator', 'auditor', 'token'] as const;

export interface Session {
  user: string;
  /** One of ROLES. An auditor sees everything and changes nothing. */
  role: string;
}

export interface Evidence {
  id: string;
  sha256: string;
  mediaType: string;
  bytes: number;
  at: string;
  /** A clip that nobody can read before two people have opened it. */
  sealed?: boolean;
  /** Of a picture; empty for a sealed clip. */
  url: string;
}

export interface Measure {
  quantity: string;
  value: number;
  /** UCUM code, "1" for a pure number. */
  unit: string;
}

export interface Alert {
  id: string;
  position: number;
  source: string;
  edge: string;
  family: Family;
  device: string;
  kind: Kind;
  object?: ObjectKind;
  state: AlertState;
  situation?: string;
  key: string;
  severity: Severity;
  grid: string;
  zone?: string;
  occurredAt: string;
  clock: Clock;
  uncertaintyMs: number;
  raisedAt: string;
  receivedAt: string;
  /** Of the detector, 0 to 1. */
  score?: number;
  countBucket?: string;
  reading?: Measure;
  origin: string;
  exercise: boolean;
  caseId: string;
  evidence: Evidence[];
}

export interface Case {
  id: string;
  key: string;
  kind: Kind;
  class: string;
  grid: string;
  source: string;
  zone?: string;
  exercise?: boolean;
  previous?: string;
  state: CaseState;
  level: Level;
  severity: Severity;
  active: boolean;
  alerts: number;
  openedAt: string;
  lastAt: string;
  closedAt?: string;
  closedBy?: string;
  reason?: Reason;
  position: number;
}

export interface CaseEvent {
  position: number;
  caseId: string;
  type: EventType;
  at: string;
  actor?: string;
  alertId?: string;
  count?: number;
  from?: string;
  to?: string;
  severity?: Severity;
  reason?: Reason;
}

export interface CaseDetail extends Case {
  history: CaseEvent[];
}

export interface FeedMessage {
  event: CaseEvent;
  case: Case;
  alert: Alert | null;
}

export interface Device {
  id: string;
  family: Family;
  grid: string;
  state: string;
  why?: string;
  since: string;
  lastSeen?: string;
  zones?: { name: string; mode: ZoneMode }[];
}

export interface Edge {
  id: string;
  online: boolean;
  lastSync: string;
  /** Edge clock minus central clock. */
  skewMs: number;
  software: string;
  configVersion: string;
  startedAt: string;
  devices: Device[];
  outbox: { lane: Lane; pending: number; oldestSec: number }[];
  deadLetters: number;
}

export interface Page<T> {
  items: T[];
  /** Cursor of the next page, empty at the end. */
  next: string;
}
