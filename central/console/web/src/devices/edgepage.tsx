/** One edge: its state, what it costs, and all its devices. */
import { useContext, useState } from 'preact/hooks';
import { clock } from '../format';
import { useWords } from '../i18n';
import { useKeys } from '../keys';
import { navigate } from '../router';
import type { PageProps } from '../routes';
import type { Family } from '../types';
import { Ago, Fact, Failure, Link, Loading, Time, useTitle, useToday } from '../ui/bits';
import { IconLeft, IconWarn } from '../ui/icons';
import { SessionContext } from '../ui/session';
import { edgeOf, type KnownEdge } from './api';
import { healthOf, sorted } from './health';
import { bytes, DeviceTable, EdgeState, FAMILY, Outbox, percent, Skew, Troubles, Well } from './parts';
import { usePolled } from './poll';

const EVERY = 10_000;

export function EdgePage({ params: [raw = ''] }: PageProps) {
  const id = decodeURIComponent(raw);
  const words = useWords();
  useTitle(id);
  const configures = useContext(SessionContext).scopes.includes('configure');
  const { value: edge, at, error, reload } = usePolled(id, EVERY, (signal) => edgeOf(id, signal));
  useKeys('cameras.keys', [{ key: 'b', word: 'cameras.key.back', run: () => navigate('/devices') }]);
  return (
    <section class="page" aria-labelledby="edge-title" data-testid="edge-page">
      <Link href="/devices" class="back"><IconLeft size={18} />{words.t('cameras.backToDevices')}</Link>
      <div class="page-head">
        <h1 id="edge-title" class="name">{id}</h1>
        {edge && <EdgeState online={edge.online} />}
        {edge && <Troubles edge={edge} />}
        <span class="spacer" />
        {configures && <Link href={`/connect/${encodeURIComponent(id)}`} class="button" testid="edge-connect">{words.t('connect.open')}</Link>}
        {edge && <span class={error ? 'muted stale' : 'muted'}>{words.t('devices.updated', { time: clock(words.lang, at) })}</span>}
      </div>
      {!edge && (error ? <Failure error={error} retry={reload} /> : <Loading />)}
      {edge && <EdgeFacts edge={edge} />}
      {edge && <Devices edge={edge} />}
    </section>
  );
}

function EdgeFacts({ edge: e }: { edge: KnownEdge }) {
  const words = useWords();
  const today = useToday();
  const missing = e.gaps.reduce((n, g) => n + g.missing, 0);
  return (
    <div class="card edge-facts">
      {!e.online && <p class="edge-stale"><IconWarn size={16} />{words.t('devices.stale')}</p>}
      <dl class="facts facts-row">
        <Fact name={words.t('devices.lastSync')}><Ago at={e.lastSync} /></Fact>
        <Fact name={words.t('devices.started')}><Time at={e.startedAt} today={today} /></Fact>
        <Fact name={words.t('devices.skew')}><Skew ms={e.skewMs} /></Fact>
        <Fact name={words.t('devices.outbox')}><Outbox edge={e} /></Fact>
        <Fact name={words.t('devices.deadLetters')}><span class={e.deadLetters > 0 ? 'bad' : ''}>{e.deadLetters}</span></Fact>
        <Fact name={words.t('cameras.missing')}><span class={missing > 0 ? 'bad' : ''}>{missing}</span></Fact>
        <Fact name={words.t('devices.software')}><span class="name">{e.software || words.t('app.none')}</span></Fact>
        <Fact name={words.t('devices.config')}><span class="name" title={e.configVersion}>{e.configVersion.slice(0, 12) || words.t('app.none')}</span></Fact>
      </dl>
      <EdgeCost edge={e} />
    </div>
  );
}

/** What the edge takes of its machine, by what it told of itself. */
export function EdgeCost({ edge: { cost: c, cameras } }: { edge: KnownEdge }) {
  const words = useWords();
  if (!c) return <p class="muted small cost-none">{words.t('cameras.costUnknown')}</p>;
  const streaming = cameras.ok;
  return (
    <dl class="facts facts-row" data-testid="edge-cost">
      <Fact name={words.t('cameras.processor')}>{words.t('cameras.cores', { n: c.processor.toFixed(2) })}</Fact>
      <Fact name={words.t('cameras.decoding')}>
        {words.t('cameras.cores', { n: c.decoding.toFixed(2) })}
        {streaming > 0 && <span class="muted"> {words.t('cameras.perCamera', { share: percent(c.decoding / streaming) })}</span>}
      </Fact>
      <Fact name={words.t('cameras.memory')}>{bytes(c.memoryBytes)}</Fact>
      <Fact name={words.t('cameras.disk')}>{bytes(c.freeBytes)}</Fact>
      <Fact name={words.t('cameras.outboxBytes')}>{bytes(c.outboxBytes)}</Fact>
    </dl>
  );
}

const SHOWN = 200;

function Devices({ edge: e }: { edge: KnownEdge }) {
  const words = useWords();
  const today = useToday();
  const [only, setOnly] = useState(false);
  const [all, setAll] = useState(false);
  const of = (family: Family) => sorted(e.devices.filter((d) => d.family === family && (!only || healthOf(d) !== 'ok')));
  const families = (['cameras', 'sensors'] as const).map((f) => [f, of(f)] as const);
  const cut = families.some(([, list]) => list.length > SHOWN) && !all;
  return (
    <>
      <div class="filters">
        <Well family="cameras" of={e.cameras} />
        <Well family="sensors" of={e.sensors} />
        <label class="check">
          <input type="checkbox" data-testid="only-trouble" checked={only} onChange={(ev) => setOnly(ev.currentTarget.checked)} />
          {words.t('devices.onlyTrouble')}
        </label>
      </div>
      {families.map(([family, list]) => list.length > 0 && (
        <div class="card edge" key={family}>
          <DeviceTable edge={e.id} devices={all ? list : list.slice(0, SHOWN)} caption={words.t(FAMILY[family])} today={today} />
        </div>
      ))}
      {families.every(([, list]) => list.length === 0) && <p class="muted">{words.t(e.devices.length === 0 ? 'devices.none' : 'devices.noTrouble')}</p>}
      {cut && <button type="button" class="button" onClick={() => setAll(true)}>{words.t('cameras.showAll', { n: e.devices.length })}</button>}
    </>
  );
}
