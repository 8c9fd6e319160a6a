// The ten steps of an alert, as in central/trace.
import { json, problem } from '../mock.mjs';

const NAMES = ['source', 'decode', 'detect', 'raise', 'outbox', 'forward', 'ingest', 'correlate', 'case', 'feed'];
const SAID = { 2: ['between', 'no time of its own is noted: it lies between steps 1 and 4'], 5: ['in-log', 'not known: give the log of the edge'], 6: ['newer', 'a code that the console does not know'] };
const AFTER = { 1: 0, 4: 210, 7: 180, 8: 4, 9: 0, 10: 0 };

export function trace(mock, req, res, url) {
  const [, what, id, part] = url.pathname.slice(1).split('/');
  if (what !== 'alerts' || part !== 'trace') return false;
  const a = mock.world.alerts.find((o) => o.id === id);
  if (!a) {
    problem(res, 404, 'there is no such record');
    return true;
  }
  let at = Date.parse(a.occurredAt);
  const steps = NAMES.map((name, i) => {
    const after = AFTER[i + 1];
    if (after === undefined) {
      const [noteCode, note] = SAID[i + 1] ?? SAID[2];
      return { n: i + 1, name, note, noteCode };
    }
    at += after;
    return { n: i + 1, name, at: new Date(at).toISOString(), clock: i < 6 ? 'edge' : 'central', known: i < 6 ? 'alert' : 'store', ...(i > 0 ? { afterMs: after } : {}) };
  });
  json(res, { alertId: id, outcome: 'opened', why: 'no case of its key was open: it opened one, which follows c0', whyCode: 'follows', whyArgs: { case: 'c0' }, steps, totalMs: 394, skewMs: -120, uncertaintyMs: a.uncertaintyMs });
  return true;
}
