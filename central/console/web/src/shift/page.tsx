/** Shift handover: what waits at the top, the way to begin one, and those so far. */
import { useContext, useEffect, useState } from 'preact/hooks';
import { useWords } from '../i18n';
import '../styles/shift.css';
import { errorText } from '../problem';
import { navigate } from '../router';
import type { PageProps } from '../routes';
import { Empty, Failure, Link, Loading, Time, useTitle, useToday } from '../ui/bits';
import { SessionContext } from '../ui/session';
import { shiftApi, type Head } from './api';
import { HandoverPage } from './handover';
import { areaText, StateChip, useDesk } from './parts';

export function ShiftPage({ params: [id = ''] }: PageProps) {
  return id ? <HandoverPage key={id} id={id} /> : <Overview />;
}

const REFRESH = 30_000;
const SHIFTS = [4, 6, 8, 12, 24] as const;

interface Lists {
  open: readonly Head[];
  past: readonly Head[];
  next: string;
}

/** The handovers that wait and the first page of the others, read again now and then. */
function useLists(): { lists: Lists | null; error: unknown; reload: () => void; more: () => void } {
  const [lists, setLists] = useState<Lists | null>(null);
  const [error, setError] = useState<unknown>(null);
  const over = (h: Head) => h.state === 'accepted' || h.state === 'withdrawn';
  const reload = () => {
    Promise.all([shiftApi.list({ state: 'open' }), shiftApi.list({ limit: 30 })]).then(([open, all]) => {
      setError(null);
      setLists((was) => (was && was.past.length > 30 ? { ...was, open: open.items } : { open: open.items, past: all.items.filter(over), next: all.next }));
    }, setError);
  };
  const more = () => {
    if (!lists?.next) return;
    shiftApi.list({ limit: 30, cursor: lists.next }).then((page) => setLists({ ...lists, past: [...lists.past, ...page.items.filter(over)], next: page.next }), setError);
  };
  useEffect(() => {
    reload();
    const timer = setInterval(reload, REFRESH);
    return () => clearInterval(timer);
  }, []);
  return { lists, error, reload, more };
}

function Overview() {
  const words = useWords();
  useTitle(words.t('shift.title'));
  const session = useContext(SessionContext);
  const desk = useDesk();
  const { lists, error, reload, more } = useLists();
  if (!lists) return error === null ? <Loading /> : <Failure error={error} retry={reload} />;
  const mine = lists.open.find((h) => h.outgoing === session.user);
  return (
    <section class="page shift" aria-labelledby="shift-title">
      <div class="page-head"><h1 id="shift-title">{words.t('shift.title')}</h1></div>
      {lists.open.map((h) => <Waiting key={h.id} head={h} />)}
      {desk && !mine && <Begin />}
      <div class="card block">
        <h2>{words.t('shift.history')}</h2>
        <Past list={lists.past} />
        {lists.next && <button type="button" class="button" data-testid="shift-older" onClick={more}>{words.t('shift.older')}</button>}
      </div>
    </section>
  );
}

/** An open handover: whoever it waits for finds the way to it. */
function Waiting({ head }: { head: Head }) {
  const words = useWords();
  const today = useToday();
  const session = useContext(SessionContext);
  const desk = useDesk();
  const mine = head.outgoing === session.user;
  const takes = desk && !mine && head.state === 'signed';
  const said = mine
    ? words.t(head.state === 'draft' ? 'shift.mine' : 'shift.waitingMine')
    : words.t(head.state === 'draft' ? 'shift.draftOf' : 'shift.waitingHint', { who: head.outgoing });
  return (
    <div class={`card block shift-waiting ${takes ? 'shift-call' : ''}`} data-testid="shift-waiting" data-state={head.state}>
      <StateChip state={head.state} />
      <p class="shift-said">{said}</p>
      <span class="muted">{head.signedAt && <><Time at={head.signedAt} today={today} /> · </>}{areaText(words, head.grids)}</span>
      <Link href={`/shift/${head.id}`} class={`button ${takes || (mine && head.state === 'draft') ? 'button-primary' : ''}`} testid="shift-go">
        {words.t(takes ? 'shift.look' : mine && head.state === 'draft' ? 'shift.go' : 'shift.open')}
      </Link>
    </div>
  );
}

function Begin() {
  const words = useWords();
  const [past, setPast] = useState(8);
  const [next, setNext] = useState(8);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const begin = () => {
    setBusy(true);
    const now = Date.now();
    shiftApi.begin(new Date(now - past * 3_600_000 + 60_000), new Date(now + next * 3_600_000 - 60_000)).then((h) => navigate(`/shift/${h.id}`), (err: unknown) => {
      setError(err);
      setBusy(false);
    });
  };
  const Hours = ({ id, value, onChange }: { id: 'shift.past' | 'shift.next'; value: number; onChange: (n: number) => void }) => (
    <label class="filter">
      <span>{words.t(id)}</span>
      <select class="input" data-testid={id} value={String(value)} onChange={(e) => onChange(Number(e.currentTarget.value))}>
        {SHIFTS.map((n) => <option key={n} value={String(n)}>{words.t('shift.hours', { n })}</option>)}
      </select>
    </label>
  );
  return (
    <form class="card block shift-begin" onSubmit={(e) => { e.preventDefault(); begin(); }}>
      <h2>{words.t('shift.beginTitle')}</h2>
      <p class="muted">{words.t('shift.intro')}</p>
      <div class="filters">
        {Hours({ id: 'shift.past', value: past, onChange: setPast })}
        {Hours({ id: 'shift.next', value: next, onChange: setNext })}
        <button type="submit" class="button button-primary" data-testid="shift-begin" disabled={busy}>{words.t(busy ? 'case.working' : 'shift.begin')}</button>
      </div>
      {error !== null && <p class="form-error" role="alert" data-testid="shift-error">{errorText(words, error)}</p>}
    </form>
  );
}

function Past({ list }: { list: readonly Head[] }) {
  const words = useWords();
  const today = useToday();
  if (list.length === 0) return <Empty title={words.t('shift.none')} />;
  return (
    <table class="data">
      <thead>
        <tr>
          <th scope="col">{words.t('shift.at')}</th><th scope="col">{words.t('shift.state')}</th><th scope="col">{words.t('shift.outgoing')}</th>
          <th scope="col">{words.t('shift.incoming')}</th><th scope="col">{words.t('shift.grids')}</th><th scope="col"><span class="sr-only">{words.t('shift.open')}</span></th>
        </tr>
      </thead>
      <tbody>
        {list.map((h) => (
          <tr key={h.id} data-testid="shift-row" data-state={h.state}>
            <td class="time"><Time at={h.acceptedAt ?? h.withdrawnAt ?? h.from} today={today} /></td>
            <td><StateChip state={h.state} /></td>
            <td class="name">{h.outgoing}</td>
            <td class="name">{h.incoming ?? ''}</td>
            <td>{areaText(words, h.grids)}</td>
            <td><Link href={`/shift/${h.id}`} class="button" testid="shift-view">{words.t('shift.open')}</Link></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
