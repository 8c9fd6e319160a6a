/** The newest rollout with its waves and edges, and what can be done with it. */
import { useState } from 'preact/hooks';
import { useWords } from '../i18n';
import { errorText } from '../problem';
import { act, rolloutOf, rolloutsOf, type RolloutFile } from './api';
import { usePolled } from './page';

const newest = async (signal: AbortSignal): Promise<RolloutFile | undefined> => {
  const [first] = await rolloutsOf(signal);
  return first && rolloutOf(first.id, signal);
};

/** What can be done with a rollout in a state. */
const actions: Readonly<Record<string, readonly ('pause' | 'resume' | 'abort')[]>> = { running: ['pause', 'abort'], paused: ['resume', 'abort'], stopped: ['resume', 'abort'], done: ['abort'] };

export function Rollouts({ begun }: { begun: number }) {
  const words = useWords();
  const { value: r, again } = usePolled(newest, [begun]);
  const [error, setError] = useState<unknown>(null);
  if (!r) return null;
  const tally = new Map<string, number>();
  for (const e of r.edges) tally.set(e.state, (tally.get(e.state) ?? 0) + 1);
  const failed = r.edges.filter((e) => e.why);
  return (
    <div class="card block" data-testid="fleet-rollout" data-state={r.state}>
      <h2>{words.t('fleet.rollout')} <span class={`fleet-state fleet-${r.state}`}>{words.word('rolloutState', r.state)}</span></h2>
      <p>{r.layer} {r.version} · {r.reason} · {r.by}</p>
      <p>{words.t('fleet.wave', { n: r.wave + 1, of: r.waves.length })} <span class="muted">({r.waves.join(' → ')})</span> {[...tally].map(([s, n]) => <span key={s} class={`fleet-state fleet-${s}`}>{words.word('fleetState', s)} {n} </span>)}</p>
      {r.why && <p role="alert">{r.why}</p>}
      {failed.length > 0 && <ul>{failed.slice(0, 20).map((e) => <li key={e.edge}><b>{e.edge}</b> {words.word('fleetState', e.state)}: {e.why}</li>)}</ul>}
      <div class="fleet-bar">{(actions[r.state] ?? []).map((a) => (
        <button key={a} type="button" class="button" data-testid={`fleet-${a}`} onClick={() => {
          setError(null);
          act(r.id, a).then(again, setError);
        }}>{words.t(`fleet.${a}`)}</button>
      ))}</div>
      {error !== null && <p role="alert">{errorText(words, error)}</p>}
    </div>
  );
}
