// Requests to see sealed clips, as in central/unseal. unsealOf(mock).offline: the key is not at central.
import { randomUUID } from 'node:crypto';
import { body, json, problem } from '../mock.mjs';

class Unseal {
  list = [];
  offline = false;
  /** What an opened clip is. */
  clip = Buffer.from('ftypisom made up');
}

const states = new WeakMap();
export const unsealOf = (mock) => {
  if (!states.has(mock)) states.set(mock, new Unseal());
  return states.get(mock);
};

const HOUR = 3_600_000;
const later = (ms) => new Date(Date.now() + ms).toISOString();

/** A request as another account made it. */
export const asked = (alert, more = {}) => ({
  id: randomUUID(), alert: alert.id, clip: 'ef'.repeat(32), grid: alert.grid, reason: 'accident', text: '查明北入口起火的经过', by: 'other', at: later(0), until: later(24 * HOUR), state: 'asked', ...more,
});

export async function unseal(mock, req, res, url) {
  const [, what, id, part] = url.pathname.slice(1).split('/');
  const s = unsealOf(mock);
  if (what === 'alerts' && part === 'unsealings') {
    const given = JSON.parse(await body(req));
    if (/1[3-9][0-9]{9}/.test(given.text)) return said(res, 422, 'there seems to be a mobile number in it; leave it out: a case is about a place, never about a person');
    s.list.unshift(asked(mock.world.alerts.find((a) => a.id === id), { ...given, by: mock.user }));
    json(res, s.list[0], 201);
    return true;
  }
  if (what === 'alerts' && id && !part) {
    json(res, mock.world.alerts.find((a) => a.id === id));
    return true;
  }
  if (what !== 'unsealings') return false;
  if (!id) {
    json(res, { items: s.list.map((r) => ({ ...r, offline: s.offline })) });
    return true;
  }
  const r = s.list.find((o) => o.id === id);
  return part === 'clip' ? clip(s, res, r, mock.user) : decide(res, r, part, mock.user);
}

function decide(res, r, what, user) {
  if (r.by === user) return said(res, 403, 'whoever asked does not approve: it takes another account');
  if (r.state !== 'asked') return said(res, 409, 'it was decided already');
  Object.assign(r, { approver: user, decidedAt: later(0) }, what === 'approve' ? { state: 'approved', viewUntil: later(HOUR) } : { state: 'refused' });
  json(res, r);
  return true;
}

function clip(s, res, r, user) {
  if (r.state === 'closed') return said(res, 410, 'the time to see it is over; ask again');
  if (![r.by, r.approver].includes(user)) return said(res, 403, 'a clip is seen by the one who asked and the one who approved, nobody else');
  res.writeHead(200, { 'Content-Type': s.offline ? 'application/vnd.age+mp4' : 'video/mp4', 'Cache-Control': 'private, no-store' }).end(s.clip);
  return true;
}

function said(res, status, text) {
  problem(res, status, text);
  return true;
}
