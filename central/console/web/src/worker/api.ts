/** The calls of the worker's page: what is theirs, and what they send. */
import { all, api, request } from '../api';
import { dueAt } from '../cases/deadlines';
import type { Case, CaseDetail, Session } from '../types';
import type { FullWorkflow } from './forecast';
import type { Work, WorkCase } from './keep';
import { keyOf } from './outbox';
import type { Wire } from './sender';

/** How many cases are kept and shown, and how many are asked for at once. */
export const MAX_CASES = 50;
const AT_ONCE = 4;
const MAX_NOTES = 5;
const PHOTO = 120_000;

const path = (id: string): string => `/v1/cases/${encodeURIComponent(id)}`;

export const wire: Wire = {
  account: async () => (await api.session()).user,
  step: (e) => request<Case>(`${path(e.caseId)}/steps`, { method: 'POST', body: e.body, ifMatch: e.seen.position, key: keyOf(e) }),
  photo: async (e) => {
    if (e.photo) await request(`${path(e.caseId)}/pictures`, { method: 'POST', jpeg: e.photo, key: keyOf(e), timeout: PHOTO });
  },
  look: (id) => api.case(id),
};

/** Every unclosed case that is mine: assigned to me, or to my unit; and those that wait in my grids, if I have some. */
async function lists(s: Session): Promise<Case[]> {
  const asked = (['open', 'acknowledged'] as const).flatMap((state) => [
    { state, assignee: s.user }, ...(s.unit ? [{ state, unit: s.unit }] : []), ...(state === 'open' && s.grids?.length ? [{ state }] : []),
  ]);
  const pages = await Promise.all(asked.map((q) => api.cases({ ...q, parent: 'none', limit: MAX_CASES })));
  return [...new Map(pages.flatMap((p) => p.items).map((c) => [c.id, c])).values()];
}

const RANK = ['info', 'minor', 'major', 'critical'];

/** Most urgent first: what is due first, then what is graver, then what is older. */
export const byUrgency = (a: Case, b: Case): number =>
  (dueAt(a) || '9').localeCompare(dueAt(b) || '9') || RANK.indexOf(b.severity) - RANK.indexOf(a.severity) || a.openedAt.localeCompare(b.openedAt);

export const workCase = ({ history, earlier: _, why: __, ...c }: CaseDetail): WorkCase => ({
  ...c, notes: history.filter((e) => e.note).map((e) => e.note as string).reverse().slice(0, MAX_NOTES),
});

/** What is mine now. A case that did not change is not asked for again. */
export async function mine(s: Session, known: Work): Promise<Work> {
  const [found, workflows] = await Promise.all([lists(s), all<FullWorkflow>('/v1/workflows')]);
  const top = found.sort(byUrgency).slice(0, MAX_CASES);
  const cases: WorkCase[] = [];
  for (let i = 0; i < top.length; i += AT_ONCE) {
    cases.push(...await Promise.all(top.slice(i, i + AT_ONCE).map(async (c) => {
      const had = known.cases.find((k) => k.id === c.id && k.position === c.position);
      return had ?? workCase(await api.case(c.id));
    })));
  }
  return { cases, workflows };
}

/** Milliseconds that central's clock is ahead of this one, to the second; undefined where central does not answer or does not say. */
export async function clockAhead(now: () => number): Promise<number | undefined> {
  try {
    const at = Date.parse((await fetch('/healthz', { method: 'HEAD', cache: 'no-store' })).headers.get('Date') ?? '');
    return Number.isNaN(at) ? undefined : at - now();
  } catch {
    return undefined;
  }
}
