/** Opens a case by hand: what, where, in what words; then its photos. */
import { useState } from 'preact/hooks';
import { api } from '../api';
import { useWords } from '../i18n';
import { pick } from '../i18n/pick';
import { errorText } from '../problem';
import { SEVERITIES, type Case, type EventClass, type Report, type Severity } from '../types';
import { GridCode, Link, useTitle } from '../ui/bits';
import { useClasses } from './catalog';
import { Note } from './dialog';
import { PhotoUpload } from './photo';
import { mint } from './mint';
import { reportOf, type Draft } from './report';

const blank: Draft = { class: '', grid: '', lon: '', lat: '', severity: '', note: '', exercise: false };

export function ReportPage() {
  const words = useWords();
  useTitle(words.t('report.title'));
  const [done, setDone] = useState<Case | null>(null);
  return (
    <section class="page report" aria-labelledby="report-title">
      <div class="page-head"><h1 id="report-title">{words.t('report.title')}</h1></div>
      {done ? <Opened case={done} onAgain={() => setDone(null)} /> : <ReportForm onDone={setDone} />}
    </section>
  );
}

function Opened({ case: c, onAgain }: { case: Case; onAgain: () => void }) {
  const words = useWords();
  return (
    <div class="card block report-done" data-testid="report-done" data-id={c.id}>
      <p role="status"><strong>{words.t('report.done')}</strong> {words.word('kind', c.kind)} <GridCode code={c.grid} /></p>
      <PhotoUpload id={c.id} onAdded={() => undefined} />
      <div class="actions">
        <Link href={`/cases/${c.id}`} class="button button-primary" testid="report-open">{words.t('feed.toCase')}</Link>
        <button type="button" class="button" onClick={onAgain}>{words.t('report.again')}</button>
      </div>
    </div>
  );
}

function ReportForm({ onDone }: { onDone: (c: Case) => void }) {
  const words = useWords();
  const [id] = useState(mint); // one id while this form lasts: sent again after a lost answer, it is the same case
  const [draft, setDraft] = useState<Draft>(blank);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const set = (part: Partial<Draft>) => setDraft((d) => ({ ...d, ...part }));
  const report = reportOf(id, draft);
  const send = async (r: Report) => {
    setBusy(true);
    setError(null);
    try {
      onDone(await api.report(r));
    } catch (err) {
      setError(err);
      setBusy(false);
    }
  };
  return (
    <form class="card block report-form" onSubmit={(e) => { e.preventDefault(); if (report) void send(report); }}>
      <ClassField value={draft.class} onChange={(code) => set({ class: code })} />
      <PlaceFields draft={draft} set={set} />
      <label class="field">
        <span>{words.t('cases.severity')}</span>
        <select class="input" data-testid="report-severity" value={draft.severity} onChange={(e) => set({ severity: e.currentTarget.value as Severity | '' })}>
          <option value="">{words.t('report.severityOfClass')}</option>
          {[...SEVERITIES].reverse().map((s) => <option key={s} value={s}>{words.word('severity', s)}</option>)}
        </select>
      </label>
      <label class="field"><span>{words.word('field', 'note')}</span><Note value={draft.note} testid="report-note" onChange={(note) => set({ note })} /></label>
      <label class="check"><input type="checkbox" checked={draft.exercise} onChange={(e) => set({ exercise: e.currentTarget.checked })} /> {words.t('alert.exercise')}</label>
      <p class="muted small">{words.t('report.photoLater')}</p>
      {error !== null && <p class="form-error" role="alert" data-testid="report-error">{errorText(words, error)}</p>}
      <button type="submit" class="button button-primary" data-testid="report-send" disabled={busy || !report}>{words.t(busy ? 'case.working' : 'report.send')}</button>
    </form>
  );
}

/** Main classes (two digits) head their event classes (four). */
function ClassField({ value, onChange }: { value: string; onChange: (code: string) => void }) {
  const words = useWords();
  const classes = useClasses();
  const name = (c: EventClass) => `${c.code} ${pick(words, c.title)}`;
  const option = (c: EventClass) => <option key={c.code} value={c.code}>{name(c)}</option>;
  const mains = classes.filter((c) => c.code.length === 2);
  const under = (code: string) => classes.filter((c) => c.code.length === 4 && c.code.startsWith(code));
  const loose = classes.filter((c) => c.code.length === 4 && !mains.some((m) => c.code.startsWith(m.code)));
  return (
    <label class="field">
      <span>{words.t('case.class')}</span>
      <select class="input" data-testid="report-class" value={value} onChange={(e) => onChange(e.currentTarget.value)}>
        <option value="">{words.t('step.choose')}</option>
        {mains.map((m) => <optgroup key={m.code} label={name(m)}>{under(m.code).map(option)}</optgroup>)}
        {loose.map(option)}
      </select>
    </label>
  );
}

function PlaceFields({ draft, set }: { draft: Draft; set: (part: Partial<Draft>) => void }) {
  const words = useWords();
  const coordinate = (name: 'lon' | 'lat') => (
    <label class="field">
      <span>{words.t(`report.${name}`)}</span>
      <input class="input" inputMode="decimal" maxLength={12} data-testid={`report-${name}`} value={draft[name]} onInput={(e) => set({ [name]: e.currentTarget.value })} />
    </label>
  );
  return (
    <>
      <label class="field">
        <span>{words.t('cases.grid')}</span>
        <input class="input" inputMode="numeric" maxLength={20} data-testid="report-grid" value={draft.grid} onInput={(e) => set({ grid: e.currentTarget.value.replace(/[^0-9]/g, '') })} />
        <small class="muted">{words.t('report.gridHint')}</small>
      </label>
      <div class="field-row">{coordinate('lon')}{coordinate('lat')}</div>
    </>
  );
}
