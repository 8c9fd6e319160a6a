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

export const EVENT_TYPES = [
  'opened', 'joined', 'level-raised', 'cleared', 'acknowledged', 'closed', 'reopened', 'held', 'released', 'stepped', 'merged', 'unmerged', 'related',
  'annotated', 'deadline', 'woke', 'undone',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Why a case is held, and why no longer. */
export const HOLD_REASONS = ['investigation', 'complaint', 'insurance', 'review'] as const;
export const RELEASE_REASONS = ['settled', 'mistake'] as const;
/** Why a step was taken; the first ones have a hint. */
export const CLOSE_REASONS = ['handled', 'false-alarm', 'duplicate', 'verified', 'not-ours'] as const;
export const REASONS = [...CLOSE_REASONS, 'cleared', ...HOLD_REASONS, ...RELEASE_REASONS] as const;
export type Reason = (typeof REASONS)[number];

/** Who opened a case that no alert opened. */
export const ORIGINS = ['staff', 'worker', 'resident', 'warning'] as const;
export type Origin = (typeof ORIGINS)[number];

/** How near a deadline is. */
export const STAGES = ['yellow', 'red'] as const;
export type Stage = (typeof STAGES)[number];

/** What a step may carry. */
export const FIELDS = ['unit', 'next', 'helpers', 'assignee', 'note', 'until', 'rating', 'by', 'reason'] as const;
export type Field = (typeof FIELDS)[number];

export const CAMERA_STATES = [
  'connecting', 'streaming', 'auth-failed', 'unreachable', 'no-keyframe', 'stalled', 'unsupported',
] as const;
export const SENSOR_STATES = ['online', 'offline', 'unknown'] as const;

export const ZONE_MODES = ['armed', 'disarmed', 'walk-test'] as const;
export type ZoneMode = (typeof ZONE_MODES)[number];

export const LANES = ['life-safety', 'normal', 'bulk'] as const;
export type Lane = (typeof LANES)[number];

export const ROLES = ['operator', 'worker', 'supervisor', 'verifier', 'administrator', 'auditor', 'integrator', 'token'] as const;

export interface Session {
  user: string;
  /** One of ROLES. */
  role: string;
  /** What may be done: read, operate and others. */
  scopes: readonly string[];
  /** Prefixes of the grids that may be seen; empty: all. */
  grids?: readonly string[];
  /** That the account belongs to; empty or absent: the centre itself. */
  unit?: string;
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

/** A sentence in both languages. */
export interface Text {
  zh: string;
  en: string;
}

/** One milestone of a case. Without due its clock stands still, and left says how much is left, as a span (w4h, w2d, 30m0s). */
export interface Deadline {
  name: string;
  from: string;
  /** Yellow from here on. */
  warn?: string;
  /** Red from here on. */
  due?: string;
  left?: string;
  met?: string;
  told?: Stage;
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
  /** Absent where alerts opened it. */
  origin?: Origin;
  place?: { lon: number; lat: number };
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
  hold?: Reason;
  position: number;
  workflow?: string;
  step?: string;
  unit?: string;
  helpers?: string[];
  assignee?: string;
  handler?: string;
  deadlines?: Deadline[];
  /** Since when its clocks stand still. */
  parkedAt?: string;
  wakeAt?: string;
  extended?: number;
  sentBack?: number;
  reworked?: number;
  supervised?: number;
  /** The case that it is part of. */
  parent?: string;
  mergedBy?: string;
  rating?: number;
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
  opening?: { origin?: Origin };
  action?: string;
  workflow?: string;
  step?: string;
  unit?: string;
  helpers?: string[];
  assignee?: string;
  level?: Level;
  rating?: number;
  until?: string;
  note?: string;
  into?: string;
  rule?: string;
  why?: Text;
  deadline?: string;
  stage?: Stage;
}

/** Something that may be done with a case next. */
export interface Offer {
  action: string;
  titles: Text;
  /** The step that it leads to; absent: the case stays where it stands. */
  to?: string;
  needs: Field[];
  may: Field[];
  /** Several: one of them is demanded. */
  reasons: Reason[];
}

export interface CaseDetail extends Case {
  history: CaseEvent[];
  /** The history began before these events. */
  earlier: boolean;
  /** What put the case where it stands. */
  why: Text[];
  /** How much time its deadlines have left, counted as they count. */
  left?: TimeLeft[];
  /** The last step, if whoever asks may take it back, and until when. */
  undo?: { action: string; titles: Text; until: string };
  actions: Offer[];
}

/** What is left of a deadline, in seconds: of working time, or by the clock. */
export interface TimeLeft {
  deadline: string;
  working: boolean;
  /** Negative since it passed. */
  left: number;
  /** Of a working day; 0 by the clock. */
  day: number;
  /** Whether that time passes at this moment. */
  running: boolean;
}

/** What somebody does with a case. */
export interface StepBody {
  action: string;
  unit?: string;
  next?: string;
  helpers?: string[];
  assignee?: string;
  note?: string;
  reason?: Reason;
  until?: string;
  rating?: number;
  by?: string;
}

export interface Workflow {
  id: string;
  titles: Text;
  steps: { id: string; titles: Text; phase: CaseState; end?: boolean }[];
  actions: { id: string; titles: Text }[];
}

export interface Unit {
  id: string;
  title: Text;
}

export interface EventClass {
  code: string;
  title: Text;
}

/** A report by hand. The id makes it one case however often it is sent. */
export interface Report {
  id: string;
  class: string;
  grid?: string;
  place?: { lon: number; lat: number };
  severity?: Severity;
  note?: string;
  exercise?: boolean;
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
