import { describe, expect, test } from 'vitest';
import { ApiError } from '../src/api';
import { LOOK_EVERY, LookSession, type LookCalls, type LookState } from '../src/cameras/looking';
import { refusalOf } from '../src/cameras/refusal';
import { barsOf, zonesOf } from '../src/cameras/trial';
import type { KnownDevice, Look, LookPicture } from '../src/devices/api';
import { bodyOf } from '../src/devices/api';
import { endOf, firstSpan, lifeSafety, longest, modesFor, saysWhy, spansFor, stageOf, targets } from '../src/devices/modes';
import { asked } from '../src/devices/page';
import { bytes, percent } from '../src/devices/parts';
import { dictionaries, wordsOf } from '../src/i18n';
import { errorText } from '../src/problem';
import { AT, device } from './make';

const look = (more: Partial<Look> = {}): Look => ({ id: 'l', camera: 'c', by: 'demo', until: AT, everyMs: 500, pictures: 0, bytes: 0, ...more });
const picture = (n: number): LookPicture => ({ tag: `"${n}"`, jpeg: new Blob([`picture ${n}`]) });

/** Answers in order; an error is thrown. Time goes on only by waiting. */
function rig(answers: (LookPicture | null | Error)[], final: Partial<Look> = {}) {
  const done: string[] = [];
  const seen: LookState[] = [];
  let now = 0;
  const calls: LookCalls = {
    ask: async () => look(),
    picture: async (_, tag) => {
      done.push(`picture ${tag}@${now}`);
      const next = answers.shift();
      if (next === undefined) throw new ApiError(410);
      if (next instanceof Error) throw next;
      return next;
    },
    look: async () => look(final),
    end: async (id) => void done.push(`end ${id}`),
    now: () => now,
    wait: async (ms) => void (now += ms),
  };
  const session = new LookSession(calls, (s) => seen.push(s));
  return { session, done, seen, calls };
}

const ask = { camera: 'c', reason: 'why not', seconds: 60 };

describe('a look', () => {
  test('shows the newest picture, asks for two a second at most, and says why it ended', async () => {
    const { session, done, seen } = rig([picture(1), null, picture(2)], { pictures: 2, bytes: 90, endedAt: AT, cause: 'over' });
    await session.run(ask);
    expect(done).toEqual(['picture @0', `picture "1"@${LOOK_EVERY}`, `picture "1"@${2 * LOOK_EVERY}`, `picture "2"@${3 * LOOK_EVERY}`]);
    expect(seen.map((s) => s.phase).filter((p, i, all) => p !== all[i - 1])).toEqual(['waiting', 'live', 'over']);
    expect(session.state).toMatchObject({ phase: 'over', pictures: 2, bytes: 90, cause: 'over' });
  });
  test('of one picture is over with it', async () => {
    const { session, done } = rig([null, picture(1), picture(2)], { pictures: 1, cause: 'counted' });
    await session.run({ ...ask, count: 1 });
    expect(done).toHaveLength(2);
    expect(session.state).toMatchObject({ phase: 'over', cause: 'counted' });
    expect(session.state.picture).not.toBeNull();
  });
  test('that is stopped ends at central, once, and asks no more', async () => {
    const { session, done, calls } = rig([picture(1), picture(2)]);
    calls.wait = async () => session.stop();
    await session.run(ask);
    session.stop();
    expect(done).toEqual(['picture @0', 'end l']);
    expect(session.state).toMatchObject({ phase: 'over', cause: 'stopped' });
  });
  test('that is given up before central answered is ended as soon as it does', async () => {
    const { session, done } = rig([]);
    const run = session.run(ask);
    session.stop();
    await run;
    expect(done).toEqual(['end l']);
  });
  test('goes on over a failure or two, and not for ever', async () => {
    const away = new ApiError(0);
    const few = rig([away, away, picture(1)], { cause: 'over' });
    await few.session.run(ask);
    expect(few.session.state.phase).toBe('over');
    const many = rig(Array.from({ length: 9 }, () => away));
    await many.session.run(ask);
    expect(many.session.state).toMatchObject({ phase: 'failed', error: away });
    expect(many.done).toHaveLength(5);
  });
});

const smoke: KnownDevice = { ...device('online'), family: 'sensors' };
const camera: KnownDevice = { ...device('streaming'), zones: [{ name: 'gate', mode: 'armed' }, { name: 'yard', mode: 'disarmed' }] };

