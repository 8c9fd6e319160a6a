import { beforeEach, describe, expect, test } from 'vitest';
import { ApiError } from '../src/api';
import type { Case, CaseDetail, CaseEvent } from '../src/types';
import { byUrgency, workCase } from '../src/worker/api';
import { after, formed, isResult, possible, saying, type FullWorkflow } from '../src/worker/forecast';
import { MemoryKeep } from '../src/worker/keep';
import { fits, keyOf, MAX_BYTES, MAX_ENTRIES, MAX_SENT, nextOf, sameStanding, standingOf, surplus, verdict, type Entry } from '../src/worker/outbox';
import { MAX_PIXELS, sizeWithin } from '../src/worker/photo';
import { backoff, Outbox, type Wire } from '../src/worker/sender';

const at = '2026-11-22T02:00:00Z';
const file = (more: Partial<Case> = {}): Case => ({
  id: 'c1', key: 'k', kind: 'smoke', class: '0101', grid: '990001001001004', source: '/s', state: 'acknowledged', level: 'grid', severity: 'major', active: true,
  alerts: 1, openedAt: at, lastAt: at, position: 10, step: 'dispatch', workflow: 'base', unit: 'fire', ...more,
});
const detail = (c: Case, history: CaseEvent[] = []): CaseDetail => ({ ...c, history, earlier: false, why: [], actions: [] });

/** A central that keeps one case: it does a key once, and answers what it is told to. */
class Central implements Wire {
  user = 'wang';
  now = file();
  history: CaseEvent[] = [];
  done = new Map<string, Case | null>();
  calls: string[] = [];
  fails: (number | 'lost' | ApiError)[] = [];
  meanwhile: (() => void) | null = null;

  async account() {
    if (this.fails[0] === 0) throw this.error(this.fails.shift() as number);
    return this.user;
  }
  async step(e: Entry) {
    this.calls.push(`${e.body?.action} ${keyOf(e)}`);
    return this.answered(() => {
      const known = this.done.get(keyOf(e));
      if (known) return known;
      this.meanwhile?.();
      this.meanwhile = null;
      if (e.seen.position !== this.now.position) throw new ApiError(412);
      const step = { accept: 'handle', 'feed-back': 'feedback' }[e.body?.action ?? ''] ?? this.now.step;
      this.now = { ...this.now, position: this.now.position + 1, step: step as string, ...(e.body?.action === 'accept' ? { assignee: this.user, handler: this.user } : {}) };
      this.history.push({ position: this.now.position, caseId: 'c1', type: 'stepped', at, actor: this.user, action: e.body?.action as string, ...(e.body?.note ? { note: e.body.note } : {}) });
      this.done.set(keyOf(e), this.now);
      return this.now;
    });
  }
  async photo(e: Entry) {
    this.calls.push(`photo ${keyOf(e)}`);
    await this.answered(() => {
      this.done.set(keyOf(e), null);
      return this.now;
    });
  }
  async look() {
    return detail(this.now, this.history);
  }
  private error = (status: number) => new ApiError(status);
  private answered(f: () => Case): Case {
    const fail = this.fails.shift();
    if (fail instanceof ApiError) throw fail;
    if (typeof fail === 'number') throw this.error(fail);
    const c = f();
    if (fail === 'lost') throw this.error(0);
    return c;
  }
}

let central: Central;
let kept: MemoryKeep;
const box = async (user = 'wang') => {
  const b = new Outbox(user, kept, central, (f) => f());
  await b.load();
  return b;
};
const step = (action: string, more: Partial<Entry> = {}) => ({
  id: `e-${action}`, caseId: 'c1', kind: 'smoke' as const, place: '', titles: { zh: action, en: action }, body: { action }, bytes: 20, seen: standingOf(file()), ...more,
});
const photo = (id: string) => {
  const { body: _, ...rest } = step('photo');
  return { ...rest, id, photo: new Blob(['jpeg']), bytes: 4 };
};
const states = (b: Outbox) => b.entries.map((e) => e.state);

