// The case desk of the stand-in: undo, several cases at once, who and what is near a case.
import { body, json, problem } from '../mock.mjs';
import { offersOf, workflows } from '../loop.mjs';

const WITHIN = 5 * 60_000;
const OUTCOME = ['state', 'level', 'closedAt', 'closedBy', 'reason', 'active', 'workflow', 'step', 'unit', 'helpers', 'assignee', 'handler', 'deadlines', 'parkedAt', 'wakeAt', 'rating'];
const no = (status, code, zh, detail) => ({ status, detail, errors: [{ location: code, message: zh }] });

const staff = [{ name: 'demo' }, { name: 'night-2' }, { name: 'li', unit: 'fire' }, { name: 'sun', unit: 'water' }];

/** What somebody may take back of a case: their own last step, if nothing but alerts came since. */
function undoable(mock, c) {
  const newest = (mock.world.history.get(c.id) ?? []).filter((e) => !['joined', 'cleared'].includes(e.type)).pop();
  if (newest?.type === 'undone') return [null, no(409, 'nothing-to-undo', '上一步已经撤销', 'the last step was taken back already')];
  if (newest?.type !== 'stepped' || !newest.former) return [null, no(409, 'moved-on', '之后案件又有变化（时限、规则或其他操作），不能撤销', 'something else happened to the case since')];
  if (newest.actor !== 'demo') return [null, no(409, 'not-your-step', `上一步由${newest.actor}操作，只有本人可以撤销`, `the last step was taken by ${newest.actor}, who alone may take it back`)];
  if (Date.now() >= Date.parse(newest.at) + WITHIN) return [null, no(409, 'too-late', '已超过5分钟，不能撤销', 'the step was taken more than 5 minutes ago')];
  return [newest, null];
}

function undo(mock, c) {
  const [step, refusal] = undoable(mock, c);
  if (refusal) return refusal;
  for (const name of OUTCOME) {
    if (step.former[name] === undefined) delete c[name];
    else c[name] = step.former[name];
  }
  mock.world.append(c, { type: 'undone', at: new Date().toISOString(), actor: 'demo', action: step.action, workflow: step.workflow, undoes: step.position });
  return null;
}

/** What a case page is told beyond the case itself. */
export function deskOf(mock, c) {
  const [step] = undoable(mock, c);
  const action = step && workflows[0].actions.find((a) => a.id === step.action);
  const left = (c.deadlines ?? []).filter((d) => !d.met && d.due && mock.working).map((d) => ({
    deadline: d.name, working: true, left: Math.round((Date.parse(d.due) - Date.now()) / 1000), day: 7 * 3600, running: true,
  }));
  return { left, ...(action ? { undo: { action: action.id, titles: action.titles, until: new Date(Date.parse(step.at) + WITHIN).toISOString() } } : {}) };
}

function one(mock, asked, c, position) {
  if (!c) return no(404, 'none', '没有这个案卷', 'there is no such record');
  mock.faster?.(c);
  mock.faster = null;
  if (position && position !== c.position) return no(412, 'moved-on', '案件刚被其他人更新，请查看最新状态', 'the case changed meanwhile, read it again');
  if (asked.undo) return undo(mock, c);
  if (asked.into) return merge(mock, c, asked.into);
  const offer = offersOf(c).find((o) => o.action === asked.step.action);
  if (!offer) return no(409, 'not-from-here', '案卷不在这个环节', 'the case stands elsewhere');
  mock.world.step(c, offer, asked.step, 'demo');
  return null;
}

function merge(mock, c, into) {
  if (c.id === into || c.parent) return no(409, 'merged-already', '本案已并入其他案件，请先解除并案', 'the case is part of another already');
  c.parent = into;
  mock.world.append(c, { type: 'merged', at: new Date().toISOString(), actor: 'demo', into });
  mock.world.append(mock.world.cases.get(into), { type: 'related', at: new Date().toISOString(), actor: 'demo', into: c.id });
  return null;
}

async function bulk(mock, req, res) {
  const asked = JSON.parse(await body(req));
  const items = asked.cases.map(({ id, position }) => {
    const c = mock.world.cases.get(id);
    const refusal = one(mock, asked, c, position);
    return refusal ? { id, status: refusal.status, problem: refusal } : { id, status: 200, position: c.position, state: c.state, step: c.step };
  });
  json(res, { items });
}

function neighbours(mock, c) {
  const near = [...mock.world.cases.values()].filter((o) => o !== c && o.state !== 'closed' && !o.parent && o.grid.slice(0, 12) === c.grid.slice(0, 12) && Boolean(o.exercise) === Boolean(c.exercise));
  return near.sort((a, b) => Number(a.grid !== c.grid) - Number(b.grid !== c.grid)).slice(0, 30);
}

/** Two sensors beside a case, every half minute from half an hour before it. */
function readings(c) {
  const from = Date.parse(c.openedAt) - 1_800_000;
  const to = Math.min(Date.now(), Date.parse(c.lastAt) + 1_800_000);
  const series = (device, quantity, unit, value) => ({
    metric: 'gridgate_reading', labels: { device, quantity, unit, grid: c.grid, edge: 'edge-demo-a' },
    points: Array.from({ length: Math.floor((to - from) / 30_000) }, (_, i) => ({ at: new Date(from + i * 30_000).toISOString(), value: value(i) })),
  });
  const items = c.grid.endsWith('009') ? [] : [
    series('level-river-01', 'water-level', 'm', (i) => 1.6 + Math.max(0, i - 50) * 0.02 + Math.sin(i / 4) * 0.03),
    series('thermo-b3-2', 'temperature', 'Cel', (i) => 21 + Math.sin(i / 9) * 0.8 + Math.max(0, i - 58) * 0.4),
  ];
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString(), items };
}

export async function desk(mock, req, res, url) {
  const [, what, id, part] = url.pathname.slice(1).split('/');
  if (what === 'staff') return json(res, { items: staff }), true;
  if (what !== 'cases' || !id) return false;
  if (id === 'bulk' && req.method === 'POST') return await bulk(mock, req, res), true;
  const c = mock.world.cases.get(id);
  if (!c) return false;
  if (part === 'neighbours') return json(res, { items: neighbours(mock, c) }), true;
  if (part === 'readings') return json(res, readings(c)), true;
  if (part !== 'undo') return false;
  const match = req.headers['if-match'];
  const refusal = match && match !== `"${c.position}"` ? no(412, 'moved-on', '案件刚被其他人更新，请查看最新状态', 'the case changed meanwhile') : undo(mock, c);
  if (refusal) problem(res, refusal.status, refusal.detail, refusal.errors);
  else json(res, c);
  return true;
}
