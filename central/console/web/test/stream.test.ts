import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { QUIET, Stream, TICK } from '../src/feed/stream';
import { aCase, event } from './make';

/** An EventSource moved by hand. */
class Line extends EventTarget {
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSED = 2;
  readyState = 0;
  constructor(readonly after: string) {
    super();
  }
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  opens() {
    this.readyState = 1;
    this.onopen?.();
  }
  breaks(state: 0 | 2) {
    this.readyState = state;
    this.onerror?.();
  }
  says(type: string, data: string, lastEventId = '') {
    this.dispatchEvent(new MessageEvent(type, { data, lastEventId }));
  }
  close() {
    this.readyState = 2;
  }
}

const lines: Line[] = [];
const told = { message: vi.fn(), reload: vi.fn(), state: vi.fn() };
const probe = vi.fn(async () => true);
let stream: Stream;
const last = () => lines[lines.length - 1] as Line;
const message = JSON.stringify({ event: event('opened'), case: aCase(), alert: null });

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  lines.length = 0;
  stream = new Stream({
    open: (after) => {
      lines.push(new Line(after));
      return last() as unknown as EventSource;
    },
    probe, ...told, random: () => 0.5,
  });
  stream.start();
});
afterEach(() => {
  stream.stop();
  vi.useRealTimers();
});

describe('the stream', () => {
  test('loads the lists when it opens and hands messages on', () => {
    last().opens();
    expect(told.state).toHaveBeenLastCalledWith('live');
    expect(told.reload).toHaveBeenCalledTimes(1);
    last().says('case', message, '7');
    expect(told.message).toHaveBeenCalledWith(JSON.parse(message));
  });

  test('a broken line that the browser resumes by id loads nothing again', () => {
    last().opens();
    last().says('case', message, '7');
    last().breaks(0);
    expect(told.state).toHaveBeenLastCalledWith('lost');
    last().opens();
    expect(told.state).toHaveBeenLastCalledWith('live');
    expect(told.reload).toHaveBeenCalledTimes(1);
    expect(lines).toHaveLength(1);
  });

  test('a broken line that had no id yet loads again', () => {
    last().opens();
    last().breaks(0);
    last().opens();
    expect(told.reload).toHaveBeenCalledTimes(2);
  });

  test('a refused line is opened anew after the last position, with doubling waits', () => {
    last().opens();
    last().says('case', message, '7');
    last().breaks(2);
    vi.advanceTimersByTime(999);
    expect(lines).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(lines).toHaveLength(2);
    last().breaks(2);
    vi.advanceTimersByTime(1999);
    expect(lines).toHaveLength(2);
    vi.advanceTimersByTime(1);
    last().opens();
    expect(last().after).toBe('7');
    expect(told.reload).toHaveBeenCalledTimes(1);
  });

  test('a line that is opened anew without a position loads again', () => {
    last().opens();
    last().breaks(2);
    vi.advanceTimersByTime(1000);
    last().opens();
    expect(last().after).toBe('');
    expect(told.reload).toHaveBeenCalledTimes(2);
  });

  test('reset, and a message that cannot be read, load again', () => {
    last().opens();
    last().says('reset', '{"position":9}');
    last().says('case', '{"cut', '8');
    expect(told.reload).toHaveBeenCalledTimes(3);
    expect(told.message).not.toHaveBeenCalled();
  });

  test('a silent line that still answers is left alone', async () => {
    last().opens();
    await vi.advanceTimersByTimeAsync(3 * QUIET);
    expect(probe).toHaveBeenCalledTimes(3);
    expect(lines).toHaveLength(1);
  });

  test('a line that speaks is not asked about', async () => {
    last().opens();
    for (let n = 1; n < 10; n++) {
      await vi.advanceTimersByTimeAsync(QUIET - TICK);
      last().says('case', message, String(n));
    }
    expect(probe).not.toHaveBeenCalled();
  });

  test('a silent line without an answer is given up, soon enough to tell within five seconds', async () => {
    last().opens();
    probe.mockResolvedValueOnce(false);
    await vi.advanceTimersByTimeAsync(QUIET + TICK);
    expect(told.state).toHaveBeenLastCalledWith('lost');
    await vi.advanceTimersByTimeAsync(1000);
    expect(lines).toHaveLength(2);
    expect(QUIET + TICK + 2000 + 500).toBeLessThan(5000); // silence, the look, the probe's own time, the banner's grace
  });

  test('opens nothing after it was stopped', () => {
    last().breaks(2);
    stream.stop();
    vi.advanceTimersByTime(60_000);
    expect(lines).toHaveLength(1);
  });
});
