// Figures and series of the stand-in: made up from what is asked, the same for the same question.
import { json, problem } from '../mock.mjs';

const COMMUNITIES = [['990001001001', '东街社区', 84], ['990001001002', '滨河社区', 61], ['990001001003', '北苑社区', 37], ['990001001004', '新桥社区', 12]];
const CLASSES = [['0101', 21], ['0202', 34], ['0401', 88], ['0402', 29], ['0603', 22]];
const STEPS = [['open', 95], ['dispatch', 240], ['handle', 1500], ['feedback', 9100], ['verify', 15_800]];

function row(n, more = {}) {
  const closed = Math.round(n * 0.9);
  const part = (share) => Math.round(n * share);
  const rate = (a, b) => (b > 0 ? a / b : undefined);
  const counts = {
    opened: n, closed, closedInTime: Math.round(closed * 0.93), cleared: part(0.2), falseAlarms: part(0.11), reopened: part(0.02), overdue: part(0.06), extended: part(0.03),
    sentBack: part(0.02), reworked: part(0.04), supervised: part(0.01), parked: part(0.01), merged: part(0.15), rated: part(0.3),
  };
  return {
    ...more, ...counts, inTimeRate: rate(counts.closedInTime, closed), reworkRate: rate(counts.reworked, closed), overdueRate: rate(counts.overdue, n), falseAlarmRate: rate(counts.falseAlarms, n),
    ...(counts.rated > 0 ? { rating: 4.3 } : {}), steps: STEPS.map(([step, meanSeconds], i) => ({ step, times: Math.max(1, n - i * 5), meanSeconds })),
  };
}

function rows(q) {
  const scale = q.exercise ? 0.1 : Number((q.from ?? '2026-10').slice(5, 7)) % 2 ? 0.8 : 1;
  const all = COMMUNITIES.filter(([code]) => code.startsWith(q.grid ?? '') || (q.grid ?? '').startsWith(code));
  const sum = Math.round(all.reduce((n, [, , k]) => n + k, 0) * scale);
  if (!q.by) return sum === 0 ? [] : [row(sum)];
  if (q.by === 'class') return CLASSES.map(([code, n]) => row(Math.round(n * scale), { class: code }));
  if (q.by === 'unit') return [row(90, { unit: 'fire' }), row(60, { unit: 'water' }), row(9, {})];
  if (q.by === 'day') return Array.from({ length: 10 }, (_, i) => row(5 + ((i * 7) % 11), { day: `2026-10-${String(i + 1).padStart(2, '0')}` }));
  if (q.by === 'month') return ['2026-09', '2026-10', '2026-11'].map((day, i) => row(150 + i * 20, { day }));
  if (q.digits === '12') return all.map(([code, , n]) => row(Math.round(n * scale), { grid: code }));
  if (q.digits) return [row(sum, { grid: COMMUNITIES[0][0].slice(0, Number(q.digits)) })];
  return [1, 2, 3].map((n) => row(9 * n, { grid: `${all[0]?.[0] ?? '990001001001'}00${n}` }));
}

/** A series of so many points with a hole in it. */
function series(labels, from, to, step, base) {
  const points = [];
  for (let at = from; at < to; at += step) {
    const share = (at - from) / (to - from);
    if (share > 0.55 && share < 0.68) continue;
    points.push({ at: new Date(at).toISOString(), value: base + Math.sin(share * 9) * base * 0.15 + ((at / step) % 5) * 0.05 });
  }
  return { metric: labels.quantity ? 'gridgate_reading' : 'gridgate_edge', labels, points };
}

export function figures(mock, req, res, url) {
  const q = Object.fromEntries(url.searchParams);
  switch (url.pathname) {
    case '/v1/indicators':
      json(res, { items: mock.noFigures ? [] : rows(q) });
      return true;
    case '/v1/indicators.csv':
      res.writeHead(200, { 'Content-Type': 'text/csv; charset=utf-8', 'Content-Disposition': 'attachment; filename="indicators.csv"' }).end('\ufeffday,grid\n');
      return true;
    case '/v1/indicators/devices':
      if (mock.someGrids) return problem(res, 403, 'this is about the whole centre') ?? true;
      json(res, { items: [['cam-lane-02', 40, 14], ['cam-square-01', 61, 5], ['smoke-b3-201', 9, 0]].map(([id, opened, falseAlarms]) => ({ ...row(opened), source: `/edges/edge-demo-a/cameras/${id}`, falseAlarms, falseAlarmRate: falseAlarms / opened })) });
      return true;
    case '/v1/series': {
      if (mock.someGrids) return problem(res, 403, 'this is about the whole centre') ?? true;
      const [from, to, step] = [Date.parse(q.from), Date.parse(q.to), Number.parseInt(q.step, 10) * 1000];
      if (q.quantity === 'co') json(res, { items: [] });
      else if (q.metric) json(res, { items: ['edge-demo-a', 'edge-demo-b'].map((edge, i) => series({ edge }, from, to, step, 3 + i)) });
      else json(res, { items: ['level-river-01', 'level-river-02', 'smoke-b3-201'].map((device, i) => series({ edge: 'edge-demo-a', device, grid: '990001001002007', quantity: q.quantity, unit: q.quantity === 'water-level' ? 'm' : 'Cel' }, from, to, step, 18 + i * 2)) });
      return true;
    }
    case '/v1/grids':
      if (q.level !== 'community') return false;
      json(res, { items: COMMUNITIES.map(([code, zh]) => ({ code, title: { zh, en: `Community ${code.slice(-1)}` }, level: 'community', from: '2025-01-01T00:00:00Z' })), next: '' });
      return true;
    default:
      return false;
  }
}
