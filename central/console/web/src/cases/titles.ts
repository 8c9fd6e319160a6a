/** What the steps and actions of workflows are called. Pure; the workflows come from central, where a centre may set up its own. */
import { pick } from '../i18n/pick';
import type { Words } from '../i18n';
import type { CaseState, Offer, Workflow } from '../types';

/** Words for the codes of workflows; a code without words is shown as it is. */
export interface Titles {
  step(workflow: string | undefined, id: string): string;
  action(workflow: string | undefined, id: string): string;
}

export function titlesOf(words: Words, workflows: readonly Workflow[]): Titles {
  const find = (list: 'steps' | 'actions') => (workflow: string | undefined, id: string) => {
    const own = workflows.filter((w) => w.id === workflow);
    for (const w of [...own, ...workflows]) {
      const found = (w[list] as readonly { id: string; titles: { zh: string; en: string } }[]).find((entry) => entry.id === id);
      if (found) return pick(words, found.titles) || id;
    }
    return id;
  };
  return { step: find('steps'), action: find('actions') };
}

/** The steps of all workflows, each once, in their order. */
export function stepsOf(workflows: readonly Workflow[]): string[] {
  return [...new Set(workflows.flatMap((w) => w.steps.map((s) => s.id)))];
}

/**
 * The offer that leads a case on: to the nearest later step of its workflow that does not end it early, else the first that leads
 * anywhere. Undefined where none does.
 */
export function nextOf(offers: readonly Offer[], workflow: Workflow | undefined, step: string | undefined, state: CaseState): Offer | undefined {
  const leading = offers.filter((o) => o.to);
  const steps = workflow?.steps ?? [];
  const at = (id: string | undefined) => steps.findIndex((s) => s.id === id);
  const from = at(step) < 0 ? steps.findIndex((s) => s.phase === state) : at(step);
  const on = leading.filter((o) => at(o.to) > from && (state === 'closed' || !steps[at(o.to)]?.end));
  return on.sort((a, b) => at(a.to) - at(b.to))[0] ?? leading[0];
}
