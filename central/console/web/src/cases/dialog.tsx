/** The form of one action: what it demands and what it may carry. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { clock } from '../format';
import { useWords } from '../i18n';
import { pick } from '../i18n/pick';
import { errorText } from '../problem';
import type { Case, Field, Offer, Reason, StepBody } from '../types';
import { desk, type Colleague } from './api';
import { useUnits } from './catalog';
import { bodyOf, fieldsOf, idsOf, MAX_HELPERS, MAX_NOTE, missing, SPAN_UNITS, spanOf, type FormField, type SpanUnit, type Values } from './steps';
import { localInput, moments } from './until';

interface DialogProps {
  title: string;
  submit: string;
  busy: boolean;
  ready: boolean;
  error: unknown;
  onCancel: () => void;
  onSubmit: () => void;
  children: ComponentChildren;
}

/** A question over the page. Escape takes it back. */
export function Dialog({ title, submit, busy, ready, error, onCancel, onSubmit, children }: DialogProps) {
  const words = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog class="dialog" ref={dialog} onClose={onCancel} aria-labelledby="dialog-title" data-testid="step-dialog">
      <form onSubmit={(e) => { e.preventDefault(); if (ready) onSubmit(); }}>
        <h2 id="dialog-title">{title}</h2>
        {children}
        {error !== null && <p class="form-error" role="alert" data-testid="case-error">{errorText(words, error)}</p>}
        <div class="dialog-foot">
          <button type="button" class="button" onClick={() => dialog.current?.close()}>{words.t('app.cancel')}</button>
          <button type="submit" class="button button-primary" data-testid="step-confirm" disabled={busy || !ready}>
            {busy ? words.t('case.working') : submit}
          </button>
        </div>
      </form>
    </dialog>
  );
}

interface StepDialogProps {
  case: Case;
  offer: Offer;
  busy: boolean;
  error: unknown;
  onCancel: () => void;
  onTake: (body: StepBody) => void;
  /** Of the dialog; the action where it is left out. */
  title?: string;
}

export function StepDialog({ case: c, offer, busy, error, onCancel, onTake, title: given }: StepDialogProps) {
  const words = useWords();
  const [values, setValues] = useState<Values>({ helpers: (c.helpers ?? []).join(',') });
  const title = pick(words, offer.titles);
  const set = (name: Field) => (value: string) => setValues((v) => ({ ...v, [name]: value }));
  return (
    <Dialog title={given ?? title} submit={words.t('step.confirm', { action: title })} busy={busy} ready={missing(offer, values).length === 0} error={error}
      onCancel={onCancel} onSubmit={() => onTake(bodyOf(offer, values))}>
      {fieldsOf(offer).map((f) => <FieldInput key={f.name} field={f} value={values[f.name] ?? ''} reasons={offer.reasons} grid={c.grid} onChange={set(f.name)} />)}
    </Dialog>
  );
}

interface FieldProps {
  field: FormField;
  value: string;
  reasons: readonly Reason[];
  /** Of the case. */
  grid: string;
  onChange: (value: string) => void;
}

function FieldInput(props: FieldProps) {
  const units = useUnits();
  switch (props.field.name) {
    case 'reason':
      return <Reasons reasons={props.reasons} value={props.value} onChange={props.onChange} />;
    case 'helpers':
      return units.length > 0 ? <Helpers {...props} /> : <Labelled field={props.field}><Text {...props} /></Labelled>;
    case 'unit':
      return <Labelled field={props.field}>{units.length > 0 ? <Unit {...props} /> : <Text {...props} />}</Labelled>;
    case 'note':
      return <Labelled field={props.field}><Note value={props.value} onChange={props.onChange} testid="field-note" /></Labelled>;
    case 'rating':
      return <Labelled field={props.field}><Rating {...props} /></Labelled>;
    case 'by':
      return <By {...props} />;
    case 'assignee':
      return <Labelled field={props.field}><Assignee {...props} /></Labelled>;
    case 'until':
      return <Until {...props} />;
    default:
      return <Labelled field={props.field}><Text {...props} /></Labelled>;
  }
}

function Labelled({ field, children }: { field: FormField; children: ComponentChildren }) {
  const words = useWords();
  return (
    <label class="field">
      <span>{words.word('field', field.name)}{!field.required && <small class="muted"> {words.t('step.optional')}</small>}</span>
      {children}
    </label>
  );
}

function Text({ field, value, onChange }: FieldProps) {
  return <input class="input" maxLength={64} data-testid={`field-${field.name}`} value={value} onInput={(e) => onChange(e.currentTarget.value)} />;
}

/** Who may be given the case, by the units of the centre. What central does not tell is typed. */
function Assignee(props: FieldProps) {
  const words = useWords();
  const units = useUnits();
  const [staff, setStaff] = useState<readonly Colleague[] | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    const abort = new AbortController();
    desk.staff(props.grid, abort.signal).then(setStaff, () => abort.signal.aborted || setFailed(true));
    return () => abort.abort();
  }, [props.grid]);
  if (failed) return <Text {...props} />;
  const unitOf = (c: Colleague) => (c.unit ? pick(words, units.find((u) => u.id === c.unit)?.title) || c.unit : words.t('desk.centre'));
  return (
    <select class="input" data-testid="field-assignee" value={props.value} onChange={(e) => props.onChange(e.currentTarget.value)}>
      <option value="">{words.t(staff?.length === 0 ? 'desk.noStaff' : 'step.choose')}</option>
      {(staff ?? []).map((c) => <option key={c.name} value={c.name}>{c.name} · {unitOf(c)}</option>)}
    </select>
  );
}