beforeEach(() => {
  central = new Central();
  kept = new MemoryKeep();
});

describe('the outbox', () => {
  test('sends in order; a later step goes on what the earlier one led to; a photo is gone once it is sent', async () => {
    const b = await box();
    await b.add(step('accept'));
    await b.add(photo('p1'));
    await b.add(step('feed-back', { seen: { ...standingOf(file({ step: 'handle', assignee: 'wang', handler: 'wang' })), position: 10 } }));
    await b.flush();
    expect(central.calls).toEqual(['accept e-accept.0', 'photo p1.0', 'feed-back e-feed-back.0']);
    expect(states(b)).toEqual(['sent', 'sent', 'sent']);
    expect(b.entries.some((e) => e.photo)).toBe(false);
    expect(central.now.step).toBe('feedback');
  });

  test('in a dead zone everything waits, outlives the page, and goes once when there is a network', async () => {
    central.fails = [0];
    const b = await box();
    await b.add(step('accept'));
    await b.flush();
    expect([states(b), b.failed]).toEqual([['waiting'], 1]);
    const later = await box();
    await later.flush();
    await later.flush();
    expect(central.calls).toEqual(['accept e-accept.0']);
    expect(states(later)).toEqual(['sent']);
  });

  test('an answer that was lost: the same key again, done once', async () => {
    central.fails = ['lost'];
    const b = await box();
    await b.add(step('accept'));
    await b.flush();
    expect(b.entries[0]).toMatchObject({ state: 'waiting', unsure: true });
    await b.flush();
    expect(central.calls).toEqual(['accept e-accept.0', 'accept e-accept.0']);
    expect([central.history.length, ...states(b)]).toEqual([1, 'sent']);
  });

  test('an answer that was lost, and a key that central has forgotten: the history shows that it was done', async () => {
    central.fails = ['lost'];
    const b = await box();
    await b.add(step('progress', { body: { action: 'progress', note: 'on site' } }));
    await b.flush();
    central.done.clear();
    await b.flush();
    expect([central.history.length, ...states(b)]).toEqual([1, 'sent']);
  });

  test('a page that ended while it sent is as one that got no answer', async () => {
    const b = await box();
    await b.add(step('accept'));
    await kept.put([{ ...b.entries[0] as Entry, state: 'sending' }]);
    central.now = { ...central.now, position: 11, step: 'handle' };
    central.history = [{ position: 11, caseId: 'c1', type: 'stepped', at, actor: 'wang', action: 'accept' }];
    await (await box()).flush();
    expect([central.history.length, (await kept.entries())[0]?.state]).toEqual([1, 'sent']);
  });

  test('further alerts do not stop a step: it goes on the new state under a new key', async () => {
    central.meanwhile = () => (central.now = { ...central.now, position: 12, alerts: 5, severity: 'critical' });
    const b = await box();
    await b.add(step('accept'));
    await b.flush();
    expect(central.calls).toEqual(['accept e-accept.0', 'accept e-accept.1']);
    expect(states(b)).toEqual(['sent']);
  });

  test('a case that never stands still is given up for now after a few rounds', async () => {
    const stir = () => {
      central.now = { ...central.now, position: central.now.position + 1 };
      central.meanwhile = stir;
    };
    central.meanwhile = stir;
    Object.defineProperty(central, 'meanwhile', { get: () => stir, set: () => undefined });
    const b = await box();
    await b.add(step('accept'));
    await b.flush();
    expect([central.calls.length, ...states(b)]).toEqual([4, 'moved']);
  });

  test('a case that moved on is shown, not done and not dropped; the next step waits, a photo does not; it can be done all the same', async () => {
    central.meanwhile = () => (central.now = { ...central.now, position: 12, unit: 'water' });
    const b = await box();
    await b.add(step('accept'));
    await b.add(step('feed-back'));
    await b.add(photo('p1'));
    await b.flush();
    expect(states(b)).toEqual(['moved', 'waiting', 'sent']);
    expect(b.entries[0]?.now).toMatchObject({ unit: 'water', position: 12 });
    await b.retry('e-accept');
    expect(states(b)).toEqual(['sent', 'sent', 'sent']);
  });

  test('a refusal is kept with its reason until the worker decides', async () => {
    central.fails = [new ApiError(422, 'no', [{ message: '缺少字段' }])];
    const b = await box();
    await b.add(step('accept'));
    await b.flush();
    expect(b.entries[0]).toMatchObject({ state: 'refused', refusal: { status: 422, faults: [{ message: '缺少字段' }] } });
    await b.drop('e-accept');
    expect(b.entries).toEqual([]);
  });

  test('nothing goes under another account, and nobody sees what another one wrote', async () => {
    const b = await box();
    await b.add(step('accept'));
    central.user = 'li';
    await b.flush();
    expect([central.calls.length, b.foreign, ...states(b)]).toEqual([0, true, 'waiting']);
    const other = await box('li');
    await other.flush();
    expect([other.entries.length, other.others, central.calls.length]).toEqual([0, 1, 0]);
    central.user = 'wang';
    await b.flush();
    expect(states(b)).toEqual(['sent']);
  });

  test('two calls at once send once', async () => {
    const b = await box();
    await b.add(step('accept'));
    await Promise.all([b.flush(), b.flush(), b.flush()]);
    expect(central.calls).toEqual(['accept e-accept.0']);
  });

  test('is bounded in number and bytes, over all accounts; what went is listed for a while', async () => {
    const b = await box();
    central.fails = [0];
    for (let i = 0; i < MAX_ENTRIES; i++) await kept.put([{ ...step('accept'), id: `x${i}`, user: 'li', seq: i, round: 0, unsure: false, state: 'waiting' } as Entry]);
    expect(await b.add(step('accept'))).toBe(false);
    expect(fits([], MAX_BYTES + 1)).toBe(false);
    const went = Array.from({ length: MAX_SENT + 3 }, (_, i) => ({ ...step('accept'), id: `s${i}`, user: 'wang', seq: i, round: 0, unsure: false, state: 'sent' }) as Entry);
    expect(surplus(went)).toEqual(['s2', 's1', 's0']);
  });
});

