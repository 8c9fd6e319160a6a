// Edges by page, one edge, one device, and what is wanted of them: arrangements, modes, looks and trials, as in central/api. The edge of the
// stand-in answers when a test lets it: mock.cameras.follow, .sees, .tried.
import { randomUUID } from 'node:crypto';
import { body, json, problem } from '../mock.mjs';
import { scene } from '../png.mjs';

const well = (d) => d.state === 'streaming' || d.state === 'online';
const rank = (e) => (!e.online ? 0 : e.trouble.length > 0 ? 1 : 2);

/** What the stand-in knows of cameras; one for each mock. */
class Cameras {
  arranged = new Map();
  modes = new Map();
  looks = new Map();
  trials = new Map();
  /** Whether the edge follows what is sent; a text: why it refuses. */
  follow = true;
  /** Whether pictures come, and how large each is. */
  sees = true;
  bytes = 48_000;
  /** What a trial answers; null: nothing. */
  tried = null;
  /** More edges beside the two of the world. */
  more = [];

  edges(mock) {
    return [...mock.world.edges(), ...this.more].map((e) => this.edge(e)).sort((a, b) => rank(a) - rank(b) || a.id.localeCompare(b.id));
  }

  edge(e) {
    const wellness = (family) => {
      const of = e.devices.filter((d) => d.family === family);
      const ok = e.online ? of.filter(well).length : 0;
      const waiting = e.online ? of.filter((d) => d.state === 'connecting' || d.state === 'unknown').length : 0;
      return { total: of.length, ok, waiting, failing: e.online ? of.length - ok - waiting : 0, unheard: e.online ? 0 : of.length };
    };
    const [cameras, sensors] = [wellness('cameras'), wellness('sensors')];
    const devices = e.devices.map((d) => this.device(e.id, d));
    const trouble = [
      !e.online && 'offline', Math.abs(e.skewMs) > 2000 && 'clock', e.deadLetters > 0 && 'dead-letters', devices.some((d) => d.refused) && 'refused',
      cameras.waiting + cameras.failing + sensors.waiting + sensors.failing > 0 && 'devices',
    ].filter(Boolean);
    const cost = e.online ? { processor: 1.37, decoding: 0.62, memoryBytes: 412e6, freeBytes: 81.4e9, outboxBytes: 24_000 } : undefined;
    return { gaps: [], ...e, devices, cameras, sensors, trouble, cost };
  }

  device(edge, d) {
    const a = this.arranged.get(`${edge}/${d.id}`);
    const zones = a?.inForce && a.zones.length > 0 ? a.zones.map((z) => ({ name: z.name, mode: 'armed' })) : d.zones;
    const order = (zone) => (this.modes.get(edge)?.items ?? []).find((m) => m.device === d.id && (m.zone ?? '') === zone);
    return {
      ...d, ...(a?.inForce ? { arrangement: a.version } : {}), ...(a?.refused ? { refused: a.refused } : {}),
      ...(zones ? { zones: zones.map((z) => ({ ...z, mode: (this.follow === true && (order(z.name) ?? order(''))?.mode) || z.mode })) } : {}),
    };
  }
}

const states = new WeakMap();
export const camerasOf = (mock) => {
  if (!states.has(mock)) states.set(mock, new Cameras());
  return states.get(mock);
};

export async function cameras(mock, req, res, url) {
  const [, what, id, part, camera, of] = url.pathname.slice(1).split('/').map(decodeURIComponent);
  const state = camerasOf(mock);
  const q = Object.fromEntries(url.searchParams);
  if (what === 'looks') return look(state, req, res, id, part);
  if (what === 'trials') return trial(state, res, id);
  if (what !== 'edges') return false;
  const all = state.edges(mock);
  if (!id) return list(res, all, q);
  const edge = all.find((e) => e.id === id);
  const device = edge?.devices.find((d) => d.id === camera);
  if (!edge || (camera && !device)) return answered(problem(res, 404, 'there is no such record'));
  if (!part) return answered(json(res, edge));
  if (part === 'modes') return modes(mock, state, req, res, edge, q);
  if (part === 'devices') return answered(json(res, { ...device, edge: id, online: edge.online, skewMs: edge.skewMs, figures: { from: '2026-09-01', opened: 18, falseAlarms: 3, falseAlarmRate: 3 / 18 } }));
  if (of === 'arrangement') return arrangement(mock, state, req, res, id, device);
  if (of === 'looks') return openLook(mock, state, req, res, id, device);
  return openTrial(state, req, res);
}

const answered = () => true;

