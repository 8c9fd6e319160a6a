/** What changed since the register was filed with the police, by when it is to be filed, and noting that it was. */
import { useContext, useState } from 'preact/hooks';
import { Dialog } from '../cases/dialog';
import { usePolled } from '../devices/poll';
import { day } from '../format';
import { useWords } from '../i18n';
import { errorText } from '../problem';
import { Failure, Loading, useToday } from '../ui/bits';
import { SessionContext } from '../ui/session';
import { CSV, filingOf, mark, MAX_NOTE, mayMark, NOTE, type Filing, type FilingChange } from './api';

const EVERY = 60_000;

export function FilingCard({ onMarked }: { onMarked: () => void }) {
  const words = useWords();
  const may = mayMark(useContext(SessionContext));
  const { value, error, reload } = usePolled('filing', EVERY, filingOf);
  const [marking, setMarking] = useState(false);
  const [said, setSaid] = useState('');
  const marked = (n: number) => {
    setMarking(false);
    setSaid(words.t('register.marked', { n }));
    reload();
    onMarked();
  };
  return (
    <section class="card block" aria-labelledby="filing-title" data-testid="register-filing">
      <h2 id="filing-title">{words.t('register.filing')}</h2>
      {value ? <Due filing={value} /> : error ? <Failure error={error} retry={reload} /> : <Loading />}
      <div class="register-bar">
        <a class="button" href={CSV} download="cameras.csv" data-testid="register-csv">{words.t('register.csv')}</a>
        {may && <button type="button" class="button button-primary" data-testid="register-mark" onClick={() => setMarking(true)}>{words.t('register.mark')}</button>}
        <span role="status">{said}</span>
      </div>
      {marking && <Mark onCancel={() => setMarking(false)} onMarked={marked} />}
    </section>
  );
}

/** How many changes are listed; the CSV has all. */
const LISTED = 100;

function Due({ filing }: { filing: Filing }) {
  const words = useWords();
  const changes = [...filing.changes].sort((a, b) => a.due.localeCompare(b.due));
  const overdue = changes.filter((c) => c.overdue).length;
  if (changes.length === 0) return <p>{words.t(filing.cameras.length === 0 ? 'register.nothing' : 'register.allFiled')}</p>;
  return (
    <>
      <p>{words.t('register.open', { n: changes.length })}{overdue > 0 && <> <strong class="register-why">{words.t('register.overdueN', { n: overdue })}</strong></>}</p>
      <div class="register-scroll" tabIndex={0} role="group" aria-label={words.t('register.filing')}><table class="data" data-testid="register-changes">
        <thead><tr>{(['camera', 'what', 'heard', 'due'] as const).map((k) => <th key={k} scope="col">{words.t(`register.col.${k}`)}</th>)}</tr></thead>
        <tbody>{changes.slice(0, LISTED).map((c) => <Change key={`${c.edge}/${c.camera}/${c.sort}`} change={c} />)}</tbody>
      </table></div>
      {changes.length > LISTED && <p class="muted small">{words.t('register.listed', { n: LISTED })}</p>}
    </>
  );
}

function Change({ change: c }: { change: FilingChange }) {
  const words = useWords();
  const today = useToday();
  const late = c.overdue ? 'register.overdue' : c.soon ? 'register.soon' : null;
  return (
    <tr>
      <th scope="row">{c.camera}<div class="muted small">{c.edge}</div></th>
      <td>{words.word('registerSort', c.sort)}{c.fields && c.fields.length > 0 && `: ${c.fields.map((f) => words.word('registerField', f)).join(', ')}`}</td>
      <td class="time">{day(words.lang, new Date(c.at), today)}</td>
      <td class="time">{day(words.lang, new Date(c.due), today)} {late && <span class={`chip register-${c.overdue ? 'refused' : 'soon'}`}>{words.t(late)}</span>}</td>
    </tr>
  );
}

function Mark({ onCancel, onMarked }: { onCancel: () => void; onMarked: (cameras: number) => void }) {
  const words = useWords();
  const [note, setNote] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const good = NOTE.test(note);
  const send = () => {
    setBusy(true);
    setError(null);
    mark(note).then((m) => onMarked(m.cameras), setError).finally(() => setBusy(false));
  };
  return (
    <Dialog title={words.t('register.mark')} submit={words.t('register.mark')} busy={busy} ready={good} error={null} onCancel={onCancel} onSubmit={send}>
      <p>{words.t('register.markText')}</p>
      <label class="field">
        <span>{words.t('register.note')} <small class="muted">{words.t('step.optional')}</small></span>
        <input class="input" maxLength={MAX_NOTE} data-testid="register-note" value={note} onInput={(e) => setNote(e.currentTarget.value.trim())} />
      </label>
      {!good && <p class="form-error" role="alert">{words.t('register.noteBad')}</p>}
      {error !== null && <p class="form-error" role="alert">{errorText(words, error)}</p>}
    </Dialog>
  );
}
