/** The register of cameras: which unit runs each, what for and on what basis; what central refuses; and what is to be filed by when. */
import { useContext, useState } from 'preact/hooks';
import { usePolled } from '../devices/poll';
import { day } from '../format';
import { useWords, type Key } from '../i18n';
import { Empty, Failure, GridCode, Link, Loading, useTitle, useToday } from '../ui/bits';
import { IconLeft } from '../ui/icons';
import { SessionContext } from '../ui/session';
import { camerasOf, seesFiling, STATES, type Camera } from './api';
import { FilingCard } from './filing';

const EVERY = 60_000;

export function RegisterPage() {
  const words = useWords();
  useTitle(words.t('register.title'));
  const whole = seesFiling(useContext(SessionContext));
  const { value, error, reload } = usePolled('register', EVERY, camerasOf);
  return (
    <section class="page register" aria-labelledby="register-title" data-testid="register-page">
      <Link href="/devices" class="back"><IconLeft size={16} />{words.t('register.back')}</Link>
      <div class="page-head"><h1 id="register-title">{words.t('register.title')}</h1></div>
      <p class="muted">{words.t('register.what')}</p>
      {whole ? <FilingCard onMarked={reload} /> : <p class="muted">{words.t('register.part')}</p>}
      {!value && (error ? <Failure error={error} retry={reload} /> : <Loading />)}
      {value?.items.length === 0 && <Empty title={words.t('register.none')} hint={words.t('register.noneHint')} />}
      {value && value.items.length > 0 && <Cameras all={value.items} more={value.more} />}
    </section>
  );
}

/** How many rows are shown at first, and how many more at a time. */
const ROWS = 100;

function Cameras({ all, more }: { all: readonly Camera[]; more: boolean }) {
  const words = useWords();
  const [state, setState] = useState('');
  const [shown, setShown] = useState(ROWS);
  const count = (s: string) => all.filter((c) => c.state === s).length;
  const some = all.filter((c) => state === '' || c.state === state);
  return (
    <div class="card block">
      <h2>{words.t('register.cameras')}<span class="muted small">{words.t('register.count', { n: all.length })}</span></h2>
      <label class="filter">
        {words.t('devices.col.state')}
        <select class="input" data-testid="register-state" value={state} onChange={(e) => { setState(e.currentTarget.value); setShown(ROWS); }}>
          <option value="">{words.t('cases.all')}</option>
          {STATES.map((s) => <option key={s} value={s}>{words.word('registerState', s)} {count(s)}</option>)}
        </select>
      </label>
      <div class="register-scroll" tabIndex={0} role="group" aria-label={words.t('register.cameras')}><table class="data" data-testid="register-cameras">
        <thead><tr>{(['camera', 'state', 'owner', 'purpose', 'basis', 'place', 'since'] as const).map((k) => <th key={k} scope="col">{words.t(`register.col.${k}`)}</th>)}</tr></thead>
        <tbody>{some.slice(0, shown).map((c) => <Row key={`${c.edge}/${c.id}`} camera={c} />)}</tbody>
      </table></div>
      {some.length > shown && <button type="button" class="button" onClick={() => setShown((n) => n + ROWS)}>{words.t('register.more', { n: some.length - shown })}</button>}
      {more && <p class="muted small">{words.t('register.cut')}</p>}
    </div>
  );
}

/** What central says is wrong with a camera. */
const WHY: Readonly<Record<string, Key>> = {
  'owner is missing': 'register.why.owner', 'purpose is missing': 'register.why.purpose', 'basis is missing': 'register.why.basis',
  'a camera is forbidden in such a place': 'register.why.forbidden', 'the kind of place is unknown': 'register.why.unknown',
};

function Row({ camera: c }: { camera: Camera }) {
  const words = useWords();
  const today = useToday();
  const none = words.t('app.none');
  return (
    <tr data-state={c.state}>
      <th scope="row"><Link href={`/devices/${encodeURIComponent(c.edge)}/${encodeURIComponent(c.id)}`}>{c.id}</Link><div class="muted small">{c.edge}</div></th>
      <td>
        <span class={`chip register-${c.state}`}>{words.word('registerState', c.state)}</span>
        {c.why?.map((w) => <div key={w} class="small register-why">{WHY[w] ? words.t(WHY[w]) : w}</div>)}
        {c.state === 'untold' && <div class="muted small">{words.t('register.untold')}</div>}
      </td>
      <td>{c.owner || none}</td><td>{c.purpose || none}</td><td>{c.basis || none}</td>
      <td>{c.placeKind ? words.word('placeKind', c.placeKind) : none}<div class="muted small"><GridCode code={c.grid} /></div></td>
      <td class="time">{day(words.lang, new Date(c.since), today)}</td>
    </tr>
  );
}