test('what an answer means', () => {
  for (const s of [0, 401, 408, 429, 500, 503]) expect(verdict(s, ''), String(s)).toBe('later');
  expect(verdict(409, 'the same request is still at work')).toBe('later');
  expect([verdict(412, ''), verdict(409, ''), verdict(403, ''), verdict(404, ''), verdict(422, '')]).toEqual(['look', 'refused', 'refused', 'refused', 'refused']);
  expect([backoff(1), backoff(2), backoff(9)]).toEqual([5000, 10_000, 60_000]);
});

test('the next entry is the first of its case that waits; other cases do not wait for it', () => {
  const e = (id: string, caseId: string, seq: number, state: Entry['state']): Entry => ({ ...step('accept'), id, caseId, seq, state, user: 'wang', round: 0, unsure: false });
  expect(nextOf([e('b', 'c1', 2, 'waiting'), e('a', 'c1', 1, 'refused'), e('c', 'c2', 3, 'waiting')])?.id).toBe('c');
  expect(nextOf([e('b', 'c1', 2, 'waiting'), e('a', 'c1', 1, 'waiting')])?.id).toBe('a');
  expect(nextOf([e('a', 'c1', 1, 'sent')])).toBeUndefined();
});

const loop: FullWorkflow = {
  id: 'base', titles: { zh: '', en: '' },
  steps: [{ id: 'dispatch', phase: 'acknowledged' }, { id: 'handle', phase: 'acknowledged' }, { id: 'feedback', phase: 'acknowledged' }].map((s) => ({ ...s, titles: { zh: '', en: '' } })) as FullWorkflow['steps'],
  actions: [
    { id: 'accept', titles: { zh: '接收', en: '' }, from: ['dispatch'], to: 'handle', roles: ['worker'], when: ['of-unit'], may: ['note'], sets: ['assignee', 'handler'] },
    { id: 'progress', titles: { zh: '反馈', en: '' }, from: ['dispatch', 'handle'], roles: ['worker'], when: ['of-units'], needs: ['note'] },
    { id: 'feed-back', titles: { zh: '处理', en: '' }, from: ['handle'], to: 'feedback', roles: ['worker'], when: ['handler'], may: ['note'], marks: ['handled'] },
    { id: 'send-back', titles: { zh: '回退', en: '' }, from: ['dispatch', 'handle'], to: 'dispatch', roles: ['worker'], needs: ['note'], sets: ['free'] },
    { id: 'snooze', titles: { zh: '', en: '' }, roles: ['worker'], needs: ['until'] },
    { id: 'verify', titles: { zh: '', en: '' }, from: ['feedback'], roles: ['verifier'] },
  ],
};
const me = { user: 'wang', role: 'worker', unit: 'fire' };

