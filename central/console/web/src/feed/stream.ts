/**
 * The connection to central's feed (server-sent events). In: an EventSource. Out: messages, "reload" when messages may have
 * been missed, and whether the connection stands.
 *
 * The browser resumes by Last-Event-ID after a broken line by itself. It does not after a refusal, and it does not notice a
 * line that is dead without a word; for those this opens a new EventSource after the last position. Before the first message
 * there is no position to go on from: then it says reload.
 */
import { readMessage } from '../api';
import type { FeedMessage } from '../types';

export type LineState = 'connecting' | 'live' | 'lost';

export interface StreamOptions {
  /** Opens a line that tells what comes after a position, or from now on where it is empty. */
  open(after: string): EventSource;
  /** Asks central for a sign of life; false for no answer. A dead session is dealt with inside. */
  probe(): Promise<boolean>;
  message(m: FeedMessage): void;
  /** What the page shows may be out of date: load it again. */
  reload(): void;
  state(s: LineState): void;
  /** Jitter, 0 to 1. */
  random?(): number;
}

/** A line that said nothing for QUIET is asked about, looked at every TICK, in milliseconds: a dead one is known within QUIET, TICK and the probe's own time. */
export const QUIET = 1500;
export const TICK = 500;
/** While nobody looks, a silent line costs less. */
export const QUIET_HIDDEN = 10_000;
const FIRST_WAIT = 1000;
const MAX_WAIT = 15_000;

export class Stream {
  private source: EventSource | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private prober: ReturnType<typeof setInterval> | undefined;
  private wait = FIRST_WAIT;
  private position = '';
  private heardAt = 0;
  private probing = false;

  constructor(private readonly options: StreamOptions) {}

  start(): void {
    this.connect();
    this.prober = setInterval(() => void this.probe(), TICK);
  }

  stop(): void {
    clearTimeout(this.timer);
    clearInterval(this.prober);
    this.source?.close();
    this.source = null;
  }

  private connect(): void {
    const source = this.options.open(this.position);
    this.source = source;
    source.onopen = () => this.opened();
    source.onerror = () => this.broke(source);
    source.addEventListener('case', (e) => this.took(e as MessageEvent<string>));
    source.addEventListener('reset', (e) => this.reset(e as MessageEvent<string>));
  }

  private opened(): void {
    this.heardAt = Date.now();
    this.wait = FIRST_WAIT;
    this.options.state('live');
    if (this.position === '') this.options.reload();
  }

  private took(e: MessageEvent<string>): void {
    this.heardAt = Date.now();
    this.position = e.lastEventId;
    let message: FeedMessage;
    try {
      message = readMessage(e.data);
    } catch {
      this.options.reload();
      return;
    }
    this.options.message(message);
  }

  /** Too much was missed to be told one by one. */
  private reset(e: MessageEvent<string>): void {
    this.heardAt = Date.now();
    this.position = e.lastEventId;
    this.options.reload();
  }

  private broke(source: EventSource): void {
    this.options.state('lost');
    if (source.readyState === source.CLOSED) this.again();
  }

  /** Opens a new line after a while; the waits double, with jitter. */
  private again(): void {
    this.source?.close();
    this.source = null;
    clearTimeout(this.timer);
    const random = this.options.random ?? Math.random;
    this.timer = setTimeout(() => this.connect(), this.wait * (0.75 + 0.5 * random()));
    this.wait = Math.min(this.wait * 2, MAX_WAIT);
  }

  /** A silent line is asked about; without an answer it is dead, whatever the browser thinks of it. */
  private async probe(): Promise<void> {
    const source = this.source;
    const quiet = globalThis.document?.hidden ? QUIET_HIDDEN : QUIET;
    if (Date.now() - this.heardAt < quiet || this.probing || !source || source.readyState !== source.OPEN) return;
    this.probing = true;
    const alive = await this.options.probe();
    this.probing = false;
    if (this.source !== source) return;
    if (alive) {
      this.heardAt = Date.now();
      return;
    }
    this.options.state('lost');
    this.again();
  }
}
