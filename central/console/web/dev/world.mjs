// A made-up township in memory: alerts, cases, edges. Every name and code in it is invented; 99 is no province.
import { createHash, randomUUID } from 'node:crypto';
import { phaseOf } from './loop.mjs';
import { scene } from './png.mjs';

const traits = {
  motion: ['info', '0401'], presence: ['minor', '0402'], intrusion: ['major', '0404'], smoke: ['critical', '0101'], gas: ['critical', '0103'],
  'water-level': ['major', '0201'], sos: ['critical', '0301'], covered: ['major', '0603'], 'low-battery': ['info', '0601'],
  'left-object': ['minor', '0405'], 'device-offline': ['minor', '0610'],
};

/** device, family, zone, grid, kind, more */
export const things = [
  ['cam-square-01', 'cameras', '北入口', '990001001001003', 'motion', { object: 'person', countBucket: '2-5', score: 0.83, origin: 'motion' }],
  ['smoke-b3-201', 'sensors', '3 号楼 2 层', '990001001001004', 'smoke', { reading: { quantity: 'smoke-density', value: 4.2, unit: '%' }, origin: 'zigbee2mqtt' }],
  ['cam-lane-02', 'cameras', '后巷', '990001001002001', 'intrusion', { score: 0.71, origin: 'presence' }],
  ['level-river-01', 'sensors', '东河桥', '990001001002007', 'water-level', { reading: { quantity: 'water-level', value: 2.384, unit: 'm' }, origin: 'mapped' }],
  ['sos-b7-101', 'sensors', '7 号楼 101', '990001001001005', 'sos', { momentary: true, origin: 'zigbee2mqtt' }],
  ['cam-gate-03', 'cameras', '', '990001001001003', 'presence', { object: 'unknown', countBucket: '1', score: 0.64, origin: 'presence' }],
  ['gas-canteen-01', 'sensors', '食堂后厨', '990001001003002', 'gas', { reading: { quantity: 'gas', value: 12.5, unit: '%{LEL}' }, origin: 'mapped' }],
  ['cam-lane-02', 'cameras', '后巷', '990001001002001', 'covered', { origin: 'health' }],
  ['door-pump-01', 'sensors', '泵房', '990001001003002', 'low-battery', { reading: { quantity: 'battery', value: 9, unit: '%' }, origin: 'zigbee2mqtt' }],
];

export class World {
  alerts = [];
  cases = new Map();
  history = new Map();
  pictures = new Map();
  photos = new Map();
  feed = [];
  position = 1000;
  alertPosition = 5000;
  listeners = new Set();

  /** Raises an alert of thing n, at so many seconds ago; more overrides its members. */
  raise(n, { ago = 0, picture = true, ...more } = {}) {
    const [device, family, zone, grid, kind, { momentary, ...extra }] = things[n % things.length];
    const id = randomUUID();
    const at = new Date(Date.now() - ago * 1000);
    const state = momentary ? 'momentary' : 'raised';
    const key = `edge-demo-a/${device}/${zone}/${kind}`;
    const alert = {
      id, position: ++this.alertPosition, source: `/edges/edge-demo-a/${family}/${device}`, edge: 'edge-demo-a', family, device, kind, state,
      ...(state === 'raised' ? { situation: id } : {}), key, severity: traits[kind][0], grid, ...(zone ? { zone } : {}), occurredAt: at.toISOString(),
      clock: family === 'cameras' ? 'camera' : 'edge', uncertaintyMs: family === 'cameras' ? 500 : 0, raisedAt: at.toISOString(),
      receivedAt: new Date(at.getTime() + 180).toISOString(), origin: 'motion', exercise: false, caseId: '', evidence: [], ...extra, ...more,
    };
    this.alerts.unshift(alert);
    if (picture && family === 'cameras' && alert.state !== 'cleared') this.addPicture(alert);
    this.correlate(alert, at);
    return alert;
  }

  /** Adds a picture of so many milliseconds after the onset. */
  addPicture(alert, after = 400) {
    const body = scene(this.pictures.size + 1);
    const sha256 = createHash('sha256').update(body).digest('hex');
    this.pictures.set(sha256, body);
    const at = new Date(Date.parse(alert.occurredAt) + after).toISOString();
    alert.evidence.push({ id: randomUUID(), sha256, mediaType: 'image/png', bytes: body.length, at, sealed: false, url: `/v1/evidence/${sha256}` });
    alert.evidence.sort((a, b) => a.at.localeCompare(b.at));
  }

  addClip(alert) {
    const sha256 = createHash('sha256').update(alert.id).digest('hex');
    alert.evidence.push({ id: randomUUID(), sha256, mediaType: 'application/vnd.age+mp4', bytes: 3_210_000, at: alert.occurredAt, sealed: true, url: '' });
  }

