/** One camera or sensor: its state, how often it was right, what it raised, how it is armed, and the zones of a camera. */
import { useContext, useState } from 'preact/hooks';
import { ZoneEditor } from '../cameras/editor';
import { LookDialog } from '../cameras/lookdialog';
import { clock } from '../format';
import { useWords } from '../i18n';
import { useKeys } from '../keys';
import { navigate } from '../router';
import type { PageProps } from '../routes';
import { Ago, Fact, Failure, GridCode, Link, Loading, Time, useTitle, useToday } from '../ui/bits';
import { IconCamera, IconLeft, IconSensor, IconWarn } from '../ui/icons';
import { SessionContext } from '../ui/session';
import { arrangedOf, deviceOf, edgeOf, modesOf, type DeviceFile } from './api';
import { EdgeCost } from './edgepage';
import { ModePanel } from './modepanel';
import { DeviceStateChip, edgeHref, percent, Skew, Why } from './parts';
import { usePolled } from './poll';
import { RecentAlerts, RecentCases, useRecent } from './recent';

const EVERY = 5000;

/** Desk: operators and their supervisors, who arm and look. Who sets up the centre draws zones (central/orders). */
function useMay() {
  const { role, scopes = [] } = useContext(SessionContext);
  const desk = scopes.includes('operate') && (role === 'operator' || role === 'supervisor');
  return { desk, draw: scopes.includes('configure') };
}

export function DevicePage({ params: [rawEdge = '', rawDevice = ''] }: PageProps) {
  const edge = decodeURIComponent(rawEdge);
  const id = decodeURIComponent(rawDevice);
  const words = useWords();
  useTitle(id);
  const device = usePolled(`${edge}/${id}`, EVERY, (signal) => deviceOf(edge, id, signal));
  const d = device.value;
  return (
    <section class="page" aria-labelledby="device-title" data-testid="device-page">
      <Link href={edgeHref(edge)} class="back"><IconLeft size={18} />{words.t('cameras.backToEdge', { edge })}</Link>
      <div class="page-head">
        <h1 id="device-title" class="name">{d && (d.family === 'cameras' ? <IconCamera size={22} /> : <IconSensor size={22} />)} {id}</h1>
        {d && <DeviceStateChip device={d} />}
        <span class="spacer" />
        {d && <span class={device.error ? 'muted stale' : 'muted'}>{words.t('devices.updated', { time: clock(words.lang, device.at) })}</span>}
      </div>
      {!d && (device.error ? <Failure error={device.error} retry={device.reload} /> : <Loading />)}
      {d && <DeviceBody device={d} onChanged={device.reload} />}
    </section>
  );
}

function DeviceBody({ device: d, onChanged }: { device: DeviceFile; onChanged: () => void }) {
  const words = useWords();
  const may = useMay();
  const [looking, setLooking] = useState(false);
  const camera = d.family === 'cameras';
  const recent = useRecent(d.edge, d.id);
  const mayLook = camera && may.desk && d.online;
  useKeys('cameras.keys', [{ key: 'l', word: 'cameras.key.look', run: () => setLooking(true) }], mayLook);
  useKeys('cameras.keys', [{ key: 'b', word: 'cameras.key.back', run: () => navigate(edgeHref(d.edge)) }]);
  const modes = usePolled(`m ${d.edge}`, EVERY, (signal) => modesOf(d.edge, signal));
  const arranged = usePolled(`a ${d.edge}/${d.id}`, EVERY, (signal) => (camera ? arrangedOf(d.edge, d.id, signal) : Promise.resolve(null)));
  return (
    <>
      <div class="device-body">
        <div class="device-main">
          <DeviceFacts device={d} />
          {modes.value && <ModePanel edge={d.edge} device={d} modes={modes.value} may={may.desk} onChanged={() => { modes.reload(); onChanged(); }} />}
        </div>
        <div class="device-side">
          {camera && may.desk && (
            <div class="card block look-ask">
              <button type="button" class="button button-primary" data-testid="look" disabled={!mayLook} onClick={() => setLooking(true)}>{words.t('cameras.look.do')}</button>
              <p class="muted small">{words.t(d.online ? 'cameras.look.audited' : 'cameras.look.offline')}</p>
            </div>
          )}
          {recent && <RecentCases cases={recent.cases} />}
        </div>
      </div>
      {recent && <RecentAlerts alerts={recent.alerts} />}
      {arranged.value && <ZoneEditor key={`${d.edge}/${d.id}`} device={d} arranged={arranged.value} mayDraw={may.draw} maySee={may.draw || may.desk} onChanged={() => { arranged.reload(); onChanged(); }} />}
      {looking && <LookDialog edge={d.edge} camera={d.id} onClose={() => setLooking(false)} />}
    </>
  );
}

function DeviceFacts({ device: d }: { device: DeviceFile }) {
  const words = useWords();
  const today = useToday();
  const edge = usePolled(`e ${d.edge}`, 60_000, (signal) => edgeOf(d.edge, signal));
  return (
    <div class="card edge-facts" data-testid="device-facts">
      {!d.online && <p class="edge-stale"><IconWarn size={16} />{words.t('devices.stale')}</p>}
      <div class="device-why"><Why device={d} /></div>
      <dl class="facts facts-row">
        <Fact name={words.t('devices.col.since')}><Time at={d.since} today={today} /></Fact>
        <Fact name={words.t('devices.col.seen')}>{d.lastSeen ? <Ago at={d.lastSeen} /> : words.t('app.none')}</Fact>
        <Fact name={words.t('devices.skew')}><Skew ms={d.skewMs} /></Fact>
        <Fact name={words.t('alert.grid')}><GridCode code={d.grid} /></Fact>
        <Fact name={words.t('cameras.falseAlarms')}><FalseAlarms device={d} /></Fact>
      </dl>
      <h2 class="cost-title">{words.t('cameras.costOfEdge', { edge: d.edge })}</h2>
      {edge.value && <EdgeCost edge={edge.value} />}
    </div>
  );
}

/** Above this share of false alarms a device should be looked after. */
const MANY = 0.5;

function FalseAlarms({ device: { figures: f } }: { device: DeviceFile }) {
  const words = useWords();
  if (!f) return <>{words.t('app.none')}</>;
  if (f.falseAlarmRate === undefined) return <span data-testid="false-alarms">{words.t('cameras.noCases', { from: f.from })}</span>;
  return (
    <span data-testid="false-alarms">
      <b class={f.falseAlarmRate >= MANY ? 'number bad' : 'number'}>{percent(f.falseAlarmRate)}</b>
      <span class="muted small"> {words.t('cameras.falseOf', { n: f.falseAlarms, of: f.opened, from: f.from })}</span>
    </span>
  );
}

