/** Edges with their cameras and sensors: state, why, since when, last seen, and what waits to be sent. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { api } from '../api';
import { clock } from '../format';
import { useWords, type Key } from '../i18n';
import type { Device, Edge, Family } from '../types';
import { Empty, Failure, Loading, useToday, useTitle } from '../ui/bits';
import { EdgeCard } from './edge';
import { edgeTrouble, healthOf, sortedEdges } from './health';

const EVERY = 10_000;

function useEdges() {
  const [edges, setEdges] = useState<Edge[] | null>(null);
  const [at, setAt] = useState(new Date());
  const [error, setError] = useState<unknown>(null);
  const load = useCallback((signal?: AbortSignal) => {
    api.edges(signal).then(
      (page) => {
        setEdges(sortedEdges(page.items));
        setAt(new Date());
        setError(null);
      },
      (err: unknown) => signal?.aborted || setError(err),
    );
  }, []);
  useEffect(() => {
    const abort = new AbortController();
    load(abort.signal);
    const timer = setInterval(() => load(abort.signal), EVERY);
    return () => {
      abort.abort();
      clearInterval(timer);
    };
  }, []);
  return { edges, at, error, reload: () => load() };
}

export function DevicesPage() {
  const words = useWords();
  useTitle(words.t('devices.title'));
  const today = useToday();
  const [onlyTrouble, setOnlyTrouble] = useState(false);
  const { edges, at, error, reload } = useEdges();
  if (!edges) return error ? <Failure error={error} retry={reload} /> : <Loading />;
  const shown = onlyTrouble ? edges.filter(edgeTrouble) : edges;
  return (
    <section class="page" aria-labelledby="devices-title">
      <div class="page-head">
        <h1 id="devices-title">{words.t('devices.title')}</h1>
        <Totals edges={edges} />
        <span class="spacer" />
        <label class="check">
          <input type="checkbox" data-testid="only-trouble" checked={onlyTrouble} onChange={(e) => setOnlyTrouble(e.currentTarget.checked)} />
          {words.t('devices.onlyTrouble')}
        </label>
        <span class={error ? 'muted stale' : 'muted'}>{words.t('devices.updated', { time: clock(words.lang, at) })}</span>
      </div>
      {edges.length === 0 && <Empty title={words.t('devices.empty')} hint={words.t('devices.emptyHint')} />}
      {edges.length > 0 && shown.length === 0 && <Empty title={words.t('devices.noTrouble')} />}
      {shown.map((e) => <EdgeCard key={e.id} edge={e} today={today} onlyTrouble={onlyTrouble} />)}
    </section>
  );
}

/** How many are well, of how many. */
function Totals({ edges }: { edges: readonly Edge[] }) {
  const devices = edges.flatMap((e) => e.devices);
  return (
    <div class="totals">
      <Total name="devices.edges" n={edges.filter((e) => e.online).length} total={edges.length} />
      <FamilyTotal name="devices.cameras" devices={devices} family="cameras" />
      <FamilyTotal name="devices.sensors" devices={devices} family="sensors" />
    </div>
  );
}

function FamilyTotal({ name, devices, family }: { name: Key; devices: readonly Device[]; family: Family }) {
  const mine = devices.filter((d) => d.family === family);
  return <Total name={name} n={mine.filter((d) => healthOf(d) === 'ok').length} total={mine.length} />;
}

function Total({ name, n, total }: { name: Key; n: number; total: number }) {
  const words = useWords();
  return (
    <span class={n < total ? 'total total-bad' : 'total'}>
      {words.t(name)} <b class="number">{words.t('devices.ofTotal', { n, total })}</b>
    </span>
  );
}
