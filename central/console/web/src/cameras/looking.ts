/**
 * A look at a camera as it is now. In: a reason and how long. Out: the newest redacted picture, what it costs the uplink, and why it ended.
 * It keeps no picture but the newest, asks for at most two a second, and ends with [LookSession.stop].
 */
import { ApiError } from '../api';
import type { Look, LookAsked, LookPicture } from '../devices/api';

/** The least time between two pictures, as in protocols/ingest. */
export const LOOK_EVERY = 500;
/** How long may be looked, in seconds. */
export const LOOK_SPANS = [30, 60, 120, 300] as const;
const TALLY_EVERY = 2000;
const TRIES = 5;

export interface LookCalls {
  ask(asked: LookAsked): Promise<Look>;
  picture(id: string, tag: string, signal: AbortSignal): Promise<LookPicture | null>;
  look(id: string, signal: AbortSignal): Promise<Look>;
  end(id: string): Promise<void>;
  now(): number;
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export interface LookState {
  phase: 'asking' | 'waiting' | 'live' | 'over' | 'failed';
  look: Look | null;
  picture: Blob | null;
  /** Pictures and bytes that the edge sent. */
  pictures: number;
  bytes: number;
  cause: string;
  error: unknown;
}

const FIRST: LookState = { phase: 'asking', look: null, picture: null, pictures: 0, bytes: 0, cause: '', error: null };

export class LookSession {
  state = FIRST;
  private readonly abort = new AbortController();
  private told = 0;

  constructor(private readonly calls: LookCalls, private readonly onChange: (s: LookState) => void) {}

  /** Runs until the look is over; never fails. */
  async run(asked: LookAsked): Promise<void> {
    try {
      const look = await this.calls.ask(asked);
      if (this.abort.signal.aborted) {
        await this.calls.end(look.id);
        return;
      }
      this.set({ look, phase: 'waiting' });
      await this.follow(look.id, asked.count ?? 0);
    } catch (error) {
      if (!this.abort.signal.aborted) this.set({ phase: 'failed', error });
    }
  }

  /** Ends the look; whoever runs it hears no more of it. */
  stop(cause = 'stopped'): void {
    if (this.abort.signal.aborted) return;
    this.abort.abort();
    const { look, phase } = this.state;
    if (look && phase !== 'over') void this.calls.end(look.id);
    if (phase !== 'failed') this.set({ phase: 'over', cause });
  }

  private set(more: Partial<LookState>): void {
    this.state = { ...this.state, ...more };
    this.onChange(this.state);
  }

  private async follow(id: string, count: number): Promise<void> {
    const { signal } = this.abort;
    let tag = '';
    for (let failed = 0; !signal.aborted; ) {
      const since = this.calls.now();
      try {
        const got = await this.calls.picture(id, tag, signal);
        failed = 0;
        if (got) {
          tag = got.tag;
          this.set({ phase: 'live', picture: got.jpeg });
          if (count === 1) return await this.ended(id);
        }
        await this.tally(id);
      } catch (err) {
        if (signal.aborted) return;
        if (err instanceof ApiError && (err.status === 404 || err.status === 410)) return await this.ended(id);
        if (++failed >= TRIES) throw err;
      }
      await this.calls.wait(Math.max(0, LOOK_EVERY - (this.calls.now() - since)), signal);
    }
  }

  /** What it cost, now and then. */
  private async tally(id: string): Promise<void> {
    if (this.calls.now() - this.told < TALLY_EVERY && this.state.pictures > 0) return;
    this.told = this.calls.now();
    const look = await this.calls.look(id, this.abort.signal);
    this.set({ look, pictures: look.pictures, bytes: look.bytes });
  }

  private async ended(id: string): Promise<void> {
    const look = await this.calls.look(id, this.abort.signal).catch(() => this.state.look);
    this.set({ phase: 'over', look, pictures: look?.pictures ?? 0, bytes: look?.bytes ?? 0, cause: look?.cause ?? 'over' });
  }
}

/** Resolves after so long, or at once when the signal is given. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