  correlate(alert, at) {
    const known = [...this.cases.values()].find((c) => c.key === alert.key && c.state !== 'closed');
    if (known) return this.join(known, alert, at);
    const c = {
      id: randomUUID(), key: alert.key, kind: alert.kind, class: traits[alert.kind][1], grid: alert.grid, source: alert.source,
      ...(alert.zone ? { zone: alert.zone } : {}), ...(alert.exercise ? { exercise: true } : {}), state: 'open',
      level: { critical: 'township', major: 'community' }[alert.severity] ?? 'grid', severity: alert.severity, active: alert.state === 'raised', alerts: 1,
      openedAt: at.toISOString(), lastAt: at.toISOString(), position: 0,
    };
    const before = [...this.cases.values()].find((o) => o.key === alert.key);
    if (before) c.previous = before.id;
    this.cases.set(c.id, c);
    alert.caseId = c.id;
    this.append(c, { type: 'opened', at: at.toISOString(), alertId: alert.id }, alert);
  }

  join(c, alert, at) {
    alert.caseId = c.id;
    if (alert.state === 'cleared') {
      c.active = false;
      this.append(c, { type: 'cleared', at: at.toISOString(), alertId: alert.id }, alert);
      return;
    }
    c.alerts++;
    this.append(c, { type: 'joined', at: at.toISOString(), alertId: alert.id, count: 1, from: at.toISOString(), to: at.toISOString() }, alert);
  }

  append(c, event, alert = null) {
    const e = { position: ++this.position, caseId: c.id, ...event };
    c.position = e.position;
    c.lastAt = e.at;
    this.history.set(c.id, [...(this.history.get(c.id) ?? []), e]);
    const message = { id: e.position, data: { event: e, case: { ...c }, alert: alert && { ...alert } } };
    this.feed.push(message);
    for (const f of this.listeners) f(message);
  }

  acknowledge(c, actor) {
    c.state = 'acknowledged';
    this.append(c, { type: 'acknowledged', at: new Date().toISOString(), actor });
  }

  close(c, reason, actor) {
    const at = new Date().toISOString();
    Object.assign(c, { state: 'closed', active: false, closedAt: at, closedBy: actor, reason });
    this.append(c, { type: 'closed', at, actor, reason });
  }

  /** Takes a step of the loop; a closing one says why. */
  step(c, offer, { reason = offer.reasons[0], unit, helpers, assignee, note, until, rating } = {}, actor = 'demo') {
    const at = new Date().toISOString();
    const step = offer.to ?? c.step ?? 'collect';
    const set = Object.fromEntries(Object.entries({ unit, helpers, assignee, rating }).filter(([, v]) => v !== undefined));
    const state = phaseOf(step);
    const former = structuredClone(c);
    if (state === 'closed' && c.state !== 'closed') Object.assign(c, { active: false, closedAt: at, closedBy: actor, reason });
    Object.assign(c, set, { workflow: 'base', step, state });
    if (step === 'parked') c.parkedAt = at;
    else delete c.parkedAt;
    this.append(c, { type: 'stepped', at, actor, action: offer.action, workflow: 'base', step, state, ...set, former, ...Object.fromEntries(Object.entries({ reason, note, until }).filter(([, v]) => v !== undefined)) });
  }

  /** Gives a case deadlines so many minutes from now: warned of, due. */
  due(c, ...times) {
    const at = (m) => new Date(Date.now() + m * 60_000).toISOString();
    c.deadlines = times.map(([name, warn, due]) => ({ name, from: c.openedAt, warn: at(warn), due: at(due), ...(due < 0 ? { told: 'red' } : {}) }));
  }

  report({ id = randomUUID(), class: code, grid = '990001001001003', place, severity = 'minor', note }, actor) {
    const at = new Date().toISOString();
    const c = {
      id, key: `report/${id}`, kind: 'flood', class: code, grid, source: '/edges/centre/sensors/staff', origin: 'staff', ...(place ? { place } : {}), state: 'open', level: 'grid',
      severity, active: false, alerts: 0, openedAt: at, lastAt: at, position: 0,
    };
    this.cases.set(id, c);
    this.append(c, { type: 'opened', at, actor, opening: { origin: 'staff' }, ...(note ? { note } : {}) });
    return c;
  }

  /** A photo of the case itself. */
  photo(c) {
    const kept = { evidence: [], occurredAt: new Date().toISOString() };
    this.addPicture(kept, 0);
    this.photos.set(c.id, [...(this.photos.get(c.id) ?? []), kept.evidence[0]]);
    return kept.evidence[0];
  }