/** Moments of a shift to choose from, or another one. */
function Until({ field, value, onChange }: FieldProps) {
  const words = useWords();
  const [all] = useState(() => moments(new Date()));
  const [other, setOther] = useState(false);
  const chosen = all.find((m) => localInput(m.at) === value);
  const choose = (at: string, own: boolean) => {
    setOther(own);
    onChange(at);
  };
  return (
    <fieldset class="field">
      <legend>{words.word('field', field.name)}{!field.required && <small class="muted"> {words.t('step.optional')}</small>}</legend>
      <div class="moments">
        {!field.required && <Moment word={words.t('desk.until.open')} on={value === '' && !other} testid="until-open" onChoose={() => choose('', false)} />}
        {all.map((m) => (
          <Moment key={m.word} word={words.t(m.word, { time: clock(words.lang, m.at).slice(0, 5) })} on={!other && chosen === m} testid={`until-${m.word.slice('desk.until.'.length)}`}
            onChoose={() => choose(localInput(m.at), false)} />
        ))}
        <Moment word={words.t('desk.until.other')} on={other} testid="until-other" onChoose={() => choose(value, true)} />
      </div>
      {other && (
        <input class="input" type="datetime-local" aria-label={words.word('field', field.name)} data-testid="field-until" value={value} onInput={(e) => onChange(e.currentTarget.value)} />
      )}
    </fieldset>
  );
}

function Moment({ word, on, testid, onChoose }: { word: string; on: boolean; testid: string; onChoose: () => void }) {
  return <label class={on ? 'moment moment-on' : 'moment'}><input type="radio" name="until" data-testid={testid} checked={on} onChange={onChoose} /> {word}</label>;
}

/** Words about the place or the thing. */
export function Note({ value, onChange, testid }: { value: string; onChange: (value: string) => void; testid: string }) {
  const words = useWords();
  return (
    <>
      <textarea class="input" rows={3} maxLength={MAX_NOTE} data-testid={testid} value={value} onInput={(e) => onChange(e.currentTarget.value)} />
      <small class="muted">{words.t('step.noteHint')}</small>
    </>
  );
}

function Unit({ value, onChange }: FieldProps) {
  const words = useWords();
  return (
    <select class="input" data-testid="field-unit" value={value} onChange={(e) => onChange(e.currentTarget.value)}>
      <option value="">{words.t('step.choose')}</option>
      {useUnits().map((u) => <option key={u.id} value={u.id}>{pick(words, u.title) || u.id}</option>)}
    </select>
  );
}

function Helpers({ value, onChange }: FieldProps) {
  const words = useWords();
  const chosen = idsOf(value);
  const toggle = (id: string) => onChange((chosen.includes(id) ? chosen.filter((c) => c !== id) : [...chosen, id]).join(','));
  return (
    <fieldset class="field">
      <legend>{words.word('field', 'helpers')}</legend>
      <div class="checks">
        {useUnits().map((u) => (
          <label key={u.id}>
            <input type="checkbox" checked={chosen.includes(u.id)} disabled={!chosen.includes(u.id) && chosen.length >= MAX_HELPERS} onChange={() => toggle(u.id)} />
            {' '}{pick(words, u.title) || u.id}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Rating({ value, onChange }: FieldProps) {
  const words = useWords();
  return (
    <select class="input" data-testid="field-rating" value={value} onChange={(e) => onChange(e.currentTarget.value)}>
      <option value="">{words.t('step.choose')}</option>
      {['5', '4', '3', '2', '1'].map((n) => <option key={n} value={n}>{words.t('step.stars', { n })}</option>)}
    </select>
  );
}

function By({ field, onChange }: FieldProps) {
  const words = useWords();
  const [n, setN] = useState('');
  const [unit, setUnit] = useState<SpanUnit>('w-d');
  useEffect(() => onChange(spanOf(n, unit)), [n, unit]);
  return (
    <div class="field-row">
      <Labelled field={field}>
        <input class="input" inputMode="numeric" maxLength={4} data-testid="field-by" value={n} onInput={(e) => setN(e.currentTarget.value)} />
      </Labelled>
      <select class="input" aria-label={words.t('step.spanUnit')} data-testid="field-by-unit" value={unit} onChange={(e) => setUnit(e.currentTarget.value as SpanUnit)}>
        {SPAN_UNITS.map((u) => <option key={u} value={u}>{words.word('spanUnit', u)}</option>)}
      </select>
    </div>
  );
}

export function Reasons({ reasons, value, onChange }: { reasons: readonly Reason[]; value: string; onChange: (value: string) => void }) {
  const words = useWords();
  return (
    <fieldset class="field">
      <legend>{words.word('field', 'reason')}</legend>
      {reasons.map((r) => (
        <label class={r === value ? 'choice choice-on' : 'choice'} key={r}>
          <input type="radio" name="reason" value={r} data-testid={`reason-${r}`} checked={r === value} onChange={() => onChange(r)} />
          <span><strong>{words.word('reason', r)}</strong><small>{words.word('reasonHint', r)}</small></span>
        </label>
      ))}
    </fieldset>
  );
}
