// The register of cameras and its filing, as in central/register: one camera is refused, one of another edge is new and overdue.
import { body, json, problem } from '../mock.mjs';

const DAY = 86_400_000;
const at = (days) => new Date(Date.now() + days * DAY).toISOString();
const one = (id, more) => ({ edge: 'edge-demo-a', id, grid: '990001001001003', owner: '滨河社区居委会', purpose: '公共安全', basis: '县公安局批复 2025-17', placeKind: 'square', since: at(-40), state: 'registered', ...more });

class Register {
  cameras = [one('cam-square-01'), one('cam-gate-03', { state: 'refused', placeKind: 'toilet', owner: '', why: ['owner is missing', 'a camera is forbidden in such a place'] }), one('cam-old-09', { edge: 'edge-demo-b', state: 'untold', owner: '', purpose: '', basis: '', placeKind: '' })];
  changes = [
    { edge: 'edge-demo-a', camera: 'cam-square-01', sort: 'changed', fields: ['owner', 'placeKind'], at: at(-2), due: at(28), overdue: false, soon: false },
    { edge: 'edge-demo-a', camera: 'cam-gate-03', sort: 'added', at: at(-40), due: at(-10), overdue: true, soon: true },
  ];
  notes = [];
}

const states = new WeakMap();
export const registerOf = (mock) => {
  if (!states.has(mock)) states.set(mock, new Register());
  return states.get(mock);
};

export async function register(mock, req, res, url) {
  const s = registerOf(mock);
  if (url.pathname === '/v1/cameras') json(res, url.searchParams.get('cursor') ? { items: s.cameras.slice(0, 2) } : { items: s.cameras.slice(2), next: 'edge-demo-b' });
  else if (url.pathname === '/v1/filing') json(res, { at: at(0), units: [], cameras: s.cameras, changes: s.changes });
  else if (url.pathname === '/v1/filing.csv') res.writeHead(200, { 'Content-Type': 'text/csv; charset=utf-8' }).end('camera\n');
  else if (url.pathname !== '/v1/filing/marks') return false;
  else if (mock.role !== 'administrator') problem(res, 403, 'not for this role');
  else {
    s.notes.push(JSON.parse(await body(req)).note);
    s.changes = [];
    json(res, { edges: 2, cameras: s.cameras.length });
  }
  return true;
}