  edges() {
    const since = (s) => new Date(Date.now() - s * 1000).toISOString();
    const camera = (id, grid, state, s, why, zones) => ({
      id, family: 'cameras', grid, state, ...(why ? { why } : {}), since: since(s), lastSeen: since(state === 'streaming' ? 0 : s), ...(zones ? { zones } : {}),
    });
    const sensor = (id, grid, state, s) => ({ id, family: 'sensors', grid, state, since: since(s), lastSeen: since(state === 'online' ? 40 : s) });
    return [
      {
        id: 'edge-demo-a', online: true, lastSync: since(12), skewMs: -38, software: '0.1.0', configVersion: '7f3a19c04d52e8', startedAt: since(93_000),
        devices: [
          camera('cam-square-01', '990001001001003', 'streaming', 93_000, '', [{ name: '北入口', mode: 'armed' }, { name: '花坛', mode: 'disarmed' }]),
          camera('cam-lane-02', '990001001002001', 'stalled', 190, 'the stream stopped sending', [{ name: '后巷', mode: 'armed' }]),
          camera('cam-gate-03', '990001001001003', 'streaming', 5200, '', [{ name: '东门', mode: 'walk-test' }]),
          camera('cam-shop-04', '990001001003002', 'auth-failed', 7300, 'the camera refused the user name or password'),
          camera('cam-yard-05', '990001001003002', 'connecting', 4, 'next try in 8 s'),
          sensor('smoke-b3-201', '990001001001004', 'online', 93_000), sensor('level-river-01', '990001001002007', 'online', 93_000),
          sensor('sos-b7-101', '990001001001005', 'online', 93_000), sensor('gas-canteen-01', '990001001003002', 'offline', 1500),
          sensor('door-pump-01', '990001001003002', 'unknown', 93_000),
        ],
        outbox: [{ lane: 'life-safety', pending: 0, oldestSec: 0 }, { lane: 'normal', pending: 3, oldestSec: 2.1 }, { lane: 'bulk', pending: 41, oldestSec: 320 }],
        deadLetters: 0,
      },
      {
        id: 'edge-demo-b', online: false, lastSync: since(1260), skewMs: 4120, software: '0.1.0', configVersion: '1d20aa61b7f340', startedAt: since(400_000),
        devices: [camera('cam-bridge-01', '990001002001001', 'streaming', 300_000), sensor('level-bridge-02', '990001002001001', 'online', 300_000)],
        outbox: [{ lane: 'life-safety', pending: 0, oldestSec: 0 }, { lane: 'normal', pending: 0, oldestSec: 0 }, { lane: 'bulk', pending: 0, oldestSec: 0 }],
        deadLetters: 2,
      },
    ];
  }

  /** A night so far: some cases in every state. */
  fill() {
    for (let i = 0; i < 34; i++) this.raise(i % 6 === 1 ? 0 : i, { ago: (34 - i) * 410 + 95 });
    const all = [...this.cases.values()];
    this.acknowledge(all[3], 'demo');
    this.close(all[5], 'false-alarm', 'demo');
    this.close(all[0], 'handled', 'demo');
    this.raise(0, { ago: 70 });
    this.raise(2, { ago: 48, exercise: true });
    const smoke = this.raise(1, { ago: 33 });
    this.raise(0, { ago: 21 });
    this.raise(3, { ago: 17, receivedAt: new Date().toISOString(), raisedAt: new Date(Date.now() - 400_000).toISOString() });
    this.raise(1, { ago: 9, state: 'cleared', situation: smoke.id });
    this.raise(4, { ago: 6 });
    return this;
  }

  /** A case in the midst of its loop, with a part of it and deadlines of every nearness. */
  work() {
    const open = [...this.cases.values()].filter((c) => c.state === 'open');
    const c = open.find((o) => o.kind === 'smoke') ?? open[0];
    const part = open.find((o) => o !== c && o.kind !== 'motion');
    this.looped = c.id;
    const go = (action, to, asked) => this.step(c, { action, to, reasons: [] }, asked);
    go('acknowledge', 'open');
    go('dispatch', 'dispatch', { unit: 'fire', helpers: ['grid-1'], note: '3 号楼 2 层楼道' });
    go('accept', 'handle', { assignee: 'demo' });
    this.due(c, ['reach', -9, -2], ['handle', -1, 42], ['close', 700, 1300]);
    this.append(c, { type: 'deadline', at: new Date().toISOString(), deadline: 'reach', stage: 'red' });
    this.append(c, { type: 'held', at: new Date().toISOString(), actor: 'demo', reason: 'review' });
    c.hold = 'review';
    part.parent = c.id;
    const why = { zh: '同一楼栋十分钟内的告警归入烟雾案卷', en: 'Alerts of one building within ten minutes belong to its smoke case' };
    this.append(part, { type: 'merged', at: new Date().toISOString(), rule: 'building', into: c.id, why });
    this.append(c, { type: 'related', at: new Date().toISOString(), rule: 'building', into: part.id, why });
    this.photo(c);
    return this;
  }
}