function list(res, all, { cursor = '', limit = 50, trouble, q = '', grid = '', family, state, devices = 'all' }) {
  const found = all.map((e) => {
    const named = e.id.includes(q);
    const fit = e.devices.filter((d) => (named || d.id.includes(q)) && d.grid.startsWith(grid) && (!family || d.family === family) && (!state || d.state === state));
    const shown = devices === 'all' ? e.devices : fit.filter((d) => devices === 'matching' || !well(d) || d.refused).sort((a, b) => well(a) - well(b)).slice(0, 20);
    return (trouble !== 'yes' || e.trouble.length > 0) && (fit.length > 0 || (named && !grid && !family && !state)) ? { ...e, devices: shown } : null;
  }).filter(Boolean);
  const sum = (family) => all.reduce((n, e) => Object.fromEntries(Object.keys(e[family]).map((k) => [k, (n[k] ?? 0) + e[family][k]])), {});
  const from = Number(cursor || 0);
  const to = from + Number(limit);
  json(res, {
    items: found.slice(from, to), next: to < found.length ? String(to) : '', matched: found.length,
    counts: { edges: all.length, online: all.filter((e) => e.online).length, trouble: all.filter((e) => e.trouble.length > 0).length, cameras: sum('cameras'), sensors: sum('sensors') },
  });
  return true;
}

async function modes(mock, state, req, res, edge, q) {
  const now = state.modes.get(edge.id) ?? { edge: edge.id, version: 0, items: [] };
  if (req.method === 'GET') return answered(json(res, now));
  const asked = req.method === 'DELETE' ? q : JSON.parse(await body(req));
  const others = now.items.filter((m) => m.device !== asked.device || (m.zone ?? '') !== (asked.zone ?? ''));
  if (req.method === 'POST' && asked.mode === 'disarmed' && !asked.reason) return answered(problem(res, 422, 'reason: say in words why'));
  const next = { ...now, version: now.version + 1, items: req.method === 'DELETE' ? others : [...others, { ...asked, by: 'demo', at: new Date().toISOString() }] };
  state.modes.set(edge.id, next);
  return answered(req.method === 'DELETE' ? res.writeHead(204).end() : json(res, next));
}

async function arrangement(mock, state, req, res, edge, device) {
  const key = `${edge}/${device.id}`;
  const none = { edge, camera: device.id, version: 0, zones: [], masks: [], reported: 0, inForce: true };
  const now = state.arranged.get(key) ?? none;
  if (req.method === 'GET') return answered(json(res, now));
  const match = req.headers['if-match'];
  if (match && match !== `"${now.version}"`) return answered(problem(res, 412, 'it changed meanwhile, read it again'));
  if (req.method === 'DELETE') {
    state.arranged.delete(key);
    return answered(res.writeHead(204).end());
  }
  const asked = JSON.parse(await body(req));
  const version = now.version + 1;
  const next = {
    ...none, version, zones: asked.zones, masks: asked.masks ?? [], by: 'demo', at: new Date().toISOString(), reported: now.reported, inForce: false,
    ...(typeof state.follow === 'string' ? { refused: state.follow } : {}),
  };
  if (state.follow === true) setTimeout(() => Object.assign(next, { reported: version, inForce: true }), state.after ?? 300);
  state.arranged.set(key, next);
  return answered(json(res, next));
}

async function openLook(mock, state, req, res, edge, device) {
  const asked = JSON.parse(await body(req));
  const seconds = asked.seconds ?? 60;
  const at = Date.now();
  const l = {
    id: randomUUID(), edge, camera: device.id, grid: device.grid, by: 'demo', role: mock.role, reason: asked.reason, at: new Date(at).toISOString(), until: new Date(at + seconds * 1000).toISOString(),
    everyMs: asked.everyMs ?? 500, ...(asked.count ? { count: asked.count } : {}), pictures: 0, bytes: 0, state: 'waiting', bytesPerSecond: 0,
  };
  state.looks.set(l.id, l);
  return answered(json(res, l, 201));
}

function look(state, req, res, id, part) {
  const l = state.looks.get(id);
  if (!l) return answered(problem(res, 404, 'there is no such record'));
  if (Date.now() > Date.parse(l.until)) end(l, 'over');
  if (req.method === 'DELETE') {
    end(l, 'stopped');
    return answered(res.writeHead(204).end());
  }
  if (part !== 'picture') return answered(json(res, l));
  if (l.endedAt && !l.left) return answered(problem(res, 410, 'the look is over'));
  if (!state.sees) return answered(res.writeHead(204).end());
  l.left = false;
  l.pictures++;
  l.bytes += state.bytes;
  l.first ??= new Date().toISOString();
  l.last = new Date().toISOString();
  l.bytesPerSecond = l.pictures > 1 ? state.bytes * 2 : 0;
  if (l.count && l.pictures >= l.count) end(l, 'counted');
  res.writeHead(200, { 'Content-Type': 'image/png', ETag: `"${l.pictures}"` }).end(scene(l.pictures, 960, 540));
  return true;
}

function end(l, cause) {
  if (!l.endedAt) Object.assign(l, { endedAt: new Date().toISOString(), cause, state: 'ended' });
}

async function openTrial(state, req, res) {
  const asked = JSON.parse(await body(req));
  const t = { id: randomUUID(), until: new Date(Date.now() + (state.tried ? 60_000 : 500)).toISOString(), ...asked };
  state.trials.set(t.id, t);
  return answered(json(res, t, 201));
}

function trial(state, res, id) {
  const t = state.trials.get(id);
  if (!t) return answered(problem(res, 404, 'there is no such record'));
  setTimeout(() => json(res, { ...t, ...(state.tried ? { result: state.tried(t) } : {}) }), 60);
  return true;
}