test('what will be possible once what waits was sent', () => {
  const names = (s: Parameters<typeof possible>[1], who = me) => possible(loop, s, who).map((o) => o.action);
  expect(names(file())).toEqual(['accept', 'progress', 'send-back', 'snooze']);
  expect(names(file(), { ...me, unit: 'water' })).toEqual(['send-back', 'snooze']);
  expect(names(file({ helpers: ['water'] }), { ...me, unit: 'water' })).toContain('progress');
  const then = after(loop, standingOf(file()), 'accept', me);
  expect(then).toMatchObject({ step: 'handle', handler: 'wang', assignee: 'wang' });
  expect(names(then)).toEqual(['progress', 'feed-back', 'send-back', 'snooze']);
  expect(after(loop, then, 'send-back', me)).not.toHaveProperty('handler');
  const offers = possible(loop, then, me);
  expect(offers.filter(formed).map((o) => o.action)).not.toContain('snooze');
  expect([saying(offers)?.action, offers.filter((o) => isResult(loop, o)).map((o) => o.action)]).toEqual(['progress', ['feed-back']]);
});

test('a worker\'s step means the same after further alerts, and not in other hands', () => {
  expect(sameStanding(standingOf(file()), standingOf(file({ position: 99, severity: 'critical', alerts: 7 })))).toBe(true);
  for (const more of [{ step: 'handle' }, { unit: 'water' }, { assignee: 'li' }, { parent: 'c2' }, { state: 'closed' as const }]) {
    expect(sameStanding(standingOf(file()), standingOf(file(more))), JSON.stringify(more)).toBe(false);
  }
});

test('cases: what is due first, then what is graver; the newest words first', () => {
  const due = (id: string, t?: string, severity: Case['severity'] = 'minor') => file({ id, severity, ...(t ? { deadlines: [{ name: 'handle', from: at, due: t }] } : {}) });
  const order = [due('none'), due('grave', undefined, 'critical'), due('late', '2026-11-22T05:00:00Z'), due('soon', '2026-11-22T03:00:00Z')].sort(byUrgency);
  expect(order.map((c) => c.id)).toEqual(['soon', 'late', 'grave', 'none']);
  const e = (position: number, note: string): CaseEvent => ({ position, caseId: 'c1', type: 'stepped', at, note });
  expect(workCase(detail(file(), [e(1, 'a'), e(2, 'b')])).notes).toEqual(['b', 'a']);
});

test('photos are at most two megapixels and never larger than they were', () => {
  const { width, height } = sizeWithin(4000, 3000);
  expect(width * height).toBeLessThanOrEqual(MAX_PIXELS);
  expect(width / height).toBeCloseTo(4 / 3, 2);
  expect(sizeWithin(640, 480)).toEqual({ width: 640, height: 480 });
});
