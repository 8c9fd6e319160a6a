/**
 * What a worker may do next while what they did before has not been sent yet. Pure. In: workflows as central has them, where a case
 * stands, steps that wait. Out: where it will stand, and what will then be possible. Central alone decides: this only spares a worker in a
 * dead zone from waiting for it.
 */
import type { Field, Offer, Reason, Text, Workflow } from '../types';
import type { Standing } from './outbox';

export interface FullAction {
  id: string;
  titles: Text;
  from?: string[];
  to?: string;
  roles?: string[];
  when?: string[];
  tiers?: unknown[];
  needs?: Field[];
  may?: Field[];
  reasons?: Reason[];
  sets?: string[];
  marks?: string[];
}

export interface FullWorkflow extends Workflow {
  actions: FullAction[];
}

/** Who acts, as workflows know them. */
export interface Me {
  user: string;
  role: string;
  unit: string;
}

const leads = (w: FullWorkflow, a: FullAction, at: Standing): boolean => (a.from?.length ? a.from.includes(at.step ?? '') : at.state !== 'closed') && w.steps.length > 0;

const holds = (condition: string, at: Standing, me: Me): boolean => {
  const ofUnit = me.unit === '' || me.unit === at.unit;
  switch (condition) {
    case 'handler': return at.handler === me.user;
    case 'not-handler': return at.handler !== me.user;
    case 'of-unit': return ofUnit;
    case 'of-units': return ofUnit || (at.helpers ?? []).includes(me.unit);
    case 'of-centre': return me.unit === '';
    default: return false;
  }
};

/** What may be done next; nothing that needs tiers, which only central counts. */
export function possible(w: FullWorkflow, at: Standing, me: Me): Offer[] {
  return w.actions
    .filter((a) => leads(w, a, at) && (a.roles ?? []).includes(me.role) && (a.when ?? []).every((c) => holds(c, at, me)))
    .map(({ id, titles, to, needs = [], may = [], reasons = [] }) => ({ action: id, titles, ...(to ? { to } : {}), needs, may, reasons }));
}

/** Where a case will stand after an action. */
export function after(w: FullWorkflow, at: Standing, action: string, me: Me): Standing {
  const a = w.actions.find((x) => x.id === action);
  const step = w.steps.find((s) => s.id === a?.to);
  const sets = a?.sets ?? [];
  const { assignee: _, handler: __, ...freed } = at;
  return {
    ...(sets.includes('free') ? freed : at), ...(step ? { step: step.id, state: step.phase } : {}),
    ...(sets.includes('assignee') ? { assignee: me.user } : {}), ...(sets.includes('handler') ? { handler: me.user } : {}),
  };
}

/** Whether this page has a form for it: words at most. A time would be the telephone's, and a unit is the desk's to choose. */
export const formed = (o: Offer): boolean => o.needs.every((f) => f === 'note') && o.reasons.length <= 1;

/** Whether an action says that the work is done: it then carries the result in words. */
export const isResult = (w: FullWorkflow | undefined, o: Offer): boolean => w?.actions.find((a) => a.id === o.action)?.marks?.includes('handled') ?? false;

/** The step by which somebody on site says so: words that lead nowhere. */
export const saying = (offers: readonly Offer[]): Offer | undefined => offers.find((o) => !o.to && o.needs.length === 1 && o.needs[0] === 'note' && o.reasons.length === 0);
