/** Builds of the edge: which is rolled out to whom, how each edge is with the one that is wanted of it, and beginning with another. */
import { useState } from 'preact/hooks';
import { useWords } from '../i18n';
import { errorText } from '../problem';
import { Failure, Link, Loading } from '../ui/bits';
import { actBuild, buildRolloutOf, buildRolloutsOf, BUILD_STATES, buildsOf, groupsOf, startBuild, standingsOf, type Build, type BuildRollout, type Group, type StandingPage } from './api';
import { usePolled } from './page';
import { RolloutCard, tally } from './rollouts';
import { Why } from './why';

const newest = async (signal: AbortSignal): Promise<BuildRollout | undefined> => {
  const [first] = await buildRolloutsOf(signal);
  return first && buildRolloutOf(first.id, signal);
};

export function Releases() {
  const words = useWords();
  const [begun, setBegun] = useState(0);
  const { value: r, again } = usePolled(newest, [begun]);
  return (
    <>
      {r && (
        <RolloutCard testid="release-rollout" title={words.t('fleet.buildRollout')} r={r} act={actBuild} again={again} failed={r.edges.filter((e) => e.why)} counts={tally(r.edges)}>
          <p>{r.version}{r.to && ` → ${r.to}`} · {r.reason} · {r.by}</p>
        </RolloutCard>
      )}
      <Standings begun={begun} />
      <Begin onBegun={() => setBegun((n) => n + 1)} />
    </>
  );
}

function Standings({ begun }: { begun: number }) {
  const words = useWords();
  const [state, setState] = useState('');
  const [after, setAfter] = useState('');
  const page = usePolled<StandingPage>((signal) => standingsOf(state, after, signal), [state, after, begun]);
  return (
    <div class="card block">
      <h2>{words.t('fleet.builds')}</h2>
      <div class="fleet-bar">
        <label>{words.t('fleet.state')} <select class="input" data-testid="release-state" value={state} onChange={(e) => {
          setState(e.currentTarget.value);
          setAfter('');
        }}>
          <option value="">{words.t('fleet.all')}</option>
          {BUILD_STATES.map((s) => <option key={s} value={s}>{words.word('fleetState', s)} {page.value?.counts[s] ?? 0}</option>)}
        </select></label>
      </div>
      {page.value === null ? (page.error ? <Failure error={page.error} retry={page.again} /> : <Loading />) : <StandingTable page={page.value} />}
      {page.value?.next && <button type="button" class="button" onClick={() => setAfter(page.value?.next ?? '')}>{words.t('fleet.more')}</button>}
      {after && <button type="button" class="button button-quiet" onClick={() => setAfter('')}>{words.t('fleet.first')}</button>}
    </div>
  );
}

function StandingTable({ page }: { page: StandingPage }) {
  const words = useWords();
  if (page.items.length === 0) return <p class="muted">{words.t('fleet.none')}</p>;
  return (
    <div class="fleet-scroll" tabIndex={0} role="group" aria-label={words.t('fleet.builds')}><table class="data" data-testid="release-edges">
      <thead><tr>{(['edge', 'state', 'running', 'wanted', 'why'] as const).map((k) => <th key={k} scope="col">{words.t(`fleet.col.${k}`)}</th>)}</tr></thead>
      <tbody>{page.items.map((e) => (
        <tr key={e.edge} data-edge={e.edge}>
          <th scope="row"><Link href={`/devices/${encodeURIComponent(e.edge)}`}>{e.edge}</Link></th>
          <td><span class={`fleet-state fleet-${e.state}`}>{words.word('fleetState', e.state)}</span></td>
          <td>{e.running}</td>
          <td>{e.wanted}</td>
          <td><Why of={e} /></td>
        </tr>
      ))}</tbody>
    </table></div>
  );
}

function Begin({ onBegun }: { onBegun: () => void }) {
  const words = useWords();
  const builds = usePolled<Build[]>(buildsOf, []).value ?? [];
  const groups = usePolled<Group[]>(groupsOf, []).value ?? [];
  const versions = [...new Set(builds.map((b) => b.version))];
  const [chosen, setChosen] = useState('');
  const [to, setTo] = useState('all');
  const [why, setWhy] = useState('');
  const [waves, setWaves] = useState('1, 10%, 100%');
  const [error, setError] = useState<unknown>(null);
  const version = chosen || versions[0] || '';
  if (versions.length === 0) return <div class="card block"><h2>{words.t('fleet.buildStart')}</h2><p class="muted">{words.t('fleet.noBuilds')}</p></div>;
  const begin = () => {
    setError(null);
    startBuild(version, to, why, waves.split(',').map((w) => w.trim()).filter((w) => w !== '')).then(onBegun, setError);
  };
  return (
    <div class="card block fleet-editor">
      <h2>{words.t('fleet.buildStart')}</h2>
      <label>{words.t('fleet.build')} <select class="input" data-testid="release-version" value={version} onChange={(e) => setChosen(e.currentTarget.value)}>
        {versions.map((v) => <option key={v} value={v}>{v} ({builds.filter((b) => b.version === v).map((b) => b.platform).join(', ')})</option>)}
      </select></label>
      <label>{words.t('fleet.to')} <select class="input" data-testid="release-to" value={to} onChange={(e) => setTo(e.currentTarget.value)}>
        <option value="all">{words.t('fleet.all')}</option>
        {groups.map((g) => <option key={g.name} value={`group:${g.name}`}>{g.name}</option>)}
      </select></label>
      <label>{words.t('fleet.why')} <input data-testid="release-why" value={why} maxLength={200} onInput={(e) => setWhy(e.currentTarget.value)} /></label>
      <label>{words.t('fleet.waves')} <input value={waves} maxLength={80} onInput={(e) => setWaves(e.currentTarget.value)} /></label>
      <div class="fleet-bar"><button type="button" class="button button-primary" data-testid="release-begin" disabled={why.trim() === ''} onClick={begin}>{words.t('fleet.buildBegin')}</button></div>
      {error !== null && <p role="alert">{errorText(words, error)}</p>}
    </div>
  );
}
