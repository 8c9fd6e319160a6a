// Searches for cameras, as in central/api. The edge of the stand-in answers when a test lets it: connectOf(mock).answer.
import { randomUUID } from 'node:crypto';
import { body, json, problem } from '../mock.mjs';

const proposal = (address, url) => `  - id: cam-${address.replaceAll('.', '-')}
    # a camera at ${address} (onvif)
    url: "${url}"
    # username: ... # of an account at the device that may look and do nothing else
    password: {env: GRIDGATE_CAM_${address.replaceAll('.', '_')}}
    events:
      protocol: onvif
      url: "http://${address}"
    # demanded: place: {grid: "...", kind: ...} # where it is, and what kind of place that is
    # demanded: owner: ... # the unit that is responsible for the camera
    # demanded: purpose: ... # what it is for
    # demanded: legal_basis: ... # the rule that allows it
`;

/** What the stand-in's edge finds. */
const FOUND = [
  { address: '192.0.2.10', protocols: ['onvif', 'rtsp'], manufacturer: 'Hikvision', model: 'DS-2CD2142FWD-I', proposal: proposal('192.0.2.10', 'rtsp://192.0.2.10:554/Streaming/Channels/101') },
  { address: '192.0.2.11', protocols: ['onvif'], notes: ['it tells its streams to an account only: run discover with --username on the edge', 'words of another version'], said: [{ code: 'account' }, { code: 'other' }], proposal: proposal('192.0.2.11', 'rtsp://192.0.2.11/1') },
];

class Connect {
  list = [];
  /** What the edge answers; null: nothing yet. */
  answer = () => ({ found: FOUND });
}

const states = new WeakMap();
export const connectOf = (mock) => {
  if (!states.has(mock)) states.set(mock, new Connect());
  return states.get(mock);
};

export async function connect(mock, req, res, url) {
  const [, what, id, part] = url.pathname.slice(1).split('/').map(decodeURIComponent);
  const state = connectOf(mock);
  if (what === 'discoveries') return one(state, res, id);
  if (what !== 'edges' || part !== 'discoveries') return false;
  if (req.method === 'GET') {
    json(res, { items: state.list.map(({ result, ...d }) => d) });
    return true;
  }
  if (state.list.some((d) => !d.done)) {
    problem(res, 429, 'this edge is looking for cameras already, wait for its answer');
    return true;
  }
  const asked = JSON.parse(await body(req));
  const at = Date.now();
  const d = { id: randomUUID(), edge: id, by: 'demo', at: new Date(at).toISOString(), until: new Date(at + 125_000).toISOString(), forSec: asked.forSec ?? 5, done: false, asked };
  state.list.unshift(d);
  json(res, d, 201);
  return true;
}

function one(state, res, id) {
  const d = state.list.find((o) => o.id === id);
  if (!d) {
    problem(res, 404, 'there is no such record');
    return true;
  }
  const result = d.result ?? state.answer(d);
  if (result) Object.assign(d, { done: true, result });
  setTimeout(() => json(res, d), 60);
  return true;
}
