/** Fleet: how far each edge is from what is wanted of it, configurations and builds, and bringing them to edges in waves. */
import { useContext, useEffect, useState } from 'preact/hooks';
import { useWords } from '../i18n';
import { Empty, Failure, Link, Loading, useTitle } from '../ui/bits';
import { SessionContext } from '../ui/session';
import { edgesOf, groupsOf, STATES, type EdgePage, type Group } from './api';
import { Editor } from './editor';
import { Releases } from './releases';
import { Rollouts } from './rollouts';
import { Why } from './why';

export function FleetPage() {
  const words = useWords();
  useTitle(words.t('fleet.title'));
  const [begun, setBegun] = useState(0);
  if (!useContext(SessionContext).scopes.includes('configure')) return <section class="page"><Empty title={words.t('fleet.forbidden')} heading /></section>;
  return (
    <section class="page fleet" aria-labelledby="fleet-title" data-testid="fleet-page">
      <div class="page-head"><h1 id="fleet-title">{words.t('fleet.title')}</h1></div>
      <Rollouts begun={begun} />
      <Edges begun={begun} />
      <Editor onBegun={() => setBegun((n) => n + 1)} />
      <Releases />
    </section>
  );
}

/** How often what is shown is read again, in milliseconds. */
export const EVERY = 5000;

/** Reads again and again while it is shown. */
export function usePolled<T>(read: (signal: AbortSignal) => Promise<T>, deps: readonly unknown[]): { value: T | null; error: unknown; again: () => void } {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    const once = () => void read(abort.signal).then(
      (v) => {
        if (abort.signal.aborted) return;
        setValue(v);
        setError(null);
      },
      (err: unknown) => abort.signal.aborted || setError(err),
    );
    once();
    const timer = setInterval(once, EVERY);
    return () => {
      clearInterval(timer);
      abort.abort();
    };
  }, [...deps, round]);
  return { value, error, again: () => setRound((n) => n + 1) };
}

function Edges({ begun }: { begun: number }) {
  const words = useWords();
  const [state, setState] = useState('');
  const [group, setGroup] = useState('');
  const [after, setAfter] = useState('');
  const page = usePolled<EdgePage>((signal) => edgesOf(state, group, after, signal), [state, group, after, begun]);
  const groups = usePolled<Group[]>(groupsOf, []).value ?? [];
  const choose = (set: (v: string) => void) => (e: Event) => {
    set((e.currentTarget as HTMLSelectElement).value);
    setAfter('');
  };
  return (
    <div class="card block">
      <h2>{words.t('fleet.edges')}</h2>
      <div class="fleet-bar">
        <label>{words.t('fleet.state')} <select class="input" data-testid="fleet-state" value={state} onChange={choose(setState)}>
          <option value="">{words.t('fleet.all')}</option>
          {STATES.map((s) => <option key={s} value={s}>{words.word('fleetState', s)} {page.value?.counts[s] ?? 0}</option>)}
        </select></label>
        <label>{words.t('fleet.group')} <select class="input" value={group} onChange={choose(setGroup)}>
          <option value="">{words.t('fleet.all')}</option>
          {groups.map((g) => <option key={g.name} value={g.name}>{g.name}</option>)}
        </select></label>
      </div>
      {page.value === null ? (page.error ? <Failure error={page.error} retry={page.again} /> : <Loading />) : <EdgeTable page={page.value} />}
      {page.value?.next && <button type="button" class="button" onClick={() => setAfter(page.value?.next ?? '')}>{words.t('fleet.more')}</button>}
      {after && <button type="button" class="button button-quiet" onClick={() => setAfter('')}>{words.t('fleet.first')}</button>}
    </div>
  );
}

function EdgeTable({ page }: { page: EdgePage }) {
  const words = useWords();
  if (page.items.length === 0) return <p class="muted">{words.t('fleet.none')}</p>;
  return (
    <div class="fleet-scroll" tabIndex={0} role="group" aria-label={words.t('fleet.edges')}><table class="data" data-testid="fleet-edges">
      <thead><tr>{(['edge', 'state', 'layers', 'allows', 'versions', 'why'] as const).map((k) => <th key={k} scope="col">{words.t(`fleet.col.${k}`)}</th>)}</tr></thead>
      <tbody>{page.items.map((e) => (
        <tr key={e.edge} data-edge={e.edge}>
          <th scope="row"><Link href={`/devices/${encodeURIComponent(e.edge)}`}>{e.edge}</Link></th>
          <td><span class={`fleet-state fleet-${e.state}`}>{words.word('fleetState', e.state)}</span></td>
          <td>{e.layers.map((l) => <div key={l.layer}>{l.layer} {l.version}{l.version !== l.newest && <span class="muted"> {words.t('fleet.newest', { n: l.newest })}</span>}</div>)}</td>
          <td>{(e.sections ?? []).join(', ')}</td>
          <td>{e.file} <span class="muted">{e.software}</span></td>
          <td><Why of={e} /></td>
        </tr>
      ))}</tbody>
    </table></div>
  );
}
