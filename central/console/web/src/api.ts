/**
 * Central's HTTP interface. In: what a page asks for. Out: values of ./types, or an [ApiError] with the status.
 * The session is a cookie that this code never sees.
 */
import type { Alert, Case, CaseDetail, EventClass, Evidence, FeedMessage, Page, Report, Session, StepBody, Unit, Workflow } from './types';

const TIMEOUT = 15_000;

/** One thing that a problem document names (RFC 9457): where, and what is wrong. */
export interface Fault {
  location?: string;
  message?: string;
}

/** Status 0 means that no answer came. */
export class ApiError extends Error {
  constructor(readonly status: number, readonly detail = '', readonly faults: readonly Fault[] = []) {
    super(detail || `status ${status}`);
  }
}

let onUnauthorized = (): void => {};

/** Sets what happens when any call but signing in is answered 401. */
export function whenUnauthorized(f: () => void): void {
  onUnauthorized = f;
}

export interface Call {
  method?: string;
  /** Repeats of the request with the same key are answered, not done again. */
  key?: string;
  body?: unknown;
  /** A picture to send instead of a body. */
  jpeg?: Blob;
  ifMatch?: number;
  signal?: AbortSignal | undefined;
  timeout?: number;
}

async function call<T>(path: string, { method = 'GET', key, body, jpeg, ifMatch, signal, timeout = TIMEOUT }: Call = {}, read: (r: Response) => Promise<T> = answer): Promise<T> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeout);
  const stop = () => abort.abort();
  signal?.addEventListener('abort', stop);
  try {
    const headers: Record<string, string> = { Accept: 'application/json' };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    if (jpeg) headers['Content-Type'] = 'image/jpeg';
    if (ifMatch !== undefined) headers['If-Match'] = `"${ifMatch}"`;
    if (key) headers['Idempotency-Key'] = key;
    const init: RequestInit = { method, headers, signal: abort.signal, credentials: 'same-origin' };
    if (body !== undefined || jpeg) init.body = jpeg ?? JSON.stringify(body);
    return await read(await fetch(path, init));
  } catch (err) {
    throw err instanceof ApiError ? err : new ApiError(0, String(err));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

async function answer<T>(response: Response): Promise<T> {
  const text = await response.text();
  if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as T;
  throw problem(response.status, text);
}

async function bytes(response: Response): Promise<Blob> {
  if (response.ok) return response.blob();
  throw problem(response.status, await response.text());
}

/** Reads a problem document; an answer that is none still has its status. */
function problem(status: number, text: string): ApiError {
  try {
    const p = JSON.parse(text) as { detail?: unknown; errors?: unknown };
    return new ApiError(status, String(p.detail ?? ''), Array.isArray(p.errors) ? (p.errors as Fault[]) : []);
  } catch {
    return new ApiError(status);
  }
}

/** Runs f; a 401 also tells the application that the session is over. */
async function guarded<T>(f: () => Promise<T>): Promise<T> {
  try {
    return await f();
  } catch (err) {
    if (err instanceof ApiError && err.status === 401) onUnauthorized();
    throw err;
  }
}

/** A call of a part of the console that has its own calls beside its pages: ./NAME/api.ts. A 401 ends the session. */
export const request = <T>(path: string, options?: Call): Promise<T> => guarded(() => call<T>(path, options));

/** What a path answers with as it is, in memory alone; up to so many milliseconds. */
export const blob = (path: string, timeout: number, signal?: AbortSignal): Promise<Blob> => guarded(() => call(path, { signal, timeout }, bytes));

/** A query string without the empty parts. */
export function query(params: Readonly<Record<string, string | number | undefined>>): string {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value !== undefined && value !== '') q.set(name, String(value));
  const text = q.toString();
  return text === '' ? '' : `?${text}`;
}

/** Fills what central may leave out because it is empty. */
async function pageOf<T>(path: string, fill: (item: T) => T, signal?: AbortSignal): Promise<Page<T>> {
  const { items, next } = await guarded(() => call<Partial<Page<T>>>(path, { signal }));
  return { items: (items ?? []).map(fill), next: next ?? '' };
}

const fillAlert = (a: Alert): Alert => ({ ...a, evidence: a.evidence ?? [], caseId: a.caseId ?? '', exercise: a.exercise ?? false });
const same = <T>(item: T): T => item;

