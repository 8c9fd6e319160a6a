/** What can be done with the selected cases together, what became of each, and the undo of the whole. */
import { useContext, useState } from 'preact/hooks';
import { api, ApiError } from '../api';
import { shortId } from '../format';
import { useWords } from '../i18n';
import { pick } from '../i18n/pick';
import { errorText } from '../problem';
import { SEVERITIES, type Case, type Offer, type StepBody } from '../types';
import { GridCode, Link } from '../ui/bits';
import { SeverityMark } from '../ui/marks';
import { SessionContext } from '../ui/session';
import { desk, type BulkOutcome, type BulkStep } from './api';
import { common, MOST } from './bulk';
import { useWorkflows } from './catalog';
import { Dialog, StepDialog } from './dialog';
import { mint } from './mint';
import { atOnce, fieldsOf } from './steps';
import { toast } from './toast';

interface BulkBarProps {
  /** The selected cases, as the list shows them. */
  cases: readonly Case[];
  onClear: () => void;
  /** Something was changed: the list is asked for again. */
  onDone: () => void;
}

interface Refused {
  case: Case;
  outcome: BulkOutcome;
}

/** Runs one thing over cases and tells how it went. */
function useBulk({ onClear, onDone }: Omit<BulkBarProps, 'cases'>) {
  const words = useWords();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [refused, setRefused] = useState<readonly Refused[]>([]);
  const split = (cases: readonly Case[], outcomes: readonly BulkOutcome[]) => {
    setRefused(outcomes.flatMap((outcome, i) => (outcome.status === 200 ? [] : [{ case: cases[i] as Case, outcome }])));
    return outcomes.flatMap((o) => (o.status === 200 ? [{ id: o.id, position: o.position ?? 0 }] : []));
  };
  const back = async (cases: readonly Case[], done: readonly { id: string; position: number }[]) => {
    const theirs = done.map((d) => cases.find((c) => c.id === d.id) as Case);
    split(theirs, await desk.bulk({ undo: true }, done, mint()));
    onDone();
  };
  const apart = async (cases: readonly Case[], done: readonly { id: string; position: number }[], into: string) => {
    for (const { id, position } of done) await api.unmerge({ ...(cases.find((c) => c.id === id) as Case), position, parent: into });
    onDone();
  };
  const run = async (cases: readonly Case[], what: string, step: BulkStep): Promise<boolean> => {
    setBusy(true);
    setError(null);
    try {
      const done = split(cases, await desk.bulk(step, cases, mint()));
      const undo = 'step' in step ? () => back(cases, done) : 'into' in step ? () => apart(cases, done, step.into) : undefined;
      if (done.length > 0) toast({ what, text: words.t('desk.doneBulk', { what, n: done.length }), undo });
      onClear();
      onDone();
      return true;
    } catch (err) {
      setError(err);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, refused, run, forget: () => setRefused([]) };
}

export function BulkBar({ cases, onClear, onDone }: BulkBarProps) {
  const words = useWords();
  const { busy, error, refused, run, forget } = useBulk({ onClear, onDone });
  const [asking, setAsking] = useState<Offer | null>(null);
  const [merging, setMerging] = useState(false);
  const offers = common(cases, useWorkflows(), useContext(SessionContext).role);
  const take = async (o: Offer, body: StepBody) => {
    if (await run(cases, pick(words, o.titles), { step: body })) setAsking(null);
  };
  const merge = async (into: string) => {
    if (await run(cases.filter((c) => c.id !== into), words.t('desk.bulk.merge'), { into })) setMerging(false);
  };
  const choose = (o: Offer) => (atOnce(o) && fieldsOf(o).length === 0 ? void take(o, { action: o.action }) : setAsking(o));
  return (
    <>
      {cases.length > 0 && (
        <div class="bulk card" role="group" aria-label={words.t('desk.bulk.label')} data-testid="bulk-bar">
          <strong role="status">{words.t('desk.bulk.some', { n: cases.length })}</strong>
          {offers.length === 0 && <span class="muted">{words.t('desk.bulk.none')}</span>}
          {offers.map((o) => <button type="button" key={o.action} class="button" data-testid={`bulk-${o.action}`} disabled={busy} onClick={() => choose(o)}>{pick(words, o.titles)}</button>)}
          {cases.length > 1 && <button type="button" class="button" data-testid="bulk-merge" disabled={busy} onClick={() => setMerging(true)}>{words.t('desk.bulk.merge')}</button>}
          <button type="button" class="button" data-testid="bulk-undo" disabled={busy} onClick={() => void run(cases, words.t('desk.bulk.undo'), { undo: true })}>{words.t('desk.bulk.undo')}</button>
          <span class="spacer" />
          {cases.length >= MOST && <span class="muted">{words.t('desk.bulk.most')}</span>}
          <button type="button" class="button button-quiet" data-testid="bulk-clear" onClick={onClear}>{words.t('desk.bulk.clear')}</button>
          {error !== null && !asking && <p class="form-error" role="alert">{errorText(words, error)}</p>}
        </div>
      )}
      {refused.length > 0 && <RefusedList refused={refused} onClose={forget} />}
      {merging && cases.length > 1 && <WholeDialog cases={cases} busy={busy} error={error} onCancel={() => setMerging(false)} onMerge={(into) => void merge(into)} />}
      {asking && cases[0] && (
        <StepDialog key={asking.action} case={cases[0]} offer={asking} busy={busy} error={error} title={words.t('desk.bulk.title', { action: pick(words, asking.titles), n: cases.length })}
          onCancel={() => setAsking(null)} onTake={(body) => void take(asking, body)} />
      )}
    </>
  );
}

interface WholeDialogProps {
  cases: readonly Case[];
  busy: boolean;
  error: unknown;
  onCancel: () => void;
  onMerge: (into: string) => void;
}

/** Which of the selected cases the others become part of; the gravest one is suggested. */
function WholeDialog({ cases, busy, error, onCancel, onMerge }: WholeDialogProps) {
  const words = useWords();
  const sorted = [...cases].sort((a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) || a.openedAt.localeCompare(b.openedAt));
  const [into, setInto] = useState(sorted[0]?.id ?? '');
  return (
    <Dialog title={words.t('desk.bulk.merge')} submit={words.t('desk.bulk.merge')} busy={busy} ready={into !== ''} error={error} onCancel={onCancel} onSubmit={() => onMerge(into)}>
      <fieldset class="field">
        <legend>{words.t('desk.bulk.whole')}</legend>
        <div class="near">
          {sorted.map((c) => (
            <label class={c.id === into ? 'choice choice-on' : 'choice'} key={c.id}>
              <input type="radio" name="whole" value={c.id} data-testid="whole" checked={c.id === into} onChange={() => setInto(c.id)} />
              <span><strong>{words.word('kind', c.kind)}{c.zone && ` · ${c.zone}`}</strong><small><SeverityMark severity={c.severity} /> <GridCode code={c.grid} /> · {shortId(c.id)}</small></span>
            </label>
          ))}
        </div>
      </fieldset>
    </Dialog>
  );
}

function RefusedList({ refused, onClose }: { refused: readonly Refused[]; onClose: () => void }) {
  const words = useWords();
  const why = ({ status, problem }: BulkOutcome) => errorText(words, new ApiError(status, problem?.detail ?? '', problem?.errors ?? []));
  return (
    <section class="card block refused" role="alert" data-testid="bulk-refused">
      <p><strong>{words.t('desk.bulk.refused', { n: refused.length })}</strong></p>
      <ul class="plain">
        {refused.map(({ case: c, outcome }) => (
          <li key={c.id}><Link href={`/cases/${c.id}`}>{words.word('kind', c.kind)} {c.zone} {shortId(c.id)}</Link> <span class="muted">{why(outcome)}</span></li>
        ))}
      </ul>
      <button type="button" class="button" data-testid="refused-close" onClick={onClose}>{words.t('app.close')}</button>
    </section>
  );
}
