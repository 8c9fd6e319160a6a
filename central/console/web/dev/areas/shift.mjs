// Shift handovers of the stand-in: a picture of the made-up world, and two signatures.
import { body, json, problem } from '../mock.mjs';

const RANK = ['critical', 'major', 'minor', 'info'];

const lineOf = (c) => {
  const due = (c.deadlines ?? []).filter((d) => !d.met && d.due).map((d) => d.due).sort()[0];
  const { id, kind, class: code, grid, zone, severity, state, workflow, step, unit, assignee, alerts, openedAt, wakeAt } = c;
  return JSON.parse(JSON.stringify({ id, kind, class: code, grid, zone, severity, state, workflow, step, unit, assignee, alerts, openedAt, dueAt: due, wakeAt }));
};

function pictureOf(mock, from, until) {
  const now = new Date();
  const all = [...mock.world.cases.values()].filter((c) => !c.exercise && !c.parent);
  const open = all.filter((c) => c.state !== 'closed').sort((a, b) => RANK.indexOf(a.severity) - RANK.indexOf(b.severity) || a.openedAt.localeCompare(b.openedAt));
  const lines = open.map(lineOf);
  const some = (items) => ({ total: items.length, items });
  const soon = (at) => at && at > now.toISOString() && at <= until;
  const closed = all.filter((c) => c.state === 'closed' && c.closedAt >= from);
  const edges = mock.world.edges();
  const devices = edges.filter((e) => e.online).flatMap((e) => e.devices.filter((d) => !['streaming', 'online'].includes(d.state)).map((d) => ({ edge: e.id, id: d.id, family: d.family, grid: d.grid, state: d.state, since: d.since })));
  return {
    at: now.toISOString(), parked: open.filter((c) => c.parkedAt).length,
    open: RANK.map((severity) => {
      const of = open.filter((c) => c.severity === severity);
      return { severity, open: of.filter((c) => c.state === 'open').length, acknowledged: of.filter((c) => c.state === 'acknowledged').length, overdue: of.filter((c) => lineOf(c).dueAt <= now.toISOString()).length };
    }),
    worst: lines.slice(0, 50), due: some(lines.filter((l) => soon(l.dueAt))), waking: some(lines.filter((l) => soon(l.wakeAt))), exercises: some([]),
    edges: some(edges.filter((e) => !e.online).map((e) => ({ id: e.id, since: e.lastSync, devices: e.devices.length }))), devices: some(devices),
    silences: some([{ id: 's1', sort: 'maintenance', grid: '990001001003002', kinds: ['gas'], reason: '更换探头', from, until, active: true }]),
    happened: { opened: all.filter((c) => c.openedAt >= from).length, lifeSafety: 2, merged: 0, closed: closed.length, cleared: closed.filter((c) => c.reason === 'cleared').length, falseAlarms: closed.filter((c) => c.reason === 'false-alarm').length },
  };
}

const head = ({ picture: _, version: __, ...rest }) => rest;
const mint = (n) => `019ca9b2-0000-7000-8000-${String(n).padStart(12, '0')}`;

/** Puts a handover of somebody else into the mock. */
export function handover(mock, more = {}) {
  mock.handovers ??= [];
  const from = new Date(Date.now() - 8 * 3_600_000).toISOString();
  const until = new Date(Date.now() + 8 * 3_600_000).toISOString();
  const h = { id: mint(mock.handovers.length + 1), state: 'draft', grids: [], from, until, notes: '', outgoing: 'day-1', version: 1, picture: pictureOf(mock, from, until), ...more };
  mock.handovers.unshift(h);
  return h;
}

const REFUSED = { other: 'only the account that began the handover may do this', same: 'whoever hands over cannot take over', state: 'the handover does not stand where this can be done' };

/** The next state of a handover, or why it may not be. */
function step(h, name, user) {
  const at = new Date().toISOString();
  if (name === 'sign') return h.state !== 'draft' ? 'state' : h.outgoing !== user ? 'other' : Object.assign(h, { state: 'signed', signedAt: at });
  if (name === 'accept') return h.state !== 'signed' ? 'state' : h.outgoing === user ? 'same' : Object.assign(h, { state: 'accepted', incoming: user, acceptedAt: at });
  return h.state === 'accepted' || h.state === 'withdrawn' ? 'state' : Object.assign(h, { state: 'withdrawn', withdrawnBy: user, withdrawnAt: at });
}

export async function shift(mock, req, res, url) {
  const [, what, id, name] = url.pathname.slice(1).split('/');
  if (what !== 'handovers') return false;
  mock.handovers ??= [];
  const user = mock.user ?? 'demo';
  const state = url.searchParams.get('state');
  if (!id && req.method === 'GET') {
    json(res, { items: mock.handovers.filter((h) => !state || (state === 'open' ? ['draft', 'signed'].includes(h.state) : h.state === state)).map(head), next: '' });
    return true;
  }
  if (!id) {
    const asked = JSON.parse(await body(req));
    json(res, handover(mock, { outgoing: user, ...asked }));
    return true;
  }
  const h = mock.handovers.find((one) => one.id === id);
  if (!h) return problem(res, 404, 'no such handover') ?? true;
  if (req.method === 'GET') return json(res, h) ?? true;
  mock.fasterHandover?.(h);
  mock.fasterHandover = null;
  if (req.headers['if-match'] !== `"${h.version}"`) return problem(res, 412, 'it changed') ?? true;
  if (req.method === 'PUT') {
    const { notes, again } = JSON.parse(await body(req));
    if (/1[3-9][0-9]{9}/.test(notes)) return problem(res, 422, 'notes: there seems to be a mobile telephone number in it; leave it out: a case is about a place, never about a person') ?? true;
    Object.assign(h, { notes, version: h.version + 1, ...(again ? { picture: pictureOf(mock, h.from, h.until) } : {}) });
    return json(res, h) ?? true;
  }
  const done = step(h, name, user);
  if (typeof done === 'string') return problem(res, 409, REFUSED[done]) ?? true;
  h.version++;
  return json(res, h) ?? true;
}
