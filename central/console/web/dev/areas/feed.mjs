// The feed's lists as central filters them, and the saved filters of the one account that there is.
import { body, json, problem } from '../mock.mjs';

const rank = ['info', 'minor', 'major', 'critical'];

export function passes(a, q) {
  return (!q.case || a.caseId === q.case) && (!q.kind || a.kind === q.kind) && (!q.severity || rank.indexOf(a.severity) >= rank.indexOf(q.severity))
    && a.grid.startsWith(q.grid ?? '') && (!q.state || a.state === q.state) && (!q.edge || a.edge === q.edge) && (!q.device || a.device === q.device);
}

/** A page after a position; the newest first. */
function alerts(world, q) {
  const limit = Number(q.limit ?? 50);
  const items = [];
  const from = q.cursor ? firstBelow(world.alerts, Number(q.cursor)) : 0;
  for (let i = from; i < world.alerts.length; i++) {
    if (!passes(world.alerts[i], q)) continue;
    if (items.length === limit) return { items, next: String(items[limit - 1].position) };
    items.push(world.alerts[i]);
  }
  return { items, next: '' };
}

/** The index of the first alert below a position. */
function firstBelow(all, position) {
  let [from, to] = [0, all.length];
  while (from < to) {
    const mid = (from + to) >> 1;
    if (all[mid].position >= position) from = mid + 1;
    else to = mid;
  }
  return from;
}

export async function feed(mock, req, res, url) {
  const q = Object.fromEntries(url.searchParams);
  if (url.pathname === '/v1/alerts') {
    json(res, alerts(mock.world, q));
    return true;
  }
  if (url.pathname !== '/v1/filters') return false;
  if (req.method === 'PUT') {
    const asked = JSON.parse(await body(req));
    if (asked.items.some((f) => /1[3-9][0-9]{9}/.test(f.name))) {
      problem(res, 422, 'name: there seems to be a mobile telephone number in it');
      return true;
    }
    mock.filters = asked.items;
  }
  json(res, { items: mock.filters ?? [] });
  return true;
}