describe('modes', () => {
  test('a sensor under an order tells its mode, and has no zones to arm', () => {
    const order = { device: 's1', mode: 'walk-test', until: '2026-11-22T16:00:00Z' } as never;
    const [all, ...zones] = targets({ id: 's1', family: 'sensors', zones: [{ name: 'all', mode: 'walk-test' }] } as never, [order]);
    expect(zones).toEqual([]);
    expect(all && stageOf(all)).toBe('in-force');
    expect(targets({ id: 's1', family: 'sensors' } as never, [order]).map(stageOf)).toEqual(['told']);
  });

  test('what may save a life is never disarmed: by the word of the edge, and a sensor unless it says otherwise', () => {
    expect([smoke, { ...smoke, lane: 'normal' }, camera, { ...camera, lane: 'life-safety' }].map(lifeSafety)).toEqual([true, false, false, true]);
    expect(modesFor(smoke)).not.toContain('disarmed');
    expect(modesFor(camera)).toContain('disarmed');
  });
  test('last no longer than central allows', () => {
    for (const d of [smoke, camera]) {
      for (const mode of modesFor(d)) {
        expect(Math.max(...spansFor(d, mode))).toBeLessThanOrEqual(longest(d, mode));
        expect(spansFor(d, mode)).toContain(firstSpan(d, mode));
      }
    }
    expect(spansFor(smoke, 'walk-test').at(-1)).toBe(3600_000);
    expect(Date.parse(endOf(Date.parse(AT), 3600_000)) - Date.parse(AT)).toBeLessThan(3600_000);
  });
  test('are of the whole camera and of each zone, and say how far they have come', () => {
    const order = { device: 'd', zone: 'yard', mode: 'armed' as const, until: AT, by: 'demo', at: AT };
    const [whole, gate, yard] = targets(camera, [order]);
    expect([whole?.mode, gate?.order, yard?.order]).toEqual(['', null, order]);
    expect(stageOf(yard as never)).toBe('sent');
    expect(stageOf({ zone: 'yard', mode: 'armed', order })).toBe('in-force');
    expect(stageOf({ zone: '', mode: '', order })).toBe('told');
  });
  test('a reason says something', () => {
    expect(['', ' ', '12', 'a1', 'ok', '\u65bd\u5de5'].map(saysWhy)).toEqual([false, false, false, false, true, true]);
  });
});

describe('a trial', () => {
  const result = {
    from: '2026-03-04T02:00:00Z', to: '2026-03-04T02:10:00Z', samples: 9,
    would: [{ zone: 'gate', kind: 'motion', from: '2026-03-04T02:05:00Z', to: '2026-03-04T02:06:00Z' }, { zone: 'gate', kind: 'motion', from: '2026-03-04T02:10:00Z', to: '2026-03-04T02:10:00Z' }],
    did: [{ zone: 'alley', kind: 'motion', from: '2026-03-04T01:50:00Z', to: '2026-03-04T02:01:00Z' }],
  };
  test('lies on a line, none too narrow to see and none outside', () => {
    const bars = [...barsOf(result, result.would), ...barsOf(result, result.did)];
    expect(bars[0]).toMatchObject({ x: 0.5, width: expect.closeTo(0.1) });
    expect(bars[2]).toMatchObject({ x: 0, width: expect.closeTo(0.1) });
    for (const b of bars) expect(b.width > 0 && b.x >= 0 && b.x + b.width <= 1.0001).toBe(true);
  });
  test('lists the zones of both', () => expect(zonesOf(result)).toEqual(['alley', 'gate']));
});

test('a drawing is sent without what is empty', () => {
  expect(bodyOf({ zones: [{ name: 'gate', outline: [], minArea: 0, minDurationMs: 0 }], masks: [] })).toEqual({ zones: [{ name: 'gate' }], masks: [] });
});

describe('the list of edges', () => {
  test('asks for devices in trouble, or for those that were looked for', () => {
    expect(asked({}, '')).toMatchObject({ devices: 'unwell', cursor: '', limit: 50 });
    expect(asked({}, '', true)).toMatchObject({ devices: 'matching' });
    expect(asked({ q: 'gate' }, 'c')).toMatchObject({ q: 'gate', devices: 'matching', cursor: 'c' });
    expect(asked({ q: 'gate', trouble: 'yes' }, '')).toMatchObject({ devices: 'unwell' });
    expect(asked({ grid: '99x' }, '').grid).toBeUndefined();
  });
  test('tells sizes and shares', () => {
    expect([0, 999, 1000, 1_234_567, 512e9].map(bytes)).toEqual(['0 B', '999 B', '1.0 kB', '1.2 MB', '512 GB']);
    expect([0, 0.034, 0.5, 1].map(percent)).toEqual(['0 %', '3.4 %', '50 %', '100 %']);
  });
});

describe('refusals', () => {
  const go = Object.values(import.meta.glob('../../../orders/*.go', { query: '?raw', import: 'default', eager: true }) as Record<string, string>).join('\n');
  const said = [...go.matchAll(/refuse\((?:Conflict|TooMany), "([^"]+)"/g)].map((m) => (m[1] as string).replaceAll('%d', '9'));
  test.each(said)('of central are told in both languages: %s', (detail) => {
    if (/arranged at the centre|too many wait/.test(detail)) return expect(refusalOf(detail)).toBeUndefined(); // thousands of them: not from here
    for (const lang of ['zh-CN', 'en'] as const) {
      expect(errorText(wordsOf(lang), new ApiError(409, detail))).toBe(dictionaries[lang][refusalOf(detail) as never]);
    }
  });
  test('there are some', () => expect(said.length).toBeGreaterThan(8));
});
