/** The newest rollout with its waves and edges, and what can be done with it. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useWords } from '../i18n';
import { errorText } from '../problem';
import { act, rolloutOf, rolloutsOf, type RolloutEdge, type RolloutFile, type Waves } from './api';
import { usePolled } from './page';
import { Why } from './why';

const newest = async (signal: AbortSignal): Promise<RolloutFile | undefined> => {
  const [first] = await rolloutsOf(signal);
  return first && rolloutOf(first.id, signal);
};

/** What can be done with a rollout in a state. */
const actions: Readonly<Record<string, readonly ('pause' | 'resume' | 'abort')[]>> = { running: ['pause', 'abort'], paused: ['resume', 'abort'], stopped: ['resume', 'abort'], done: ['abort'] };

/** How many edges are in each state. */
export function tally(edges: readonly RolloutEdge[]): Map<string, number> {
  const out = new Map<string, number>();
  for (const e of edges) out.set(e.state, (out.get(e.state) ?? 0) + 1);
  return out;
}

export function Rollouts({ begun }: { begun: number }) {
  const words = useWords();
  const { value: r, again } = usePolled(newest, [begun]);
  if (!r) return null;
  return (
    <RolloutCard testid="fleet-rollout" title={words.t('fleet.rollout')} r={r} act={act} again={again} failed={r.edges.filter((e) => e.why)} counts={tally(r.edges)}>
      <p>{r.layer} {r.version} · {r.reason} · {r.by}</p>
    </RolloutCard>
  );
}

/** A rollout of whatever is brought to edges: its waves, edges by state, what went wrong, buttons. Their testids begin as the card's does. */
export function RolloutCard(p: {
  testid: string; title: string; r: Waves; counts: Map<string, number>; failed: readonly RolloutEdge[];
  act: (id: string, action: string) => Promise<unknown>; again: () => void; children: ComponentChildren;
}) {
  const words = useWords();
  const [error, setError] = useState<unknown>(null);
  const { r } = p;
  return (
    <div class="card block" data-testid={p.testid} data-state={r.state}>
      <h2>{p.title} <span class={`fleet-state fleet-${r.state}`}>{words.word('rolloutState', r.state)}</span></h2>
      {p.children}
      <p>{words.t('fleet.wave', { n: r.wave + 1, of: r.waves.length })} <span class="muted">({r.waves.join(' → ')})</span> {[...p.counts].map(([s, n]) => <span key={s} class={`fleet-state fleet-${s}`}>{words.word('fleetState', s)} {n} </span>)}</p>
      {r.why && <p role="alert">{r.why}</p>}
      {p.failed.length > 0 && <ul>{p.failed.slice(0, 20).map((e) => <li key={e.edge}><b>{e.edge}</b> {words.word('fleetState', e.state)}: <Why of={e} /></li>)}</ul>}
      <div class="fleet-bar">{(actions[r.state] ?? []).map((a) => (
        <button key={a} type="button" class="button" data-testid={`${p.testid.split('-')[0]}-${a}`} onClick={() => {
          setError(null);
          p.act(r.id, a).then(p.again, setError);
        }}>{words.t(`fleet.${a}`)}</button>
      ))}</div>
      {error !== null && <p role="alert">{errorText(words, error)}</p>}
    </div>
  );
}
