/** What keeps cases in order beside their workflow: making one part of another, and keeping one from retention. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api';
import { shortId } from '../format';
import { useWords } from '../i18n';
import { useKeys } from '../keys';
import { errorText } from '../problem';
import { HOLD_REASONS, RELEASE_REASONS, type Case } from '../types';
import { GridCode, Time, useToday } from '../ui/bits';
import { SeverityMark } from '../ui/marks';
import { tell, useStep } from './actions';
import { desk } from './api';
import { Dialog, Reasons } from './dialog';

interface UpkeepProps {
  case: Case;
  onDone: (c: Case) => void;
  onStale: () => void;
}

const ID = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/i;

export function MergeAction({ case: c, onDone, onStale }: UpkeepProps) {
  const words = useWords();
  const { busy, error, run, forget } = useStep({ onDone, onStale });
  const [into, setInto] = useState<string | null>(null);
  const merge = async (whole: string) => {
    const ok = await run(async () => {
      const after = await api.merge(c, whole);
      tell(words, words.t('merge.do'), onDone, () => api.unmerge(after));
      return after;
    });
    if (ok) setInto(null);
  };
  const unmerge = () => run(async () => {
    const whole = c.parent as string;
    const after = await api.unmerge(c);
    tell(words, words.t('merge.undo'), onDone, () => api.merge(after, whole));
    return after;
  });
  const start = () => {
    forget();
    if (c.parent) void unmerge();
    else setInto('');
  };
  useKeys('desk.keysCase', [{ key: 'm', word: 'desk.key.merge', run: start }]);
  return (
    <>
      <button type="button" class="button button-quiet" data-testid={c.parent ? 'case-unmerge' : 'case-merge'} disabled={busy} aria-keyshortcuts="m" onClick={start}>
        {words.t(c.parent ? 'merge.undo' : 'merge.do')}<kbd class="key-hint" aria-hidden="true">M</kbd>
      </button>
      {error !== null && into === null && <p class="form-error" role="alert">{errorText(words, error)}</p>}
      {into !== null && <MergeDialog case={c} busy={busy} error={error} onCancel={() => setInto(null)} onMerge={(whole) => void merge(whole)} />}
    </>
  );
}

interface MergeDialogProps {
  case: Case;
  busy: boolean;
  error: unknown;
  onCancel: () => void;
  onMerge: (into: string) => void;
}

/** The cases near in place and time to choose from; another one by its number or address. */
function MergeDialog({ case: c, busy, error, onCancel, onMerge }: MergeDialogProps) {
  const words = useWords();
  const [near, setNear] = useState<readonly Case[] | null>(null);
  const [chosen, setChosen] = useState('');
  const [typed, setTyped] = useState('');
  useEffect(() => {
    const abort = new AbortController();
    desk.neighbours(c.id, abort.signal).then(setNear, () => abort.signal.aborted || setNear([]));
    return () => abort.abort();
  }, [c.id]);
  const id = ID.exec(typed)?.[0] ?? chosen;
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => list.current?.querySelector('input')?.focus(), [near]);
  return (
    <Dialog title={words.t('merge.title')} submit={words.t('merge.do')} busy={busy} ready={id !== ''} error={error} onCancel={onCancel} onSubmit={() => onMerge(id)}>
      <fieldset class="field" data-testid="merge-near">
        <legend>{words.t('desk.merge.choose')}</legend>
        {near?.length === 0 && <p class="muted">{words.t('desk.merge.none')}</p>}
        <div class="near" ref={list}>{(near ?? []).map((o) => <Near key={o.id} case={o} same={o.grid === c.grid} on={id === o.id} onChoose={() => { setChosen(o.id); setTyped(''); }} />)}</div>
      </fieldset>
      <details class="field">
        <summary data-testid="merge-other">{words.t('desk.merge.other')}</summary>
        <label class="field">
          <span>{words.t('merge.into')}</span>
          <input class="input" data-testid="merge-into" value={typed} onInput={(e) => setTyped(e.currentTarget.value)} />
          <small class="muted">{words.t('merge.hint')}</small>
        </label>
      </details>
    </Dialog>
  );
}

function Near({ case: o, same, on, onChoose }: { case: Case; same: boolean; on: boolean; onChoose: () => void }) {
  const words = useWords();
  const today = useToday();
  return (
    <label class={on ? 'choice choice-on' : 'choice'}>
      <input type="radio" name="into" data-testid="merge-choice" value={o.id} checked={on} onChange={onChoose} />
      <span>
        <strong>{words.word('kind', o.kind)}{o.zone && ` · ${o.zone}`}</strong>
        <small><SeverityMark severity={o.severity} /> {words.t(same ? 'desk.merge.same' : 'desk.merge.near')} <GridCode code={o.grid} /> · <Time at={o.openedAt} today={today} /> · {shortId(o.id)}</small>
      </span>
    </label>
  );
}

export function HoldAction({ case: c, onDone, onStale }: UpkeepProps) {
  const words = useWords();
  const { busy, error, run, forget } = useStep({ onDone, onStale });
  const [reason, setReason] = useState<string | null>(null);
  const held = Boolean(c.hold);
  const was = c.hold;
  const step = (why: string) => run(async () => {
    const after = await (held ? api.release(c, why) : api.hold(c, why));
    tell(words, words.t(held ? 'hold.release' : 'hold.do'), onDone, () => (held ? api.hold(after, was as string) : api.release(after, 'mistake')));
    return after;
  });
  return (
    <>
      <button type="button" class="button button-quiet" data-testid={held ? 'case-release' : 'case-hold'} onClick={() => { forget(); setReason(''); }}>
        {words.t(held ? 'hold.release' : 'hold.do')}
      </button>
      {reason !== null && (
        <Dialog title={words.t(held ? 'hold.release' : 'hold.title')} submit={words.t(held ? 'hold.release' : 'hold.do')} busy={busy} ready={reason !== ''} error={error}
          onCancel={() => setReason(null)} onSubmit={() => void step(reason).then((ok) => ok && setReason(null))}>
          <Reasons reasons={held ? RELEASE_REASONS : HOLD_REASONS} value={reason} onChange={setReason} />
        </Dialog>
      )}
    </>
  );
}
