/** What may be done with a case now: the actions that its workflow offers to whoever is signed in, and nothing else. */
import { useEffect, useState } from 'preact/hooks';
import { api, ApiError } from '../api';
import { useKeys } from '../keys';
import { useWords, type Words } from '../i18n';
import { pick } from '../i18n/pick';
import { errorText } from '../problem';
import type { Case, CaseDetail, Offer, StepBody } from '../types';
import { IconCheck } from '../ui/icons';
import { useMayOperate } from '../ui/session';
import { useWorkflows } from './catalog';
import { StepDialog } from './dialog';
import { keyOf, offered, SHORTCUTS } from './shortcuts';
import { atOnce, fieldsOf } from './steps';
import { nextOf } from './titles';
import { Toast, toast } from './toast';

interface ActionsProps {
  case: Case;
  offers: readonly Offer[];
  /** Gets the case after a step that central took. */
  onDone: (c: Case) => void;
  /** Central refused because the case moved on: show its newest state. */
  onStale: () => void;
  /** Puts the keys of actions in force. */
  keys?: boolean;
}

/** Tells what was done to a case and how it is taken back, if it can be. */
export function tell(words: Words, what: string, onDone: (c: Case) => void, undo?: () => Promise<Case>): void {
  toast({ what, text: words.t('desk.done', { what }), undo: undo && (async () => onDone(await undo())) });
}

/** Runs one step at a time, and tells how it went. */
export function useStep({ onDone, onStale }: Pick<ActionsProps, 'onDone' | 'onStale'>) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const run = async (step: () => Promise<Case>): Promise<boolean> => {
    setBusy(true);
    setError(null);
    try {
      onDone(await step());
      return true;
    } catch (err) {
      setError(err);
      if (err instanceof ApiError && (err.status === 409 || err.status === 412)) onStale();
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, run, forget: () => setError(null) };
}

export function CaseActions({ case: c, offers, onDone, onStale, keys = false }: ActionsProps) {
  const words = useWords();
  const { busy, error, run, forget } = useStep({ onDone, onStale });
  const [asking, setAsking] = useState<Offer | null>(null);
  const workflow = useWorkflows().find((w) => w.id === (c.workflow ?? 'base'));
  const mayOperate = useMayOperate();
  const first = nextOf(offers, workflow, c.step, c.state);
  const take = async (o: Offer, body: StepBody) => {
    const step = async () => {
      const after = await api.step(c, body);
      tell(words, pick(words, o.titles), onDone, () => api.undo(after));
      return after;
    };
    if (await run(step)) setAsking(null);
  };
  const choose = (o: Offer) => {
    forget();
    if (o === first && atOnce(o)) void take(o, { action: o.action });
    else setAsking(o);
  };
  useKeys('desk.keysCase', SHORTCUTS.flatMap(({ key, word, actions }) => {
    const o = offered({ key, word, actions }, offers);
    return o ? [{ key, word, run: () => busy || choose(o) }] : [];
  }), keys && mayOperate);
  if (!mayOperate) return null;
  const button = (o: Offer) => (
    <button type="button" key={o.action} class={o === first ? 'button button-primary' : 'button'} data-testid={`action-${o.action}`} disabled={busy} onClick={() => choose(o)}
      aria-keyshortcuts={keys ? keyOf(o.action, offers) : undefined}>
      {o === first && <IconCheck size={18} />}{pick(words, o.titles)}{keys && keyOf(o.action, offers) && <kbd class="key-hint" aria-hidden="true">{keyOf(o.action, offers)?.toUpperCase()}</kbd>}
    </button>
  );
  return (
    <div class="actions" role="group" aria-label={words.t('case.next')}>
      {first && button(first)}
      {first && atOnce(first) && fieldsOf(first).length > 0 && (
        <button type="button" class="button" data-testid="action-more" aria-label={words.t('step.withMore', { action: pick(words, first.titles) })} disabled={busy}
          onClick={() => { forget(); setAsking(first); }}>…</button>
      )}
      {offers.filter((o) => o !== first).map(button)}
      {error !== null && !asking && <p class="form-error" role="alert" data-testid="case-error">{errorText(words, error)}</p>}
      {asking && <StepDialog key={asking.action} case={c} offer={asking} busy={busy} error={error} onCancel={() => setAsking(null)} onTake={(body) => void take(asking, body)} />}
    </div>
  );
}

/** The same beside an alert: what is offered is asked for whenever the case stands elsewhere. */
export function FoundActions({ case: c, onDone, onStale }: Omit<ActionsProps, 'offers'>) {
  const [detail, setDetail] = useState<CaseDetail | null>(null);
  const mayOperate = useMayOperate();
  const stands = [c.id, c.state, c.step, c.unit, c.assignee, c.parent].join(' ');
  useEffect(() => {
    if (!mayOperate) return;
    const abort = new AbortController();
    setDetail(null);
    api.case(c.id, abort.signal).then(setDetail, () => undefined); // the case's own page tells of a failure
    return () => abort.abort();
  }, [stands, mayOperate]);
  return (
    <>
      {detail && <CaseActions case={c.position > detail.position ? c : detail} offers={detail.actions} onDone={onDone} onStale={onStale} />}
      <Toast />
    </>
  );
}
