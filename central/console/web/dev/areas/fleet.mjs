// What edges are configured as and which builds they run, as in central/api: two edges, one layer, one build, and rollouts that stop at the first
// of them.
import { body, json } from '../mock.mjs';

const AT = '/v1/configuration';

const RELEASES = '/v1/releases';

class Fleet {
  layers = [];
  rollouts = [];
  builds = [{ version: '1.1.0', platform: 'linux-amd64', bytes: 31_000_000, made: '2026-03-01T08:00:00Z', at: '2026-03-01T09:00:00Z', by: 'demo' }];
  upgrades = [];
}

const states = new WeakMap();
export const fleetOf = (mock) => {
  if (!states.has(mock)) states.set(mock, new Fleet());
  return states.get(mock);
};

const carried = (s) => s.layers.map((l) => ({ layer: l.layer, version: s.rollouts.length ? l.version : 0, newest: l.version }));

function edges(s) {
  const stopped = s.rollouts[0]?.state === 'stopped';
  const first = stopped ? { state: 'refused', why: "the edge's own file does not take it" } : { state: 'alone' };
  const one = (edge, more) => ({ edge, online: true, layers: carried(s), groups: [], sections: ['timezone', 'cameras'], file: '0a1b2c3d4e5f', software: '1.0', ...more });
  return { items: [one('edge-demo-a', first), one('edge-demo-b', { state: 'alone' })], next: '', counts: { alone: stopped ? 1 : 2, refused: stopped ? 1 : 0 } };
}

const refusal = (text) => text.split('\n').flatMap((l, i) => (l.startsWith('listen') ? [{ location: `body.text:${i + 1}`, message: 'listen: not a section that central may say (remove it)' }] : []));

function write(s, res, layer, part, asked) {
  const errors = refusal(asked.text);
  if (errors.length > 0) return json(res, { title: 'Unprocessable Entity', status: 422, detail: 'the text has mistakes', errors }, 422);
  if (part === 'preview') return json(res, { edges: ['edge-demo-a', 'edge-demo-b'], count: 2, edge: 'edge-demo-a', diff: asked.text.trim().split('\n').map((l) => `+ ${l}`) });
  const was = s.layers.find((l) => l.layer === layer);
  const next = { layer, version: (was?.version ?? 0) + 1, at: new Date().toISOString(), by: 'demo', why: asked.why, text: asked.text };
  s.layers = [...s.layers.filter((l) => l !== was), next];
  return json(res, next);
}

// The first edge goes back from the build, the second waits for the trial of a configuration.
function standings(s) {
  const open = s.upgrades[0]?.state === 'stopped';
  const one = (edge, state, more) => ({ edge, online: true, running: '1.0.0', platform: 'linux-amd64', groups: [], state: open ? state : 'own', ...(open ? { wanted: '1.1.0', ...more } : {}) });
  const items = [
    one('edge-demo-a', 'rolled-back', { why: 'fewer cameras stream than before' }),
    one('edge-demo-b', 'fetching', { why: 'a configuration is on trial; this comes after it', waits: 'configuration' }),
  ];
  return { items, next: '', counts: open ? { 'rolled-back': 1, fetching: 1 } : { own: 2 } };
}

async function releases(s, req, res, url) {
  const [what, id, action] = url.pathname.slice(RELEASES.length + 1).split('/');
  if (!what) json(res, { items: s.builds });
  else if (what === 'edges') json(res, standings(s));
  else if (action) json(res, Object.assign(s.upgrades[0], { state: 'aborted', why: '', edges: s.upgrades[0].edges.map(({ edge }) => ({ edge, state: 'planned', running: '1.0.0' })) }));
  else if (id) json(res, s.upgrades[0]);
  else if (req.method === 'GET') json(res, { items: s.upgrades });
  else {
    const asked = JSON.parse(await body(req));
    s.upgrades.unshift({
      id: 'r20260301t090000.000000', version: asked.version, to: asked.to, reason: asked.why, at: new Date().toISOString(), by: 'demo', state: 'stopped', waves: [1, 2], wave: 1, failures: 0, forgiven: 0,
      why: 'edge-demo-a rolled-back: fewer cameras stream than before', edges: standings({ upgrades: [{ state: 'stopped' }] }).items,
    });
    json(res, s.upgrades[0], 201);
  }
  return true;
}

export async function fleet(mock, req, res, url) {
  if (url.pathname === RELEASES || url.pathname.startsWith(`${RELEASES}/`)) return releases(fleetOf(mock), req, res, url);
  if (!url.pathname.startsWith(`${AT}/`)) return false;
  const [what, id, part] = url.pathname.slice(AT.length + 1).split('/').map(decodeURIComponent);
  const s = fleetOf(mock);
  const read = req.method === 'GET';
  const asked = read || part === 'abort' ? null : JSON.parse((await body(req)) || '{}');
  if (what === 'edges') json(res, edges(s));
  else if (what === 'groups') json(res, { items: [] });
  else if (what === 'layers' && !id) json(res, { items: s.layers });
  else if (what === 'layers' && read) json(res, s.layers.find((l) => l.layer === id));
  else if (what === 'layers') write(s, res, id, part, asked);
  else if (part) json(res, Object.assign(s.rollouts[0], { state: 'aborted', why: '', edges: s.rollouts[0].edges.map(({ edge }) => ({ edge, state: 'planned' })) }));
  else if (read && !id) json(res, { items: s.rollouts });
  else if (read) json(res, s.rollouts[0]);
  else {
    s.rollouts.unshift({
      id: '0190a1b2-0000-7000-8000-000000000001', layer: asked.layer, version: 1, reason: asked.why, at: new Date().toISOString(), by: 'demo', state: 'stopped', waves: [1, 2], wave: 0, why: 'edge-demo-a refused',
      edges: [{ edge: 'edge-demo-a', state: 'refused', why: "the edge's own file does not take it" }, { edge: 'edge-demo-b', state: 'planned' }],
    });
    json(res, s.rollouts[0], 201);
  }
  return true;
}
