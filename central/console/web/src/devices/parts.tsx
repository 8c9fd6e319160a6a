/** Pieces that the pages of edges and devices share. */
import { skew, span } from '../format';
import { useWords, type Key } from '../i18n';
import { Ago, GridCode, Link, Time } from '../ui/bits';
import { IconCamera, IconSensor } from '../ui/icons';
import type { KnownDevice, KnownEdge, Trouble, Wellness } from './api';
import { explain, healthOf, SKEW_LIMIT, waitsLong } from './health';

const shapes = { ok: <circle cx="6" cy="6" r="4" />, wait: <path d="M6 1.5a4.5 4.5 0 1 0 0 9" />, bad: <path d="m2.5 2.5 7 7m0-7-7 7" /> };

/** A dot, an open ring or a cross, with the word. */
export function StateChip({ health, text }: { health: 'ok' | 'wait' | 'bad'; text: string }) {
  return (
    <span class={`chip state state-${health}`}>
      <svg class="state-shape" width="12" height="12" viewBox="0 0 12 12" aria-hidden="true" focusable="false">{shapes[health]}</svg>{text}
    </span>
  );
}

export function EdgeState({ online }: { online: boolean }) {
  const words = useWords();
  return <StateChip health={online ? 'ok' : 'bad'} text={words.t(online ? 'devices.edgeOnline' : 'devices.edgeOffline')} />;
}

export function DeviceStateChip({ device: d }: { device: KnownDevice }) {
  return <StateChip health={healthOf(d)} text={useWords().word('deviceState', d.state)} />;
}

/** Why a device is as it is: the cause in the reader's language, and what the edge said beyond it. */
export function Why({ device: d }: { device: KnownDevice }) {
  const words = useWords();
  const { cause, said } = explain(d);
  return (
    <>
      {cause && <span>{words.word('why', cause)}</span>}
      {said && <span class="said" lang="en">{said}</span>}
      {d.refused && <span class="said bad" lang="en">{words.t('cameras.refusedBy', { why: d.refused })}</span>}
    </>
  );
}

/** Of an edge, beside that it is out of touch and that devices are not well, which show by themselves. */
const TROUBLE: Readonly<Partial<Record<Trouble, Key>>> = {
  clock: 'cameras.trouble.clock', waiting: 'cameras.trouble.waiting', 'dead-letters': 'cameras.trouble.deadLetters', missing: 'cameras.trouble.missing', refused: 'cameras.trouble.refused',
};

export function Troubles({ edge }: { edge: KnownEdge }) {
  const words = useWords();
  return <>{edge.trouble.map((t) => TROUBLE[t] && <span key={t} class="chip state state-bad trouble">{words.t(TROUBLE[t] as Key)}</span>)}</>;
}

/** The plural of a family. */
export const FAMILY = { cameras: 'devices.cameras', sensors: 'devices.sensors' } as const;

/** How many are well, of how many. */
export function Well({ family, of: w, short = false }: { family: 'cameras' | 'sensors'; of: Wellness; short?: boolean }) {
  const words = useWords();
  const name = words.t(FAMILY[family]);
  return (
    <span class={w.ok < w.total ? 'total total-bad' : 'total'} title={name}>
      {short ? <>{family === 'cameras' ? <IconCamera size={16} /> : <IconSensor size={16} />}<span class="sr-only">{name} </span></> : `${name} `}
      <b class="number">{words.t('devices.ofTotal', { n: w.ok, total: w.total })}</b>
    </span>
  );
}

export function Skew({ ms }: { ms: number }) {
  return <span class={Math.abs(ms) > SKEW_LIMIT ? 'number bad' : 'number'}>{skew(ms)}</span>;
}

export function Outbox({ edge }: { edge: KnownEdge }) {
  const words = useWords();
  const waiting = edge.outbox.filter((l) => l.pending > 0);
  if (waiting.length === 0) return <>{words.t('devices.outboxEmpty')}</>;
  return (
    <>
      {waiting.map((l) => (
        <span key={l.lane} class={waitsLong(l) ? 'lane bad' : 'lane'}>
          {words.word('lane', l.lane)} {words.t('devices.outboxLane', { n: l.pending, age: span(words, l.oldestSec * 1000) })}
        </span>
      ))}
    </>
  );
}

export const edgeHref = (edge: string): string => `/devices/${encodeURIComponent(edge)}`;
export const deviceHref = (edge: string, device: string): string => `${edgeHref(edge)}/${encodeURIComponent(device)}`;

const COLUMNS = ['device', 'state', 'why', 'place', 'since', 'seen'] as const;

/** Devices of one edge, each linked to its page. */
export function DeviceTable({ edge, devices, caption, today, bare = false }: { edge: string; devices: readonly KnownDevice[]; caption: string; today: Date; bare?: boolean }) {
  const words = useWords();
  return (
    <table class="data devices">
      <caption class={bare ? 'sr-only' : ''}>{caption}</caption>
      <colgroup>{COLUMNS.map((c) => <col key={c} class={`col-${c}`} />)}<col class="col-zones" /></colgroup>
      <thead class={bare ? 'sr-only' : ''}>
        <tr>
          {COLUMNS.map((c) => <th key={c} scope="col" class={`col-${c}`}>{words.t(`devices.col.${c}`)}</th>)}
          <th scope="col" class="col-zones">{words.t('devices.col.zones')}</th>
        </tr>
      </thead>
      <tbody>{devices.map((d) => <DeviceRow key={`${d.family}/${d.id}`} edge={edge} device={d} today={today} />)}</tbody>
    </table>
  );
}

function DeviceRow({ edge, device: d, today }: { edge: string; device: KnownDevice; today: Date }) {
  const words = useWords();
  return (
    <tr data-testid={d.family === 'cameras' ? 'camera-row' : 'sensor-row'} data-device={d.id}>
      <th scope="row" class="name col-device">
        {d.family === 'cameras' ? <IconCamera size={16} /> : <IconSensor size={16} />} <Link href={deviceHref(edge, d.id)} testid="device-link">{d.id}</Link>
      </th>
      <td class="col-state" data-testid={d.family === 'cameras' ? 'camera-state' : 'sensor-state'} data-state={d.state}><DeviceStateChip device={d} /></td>
      <td class="why"><Why device={d} /></td>
      <td class="col-place"><GridCode code={d.grid} /></td>
      <td class="time col-since"><Time at={d.since} today={today} /></td>
      <td class="time col-seen">{d.lastSeen ? <Ago at={d.lastSeen} /> : words.t('app.none')}</td>
      <td class="col-zones">{d.zones?.map((z) => <span key={z.name} class={`tag mode-${z.mode}`}>{z.name} {words.word('mode', z.mode)}</span>)}</td>
    </tr>
  );
}

/** Bytes as people read them: 1.2 MB. Powers of ten. */
export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let i = 0;
  while (n >= 1000 && i < units.length - 1) {
    n /= 1000;
    i++;
  }
  return `${n >= 100 || i === 0 ? Math.round(n) : n.toFixed(1)} ${units[i]}`;
}

/** A share as a percentage. */
export const percent = (v: number): string => `${(v * 100).toFixed(v > 0 && v < 0.1 ? 1 : 0)} %`;