/** Reads one message of the feed; fails on what is no JSON. */
export function readMessage(data: string): FeedMessage {
  const m = JSON.parse(data) as FeedMessage;
  return { ...m, alert: m.alert ? fillAlert(m.alert) : null };
}

export type Filter = Readonly<Record<string, string | number | undefined>>;

export const api = {
  signIn: (user: string, password: string) => call<Session>('/v1/session', { method: 'POST', body: { user, password } }),
  /** How staff may sign in. */
  ways: () => call<{ password: boolean; oidc: boolean }>('/v1/session/ways'),
  session: (timeout?: number) => call<Session>('/v1/session', timeout === undefined ? {} : { timeout }),
  signOut: () => call<void>('/v1/session', { method: 'DELETE' }),

  alerts: (filter: Filter, signal?: AbortSignal) => pageOf(`/v1/alerts${query(filter)}`, fillAlert, signal),
  cases: (filter: Filter, signal?: AbortSignal) => pageOf<Case>(`/v1/cases${query(filter)}`, same, signal),
  /** A case with the events before a position; the newest ones without. */
  case: async (id: string, signal?: AbortSignal, before?: number): Promise<CaseDetail> => {
    const c = await guarded(() => call<CaseDetail>(`${casePath(id)}${query({ before })}`, { signal }));
    return { ...c, history: c.history ?? [], earlier: c.earlier ?? false, why: c.why ?? [], actions: c.actions ?? [] };
  },
  pictures: async (id: string, signal?: AbortSignal): Promise<Evidence[]> => all(`${casePath(id)}/pictures`, signal),
  addPicture: (id: string, jpeg: Blob) => guarded(() => call<Evidence>(`${casePath(id)}/pictures`, { method: 'POST', jpeg, timeout: UPLOAD })),

  workflows: (signal?: AbortSignal) => all<Workflow>('/v1/workflows', signal),
  units: (signal?: AbortSignal) => all<Unit>('/v1/units', signal),
  classes: (signal?: AbortSignal) => all<EventClass>('/v1/classes', signal),

  report: (r: Report) => guarded(() => call<Case>('/v1/cases', { method: 'POST', body: r })),
  step: (c: Case, body: StepBody) => act(c, 'steps', body),
  undo: (c: Case) => act(c, 'undo', {}),
  merge: (c: Case, into: string) => act(c, 'merge', { into }),
  unmerge: (c: Case) => act(c, 'unmerge', {}),
  hold: (c: Case, reason: string) => act(c, 'hold', { reason }),
  release: (c: Case, reason: string) => act(c, 'release', { reason }),
};

const UPLOAD = 120_000;
const TRIES = 4;

const casePath = (id: string): string => `/v1/cases/${encodeURIComponent(id)}`;

/** A list that has no pages. Where central has no such part there is nothing in it. */
export async function all<T>(path: string, signal?: AbortSignal): Promise<T[]> {
  try {
    return (await guarded(() => call<{ items?: T[] }>(path, { signal }))).items ?? [];
  } catch (err) {
    if (err instanceof ApiError && (err.status === 404 || err.status === 405)) return [];
    throw err;
  }
}

/** Whether a step means the same on both: a case that only gathered alerts of the same gravity did not change for who decides. */
function sameToDecide(a: Case, b: Case): boolean {
  return a.state === b.state && a.severity === b.severity && a.active === b.active && a.step === b.step && a.unit === b.unit
    && a.assignee === b.assignee && a.parent === b.parent && a.hold === b.hold;
}

/**
 * An operator's step, on the state that the operator saw. If the case moved on only by further alerts of the same gravity, the step
 * means the same and is taken on the new state; a storm must not keep a case from being acknowledged. Anything else is a 412.
 */
async function act(c: Case, step: string, body: unknown): Promise<Case> {
  const path = `${casePath(c.id)}/${step}`;
  let ifMatch = c.position;
  for (let n = 1; ; n++) {
    try {
      return await guarded(() => call<Case>(path, { method: 'POST', body, ifMatch }));
    } catch (err) {
      if (n === TRIES || !(err instanceof ApiError) || err.status !== 412) throw err;
      const fresh = await api.case(c.id);
      if (!sameToDecide(fresh, c)) throw err;
      ifMatch = fresh.position;
    }
  }
}
