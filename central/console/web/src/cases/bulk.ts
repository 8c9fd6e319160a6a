/** Several cases at once: what all of them allow, and which rows a range holds. Pure. */
import type { Case, Field, Offer, Reason, Text, Workflow } from '../types';

/** How many cases one request changes (central/api). */
export const MOST = 200;

/** What central tells of a workflow beyond its words. */
interface FullAction {
  id: string;
  titles: Text;
  from?: readonly string[];
  to?: string;
  roles?: readonly string[];
  tiers?: readonly { roles: readonly string[] }[];
  needs?: Field[];
  may?: Field[];
  reasons?: Reason[];
}

type FullWorkflow = Workflow & { start?: string; taken?: string; void?: string };

/** The step that a case stands at, as central/workflow says it. */
function whereIs(c: Case, w: FullWorkflow): { id: string; closed: boolean } {
  const own = w.steps.find((s) => s.id === c.step && s.phase === c.state);
  const named = { open: w.start, acknowledged: w.taken, closed: w.void }[c.state];
  const step = own ?? w.steps.find((s) => s.id === named) ?? w.steps.find((s) => s.phase === c.state);
  return { id: step?.id ?? '', closed: c.state === 'closed' };
}

/** What a role may do with a case by its workflow. Central judges each case by more than that, and says so. */
function possible(c: Case, workflows: readonly Workflow[], role: string): Offer[] {
  const w = (workflows.find((o) => o.id === (c.workflow ?? 'base')) ?? workflows[0]) as FullWorkflow | undefined;
  if (!w) return [];
  const at = whereIs(c, w);
  const actions = w.actions as readonly FullAction[];
  const leads = (a: FullAction) => (a.from && a.from.length > 0 ? a.from.includes(at.id) : !at.closed);
  const who = (a: FullAction) => (a.roles?.includes(role) ?? true) || (a.tiers?.some((t) => t.roles.includes(role)) ?? false);
  return actions.filter((a) => leads(a) && who(a)).map((a) => ({ action: a.id, titles: a.titles, ...(a.to ? { to: a.to } : {}), needs: a.needs ?? [], may: a.may ?? [], reasons: a.reasons ?? [] }));
}

/** The actions that all of some cases allow, in the order of the first one's workflow. */
export function common(cases: readonly Case[], workflows: readonly Workflow[], role: string): Offer[] {
  const each = cases.map((c) => possible(c, workflows, role));
  return (each[0] ?? []).filter((o) => each.every((list) => list.some((other) => other.action === o.action)));
}

/** The selection after a row was taken in or left out; with range all rows from the one before are taken in. At most [MOST]. */
export function picked(now: ReadonlySet<string>, rows: readonly string[], id: string, last: string, range: boolean): Set<string> {
  const next = new Set(now);
  const [a, b] = [rows.indexOf(last), rows.indexOf(id)];
  if (range && a >= 0 && b >= 0) for (const row of rows.slice(Math.min(a, b), Math.max(a, b) + 1)) next.add(row);
  else if (!next.delete(id)) next.add(id);
  return new Set([...next].slice(0, MOST));
}
