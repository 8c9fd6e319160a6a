// A stand-in for central: the same paths and shapes over a made-up world, and the built page with the real content policy.
// For work on the page and its tests only.
import { createServer } from 'node:http';
import { createReadStream, existsSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { areas } from './areas/index.mjs';
import { deskOf } from './areas/desk.mjs';
import { World } from './world.mjs';
import { classes, offersOf, units, workflows } from './loop.mjs';

const DIST = process.env.DIST ? `${normalize(process.env.DIST)}/` : fileURLToPath(new URL('../../dist/', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.png': 'image/png', '.webmanifest': 'application/manifest+json' };
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src blob:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const SCOPES = { auditor: ['read', 'audit'], administrator: ['read', 'configure', 'administer'] };
const rank = ['info', 'minor', 'major', 'critical'];

export class Mock {
  world = new World();
  lines = new Set();
  /** While true, every request is cut off: central is away. */
  away = false;
  /** Runs once, just before the next step on a case is judged: somebody else is faster. */
  faster = null;
  signedIn = false;
  role = 'operator';
  user = 'demo';
  unit = '';
  /** Files that differ from the built ones, by their path. */
  files = {};
  requests = [];

  constructor() {
    this.server = createServer((req, res) => void this.handle(req, res));
    this.world.listeners.add((m) => this.lines.forEach((res) => send(res, m)));
  }

  listen(port = 0) {
    return new Promise((resolve) => this.server.listen(port, '127.0.0.1', () => resolve(`http://127.0.0.1:${this.server.address().port}`)));
  }

  close() {
    this.cut();
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }

  /** Breaks every feed. */
  cut() {
    for (const res of this.lines) res.destroy();
    this.lines.clear();
  }

  async handle(req, res) {
    const url = new URL(req.url, 'http://localhost');
    if (this.away) return req.socket.destroy();
    this.requests.push(`${req.method} ${url.pathname}${url.search}`);
    if (url.pathname === '/healthz') return res.writeHead(200).end();
    if (!url.pathname.startsWith('/v1/')) return this.file(url, res);
    if (url.pathname === '/v1/session') return this.session(req, res);
    if (!this.signedIn) return problem(res, 401, 'no session');
    return this.api(req, res, url);
  }

  file(url, res) {
    if (this.files[url.pathname]) return res.writeHead(200, { 'Content-Type': TYPES[extname(url.pathname)], 'Content-Security-Policy': POLICY }).end(this.files[url.pathname]);
    const path = normalize(join(DIST, url.pathname));
    const found = path.startsWith(DIST) && extname(path) !== '' && existsSync(path) ? path : join(DIST, 'index.html');
    res.writeHead(200, { 'Content-Type': TYPES[extname(found)] ?? 'application/octet-stream', 'Content-Security-Policy': POLICY, 'X-Content-Type-Options': 'nosniff' });
    createReadStream(found).pipe(res);
  }

  async session(req, res) {
    if (req.method === 'POST') {
      const { user, password } = JSON.parse(await body(req));
      if (!['demo', 'other'].includes(user) || password !== 'demo-password') return problem(res, 401, 'wrong');
      Object.assign(this, { signedIn: true, user });
    }
    if (req.method === 'DELETE') {
      this.signedIn = false;
      return res.writeHead(204).end();
    }
    return this.signedIn ? json(res, { user: this.user, unit: this.unit, role: this.role, scopes: SCOPES[this.role] ?? ['read', 'operate'], grids: [] }) : problem(res, 401, 'no session');
  }

  async api(req, res, url) {
    for (const area of areas) if (await area(this, req, res, url)) return;
    const { world } = this;
    const q = Object.fromEntries(url.searchParams);
    const [, what, id, step] = url.pathname.slice(1).split('/');
    if (what === 'feed') return this.line(req, res, q);
    if (what === 'evidence') return world.pictures.has(id) ? res.writeHead(200, { 'Content-Type': 'image/png' }).end(world.pictures.get(id)) : problem(res, 404, 'none');
    if (what === 'alerts') return json(res, page(world.alerts.filter((a) => (!q.case || a.caseId === q.case) && (!q.edge || a.edge === q.edge) && (!q.device || a.device === q.device)), q));
    if (what === 'workflows') return json(res, { items: workflows });
    if (what === 'units') return json(res, { items: units });
    if (what === 'classes') return json(res, { items: classes });
    if (what !== 'cases') return problem(res, 404, 'no such path');
    if (!id && req.method === 'POST') return this.report(req, res);
    if (!id) return json(res, page(filtered(world, q), q));
    const c = world.cases.get(id);
    if (!c) return problem(res, 404, 'no such case');
    if (step === 'pictures') return this.photos(req, res, c);
    if (req.method === 'GET') return json(res, this.fileOf(c, q));
    this.faster?.(c);
    this.faster = null;
    const match = req.headers['if-match'];
    if (match && match !== `"${c.position}"`) return problem(res, 412, 'the case moved on');
    return this.change(res, c, step, JSON.parse(await body(req)));
  }

  /** The newest events of a case, at most 500 as in central. */
  fileOf(c, { before }) {
    const all = this.world.history.get(c.id).filter((e) => !before || e.position < Number(before));
    const history = all.slice(-this.maxHistory);
    const why = history.filter((e) => e.why).map((e) => e.why);
    return { ...c, history, earlier: history.length < all.length, why, actions: this.role === 'auditor' ? [] : offersOf(c), ...deskOf(this, c) };
  }

  maxHistory = 500;

  change(res, c, step, asked) {
    const { world } = this;
    const at = new Date().toISOString();
    if (/1[3-9][0-9]{9}/.test(asked.note ?? '')) return refusedNumber(res, 'there');
    switch (step) {
      case 'merge': {
        const parent = world.cases.get(asked.into);
        if (!parent) return problem(res, 404, 'no such case');
        if (parent.id === c.id) return problem(res, 409, 'a case cannot be part of itself');
        c.parent = parent.id;
        world.append(c, { type: 'merged', at, actor: 'demo', into: parent.id });
        world.append(parent, { type: 'related', at, actor: 'demo', into: c.id });
        break;
      }
      case 'unmerge':
        world.append(c, { type: 'unmerged', at, actor: 'demo', into: c.parent });
        delete c.parent;
        break;
      case 'hold':
        c.hold = asked.reason;
        world.append(c, { type: 'held', at, actor: 'demo', reason: asked.reason });
        break;
      case 'release':
        delete c.hold;
        world.append(c, { type: 'released', at, actor: 'demo', reason: asked.reason });
        break;
      case 'steps': {
        const offer = offersOf(c).find((o) => o.action === asked.action);
        if (!offer) return problem(res, 409, 'the case stands elsewhere', [{ location: 'not-from-here', message: '案卷不在这个环节' }]);
        if (asked.action === 'accept') Object.assign(c, { assignee: this.user, handler: this.user });
        world.step(c, offer, asked, this.user);
        break;
      }
      default:
        return problem(res, 404, 'no such step');
    }
    return json(res, c);
  }

  async report(req, res) {
    const asked = JSON.parse(await body(req));
    if (/1[3-9][0-9]{9}/.test(asked.note ?? '')) return refusedNumber(res, 'the report cannot be taken: note: there');
    return json(res, this.world.cases.get(asked.id) ?? this.world.report(asked, 'demo'));
  }

  async photos(req, res, c) {
    if (req.method === 'GET') return json(res, { items: this.world.photos.get(c.id) ?? [] });
    const first = await new Promise((resolve) => req.once('data', resolve));
    req.resume();
    if (first[0] !== 0xff || first[1] !== 0xd8) return problem(res, 422, 'the picture cannot be read: send a JPEG');
    return json(res, this.world.photo(c), 201);
  }

  line(req, res, { after = 0 }) {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    res.write('retry: 1000\n\n');
    const last = Number(req.headers['last-event-id'] ?? after);
    if (last) this.world.feed.filter((m) => m.id > last).forEach((m) => send(res, m));
    this.lines.add(res);
    req.on('close', () => this.lines.delete(res));
  }
}

function filtered(world, q) {
  return [...world.cases.values()].reverse().filter((c) => (!q.since || c.openedAt >= q.since) && (!q.state || c.state === q.state)
    && (!q.kind || c.kind === q.kind) && (!q.severity || rank.indexOf(c.severity) >= rank.indexOf(q.severity)) && c.grid.startsWith(q.grid ?? '')
    && c.class.startsWith(q.class ?? '') && (!q.step || c.step === q.step) && (!q.unit || c.unit === q.unit) && (!q.assignee || c.assignee === q.assignee) && (!q.level || c.level === q.level)
    && (!q.origin || c.origin === q.origin) && (!q.parent || (q.parent === 'none' ? !c.parent : c.parent === q.parent))
    && (!q.dueBefore || (c.deadlines ?? []).some((d) => !d.met && d.due < q.dueBefore)));
}

function page(all, { cursor = '0', limit = '50' }) {
  const from = Number(cursor || 0);
  const to = from + Number(limit);
  return { items: all.slice(from, to), next: to < all.length ? String(to) : '' };
}

function send(res, m) {
  res.write(`event: case\nid: ${m.id}\ndata: ${JSON.stringify(m.data)}\n\n`);
}

export function json(res, value, status = 200) {
  res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

function refusedNumber(res, before) {
  return problem(res, 422, `${before} seems to be a mobile telephone number in it; leave it out: a case is about a place, never about a person`);
}

export function problem(res, status, detail, errors) {
  res.writeHead(status, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify({ title: 'refused', status, detail, ...(errors ? { errors } : {}) }));
}

export async function body(req) {
  let text = '';
  for await (const part of req) text += part;
  return text || '{}';
}
