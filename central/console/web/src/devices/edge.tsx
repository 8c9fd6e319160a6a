/** One edge and its devices. */
import { skew, span } from '../format';
import { useWords } from '../i18n';
import type { Device, Edge, Family } from '../types';
import { Ago, Fact, GridCode, Time } from '../ui/bits';
import { IconCamera, IconSensor, IconWarn } from '../ui/icons';
import { explain, healthOf, OUTBOX_LIMIT, SKEW_LIMIT, sorted } from './health';

export function EdgeCard({ edge: e, today, onlyTrouble }: { edge: Edge; today: Date; onlyTrouble: boolean }) {
  const words = useWords();
  const of = (family: Family) => sorted(e.devices.filter((d) => d.family === family && (!onlyTrouble || healthOf(d) !== 'ok')));
  const cameras = of('cameras');
  const sensors = of('sensors');
  return (
    <section class={e.online ? 'card edge' : 'card edge edge-offline'} data-testid="edge-card" data-edge={e.id} data-online={e.online}>
      <header class="edge-head">
        <h2 class="name">{e.id}</h2>
        <StateChip health={e.online ? 'ok' : 'bad'} text={words.t(e.online ? 'devices.edgeOnline' : 'devices.edgeOffline')} />
        <dl class="facts facts-row">
          <Fact name={words.t('devices.lastSync')}><Ago at={e.lastSync} /></Fact>
          <Fact name={words.t('devices.skew')}><span class={Math.abs(e.skewMs) > SKEW_LIMIT ? 'bad' : ''}>{skew(e.skewMs)}</span></Fact>
          <Fact name={words.t('devices.outbox')}><Outbox edge={e} /></Fact>
          <Fact name={words.t('devices.deadLetters')}><span class={e.deadLetters > 0 ? 'bad' : ''}>{e.deadLetters}</span></Fact>
          <Fact name={words.t('devices.started')}><Time at={e.startedAt} today={today} /></Fact>
          <Fact name={words.t('devices.software')}><span class="name">{e.software || words.t('app.none')}</span></Fact>
          <Fact name={words.t('devices.config')}><span class="name" title={e.configVersion}>{e.configVersion.slice(0, 12) || words.t('app.none')}</span></Fact>
        </dl>
      </header>
      {!e.online && <p class="edge-stale"><IconWarn size={16} />{words.t('devices.stale')}</p>}
      {cameras.length > 0 && <DeviceTable family="cameras" devices={cameras} today={today} />}
      {sensors.length > 0 && <DeviceTable family="sensors" devices={sensors} today={today} />}
      {e.devices.length === 0 && <p class="muted edge-none">{words.t('devices.none')}</p>}
    </section>
  );
}

function Outbox({ edge }: { edge: Edge }) {
  const words = useWords();
  const waiting = edge.outbox.filter((l) => l.pending > 0);
  if (waiting.length === 0) return <>{words.t('devices.outboxEmpty')}</>;
  return (
    <>
      {waiting.map((l) => (
        <span key={l.lane} class={l.oldestSec > OUTBOX_LIMIT ? 'lane bad' : 'lane'}>
          {words.word('lane', l.lane)} {words.t('devices.outboxLane', { n: l.pending, age: span(words, l.oldestSec * 1000) })}
        </span>
      ))}
    </>
  );
}

const COLUMNS = ['device', 'state', 'why', 'place', 'since', 'seen'] as const;

function DeviceTable({ family, devices, today }: { family: Family; devices: readonly Device[]; today: Date }) {
  const words = useWords();
  const camera = family === 'cameras';
  return (
    <table class="data devices">
      <caption>{camera ? <IconCamera size={17} /> : <IconSensor size={17} />}{words.t(camera ? 'devices.cameras' : 'devices.sensors')}</caption>
      <thead>
        <tr>
          {COLUMNS.map((c) => <th key={c} scope="col" class={`col-${c}`}>{words.t(`devices.col.${c}`)}</th>)}
          <th scope="col" class="col-zones">{camera && words.t('devices.col.zones')}</th>
        </tr>
      </thead>
      <tbody>{devices.map((d) => <DeviceRow key={d.id} device={d} today={today} />)}</tbody>
    </table>
  );
}

function DeviceRow({ device: d, today }: { device: Device; today: Date }) {
  const words = useWords();
  const { cause, said } = explain(d);
  return (
    <tr data-testid={d.family === 'cameras' ? 'camera-row' : 'sensor-row'} data-device={d.id}>
      <th scope="row" class="name">{d.id}</th>
      <td data-testid={d.family === 'cameras' ? 'camera-state' : 'sensor-state'} data-state={d.state}>
        <StateChip health={healthOf(d)} text={words.word('deviceState', d.state)} />
      </td>
      <td class="why">
        {cause && <span>{words.word('why', cause)}</span>}
        {said && <span class="said" lang="en">{said}</span>}
      </td>
      <td><GridCode code={d.grid} /></td>
      <td class="time"><Time at={d.since} today={today} /></td>
      <td class="time">{d.lastSeen ? <Ago at={d.lastSeen} /> : words.t('app.none')}</td>
      <td>{d.zones?.map((z) => <span key={z.name} class={`tag mode-${z.mode}`}>{z.name} {words.word('mode', z.mode)}</span>)}</td>
    </tr>
  );
}

const shapes = { ok: <circle cx="6" cy="6" r="4" />, wait: <path d="M6 1.5a4.5 4.5 0 1 0 0 9" />, bad: <path d="m2.5 2.5 7 7m0-7-7 7" /> };

/** A dot, an open ring or a cross, with the word. */
function StateChip({ health, text }: { health: 'ok' | 'wait' | 'bad'; text: string }) {
  return (
    <span class={`chip state state-${health}`}>
      <svg class="state-shape" width="12" height="12" viewBox="0 0 12 12" aria-hidden="true" focusable="false">{shapes[health]}</svg>{text}
    </span>
  );
}
