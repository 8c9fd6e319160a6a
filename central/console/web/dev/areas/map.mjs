// What the map needs of central: outlines of a made-up township, how things stand there, and tiles where a test wants some.
import { deflateSync } from 'node:zlib';
import { json, problem } from '../mock.mjs';

const [WEST, SOUTH, STEP] = [105.301, 31.002, 0.0042];
const COMMUNITIES = [['990001001001', '东河社区', 'East River', 0, 0], ['990001001002', '南桥社区', 'South Bridge', 3, 0], ['990001001003', '石井社区', 'Stone Well', 0, 3], ['990001002001', '云岭村', 'Cloud Ridge', 3, 3]];
const SIDE = 3;

/** A corner of the lattice, moved a little so that no border is straight. */
function corner(x, y) {
  const swing = (n) => Math.sin(x * 12.9898 + y * 78.233 + n) * 0.28;
  return [WEST + (x + swing(0)) * STEP * 1.16, SOUTH + (y + swing(4)) * STEP].map((v) => Math.round(v * 1e6) / 1e6);
}

const ring = (points) => [...points, points[0]];
const middle = (points) => [0, 1].map((i) => points.reduce((sum, p) => sum + p[i], 0) / points.length);

function feature(code, zh, en, level, points) {
  return { type: 'Feature', geometry: { type: 'Polygon', coordinates: [ring(points)] }, properties: { code, title: { zh, en }, level, inner: middle(points) } };
}

const cell = (x, y) => [corner(x, y), corner(x + 1, y), corner(x + 1, y + 1), corner(x, y + 1)];

export const grids = COMMUNITIES.flatMap(([code, zh, en, x0, y0]) => Array.from({ length: SIDE * SIDE }, (_, i) =>
  feature(`${code}${String(i + 1).padStart(3, '0')}`, `${zh}第${i + 1}网格`, `${en}, grid ${i + 1}`, 'grid', cell(x0 + (i % SIDE), y0 + Math.floor(i / SIDE)))));

const along = (n, f) => Array.from({ length: n }, (_, i) => f(i));
const communities = COMMUNITIES.map(([code, zh, en, x, y]) => feature(code, zh, en, 'community', [
  ...along(SIDE, (i) => corner(x + i, y)), ...along(SIDE, (i) => corner(x + SIDE, y + i)), ...along(SIDE, (i) => corner(x + SIDE - i, y + SIDE)), ...along(SIDE, (i) => corner(x, y + SIDE - i)),
]));

const ranks = ['info', 'minor', 'major', 'critical'];

function stageOf(c, now) {
  const runs = (c.deadlines ?? []).filter((d) => !d.met && d.due);
  const due = runs.map((d) => d.due).sort()[0];
  const stage = runs.some((d) => Date.parse(d.due) <= now) ? 'red' : runs.some((d) => d.warn && Date.parse(d.warn) <= now) ? 'yellow' : undefined;
  return { ...(due ? { due } : {}), ...(stage ? { stage } : {}) };
}

/** How things stand, counted as central does. */
function standing(mock, level) {
  const cut = level === 'community' ? 12 : 15;
  const counts = new Map();
  const at = (code) => {
    const one = counts.get(code) ?? { code, open: 0, acknowledged: 0, yellow: 0, red: 0, exercises: 0, devices: 0, faults: 0 };
    counts.set(code, one);
    return one;
  };
  const now = Date.now();
  const cases = [...mock.world.cases.values()].filter((c) => c.state !== 'closed' && !c.parent).map((c) => ({
    id: c.id, in: c.grid.slice(0, cut), grid: c.grid, kind: c.kind, class: c.class, severity: c.severity, state: c.state, openedAt: c.openedAt, ...stageOf(c, now),
    ...(c.exercise ? { exercise: true } : {}), ...(c.place ? { place: c.place } : {}),
  }));
  for (const c of cases) {
    const g = at(c.in);
    if (c.exercise) {
      g.exercises++;
      continue;
    }
    g[c.state]++;
    if (c.stage) g[c.stage]++;
    if (!g.severity || ranks.indexOf(c.severity) > ranks.indexOf(g.severity)) g.severity = c.severity;
  }
  const devices = mock.world.edges().flatMap((e) => e.devices.map((d) => ({ edge: e.id, id: d.id, in: d.grid.slice(0, cut), grid: d.grid, family: d.family, state: d.state, since: d.since, ...(e.online ? {} : { stale: true }) })));
  for (const d of devices) {
    const g = at(d.in);
    g.devices++;
    if (d.stale || !['streaming', 'online', 'connecting', 'unknown'].includes(d.state)) g.faults++;
  }
  const weight = (c) => ['red', 'yellow', undefined].indexOf(c.stage) * 10 - ranks.indexOf(c.severity);
  return { level, grids: [...counts.values()], cases: cases.sort((a, b) => weight(a) - weight(b)), devices, moreCases: 0, moreDevices: 0 };
}

/** A square of one colour with a line along its upper and left border (PNG). */
function tile([r, g, b]) {
  const side = 256;
  const raw = Buffer.alloc((side * 3 + 1) * side);
  for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) raw.set(x === 0 || y === 0 ? [90, 90, 90] : [r, g, b], y * (side * 3 + 1) + 1 + x * 3);
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length);
    body.copy(out, 4);
    out.writeUInt32BE(crc(body), body.length + 4);
    return out;
  };
  const head = Buffer.from([0, 0, 1, 0, 0, 0, 1, 0, 8, 2, 0, 0, 0]);
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', head), chunk('IDAT', deflateSync(raw)), chunk('IEND', Buffer.alloc(0))]);
}

function crc(data) {
  let c = ~0;
  for (const byte of data) {
    c ^= byte;
    for (let k = 0; k < 8; k++) c = (c >>> 1) ^ (c & 1 ? 0xedb88320 : 0);
  }
  return ~c >>> 0;
}

/** mock.tiles: what is below the polygons; mock.noGrids: no boundary is set up. */
export function map(mock, req, res, url) {
  const one = /^\/v1\/grids\/([0-9]+)$/.exec(url.pathname);
  if (one && req.method === 'GET') {
    const found = [...grids, ...communities].find((f) => f.properties.code === one[1]);
    if (!found) problem(res, 404, 'no such grid');
    else json(res, { code: one[1], title: found.properties.title, periods: [{ from: '2025-01-01T00:00:00Z', shape: found.geometry }] });
    return true;
  }
  const level = url.searchParams.get('level') || 'grid';
  if (url.pathname === '/v1/map') json(res, standing(mock, level));
  else if (url.pathname === '/v1/map/grids') {
    const features = mock.noGrids ? [] : level === 'community' ? communities : grids;
    json(res, { type: 'FeatureCollection', levels: mock.noGrids ? [] : ['community', 'grid'], ...(mock.noGrids ? {} : { level }), features, ...(mock.tiles ? { tiles: mock.tiles } : {}) });
  } else if (mock.tiles && url.pathname.startsWith('/v1/map/tiles/')) {
    const [z, x, y] = url.pathname.split('/').slice(4).map(Number);
    if ((x + y) % 5 === 0) res.writeHead(204).end();
    else res.writeHead(200, { 'Content-Type': 'image/png' }).end(tile([190 + (x % 3) * 20, 215, 190 + (y % 3) * 20 + z * 0]));
  } else return false;
  return true;
}
