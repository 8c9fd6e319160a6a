/**
 * The live state of a signed-in console: connection, feed rows, unclosed cases. One per session, so that a page that is left
 * and visited again finds its rows. In: central's lists and feed. Out: a snapshot and a call when it changed.
 */
import { useEffect, useReducer } from 'preact/hooks';
import { api, query } from '../api';
import type { Alert, Case, CaseState, FeedMessage } from '../types';
import { arrive, emptyList, extend, patch, release, reload, type FeedList } from './list';
import { PictureWatch } from './pictures';
import { Stream, type LineState } from './stream';

const PAGE = 60;
const MAX_CASES = 500;
const PROBE_TIMEOUT = 4000;

export class FeedStore {
  list: FeedList = emptyList;
  /** Unclosed cases by id, as far as known; capped says that there are more. */
  cases = new Map<string, Case>();
  capped = false;
  line: LineState = 'connecting';
  lineSince = Date.now();
  loaded = false;
  failed = false;
  holding = false;
  /** Alerts that arrived since the page was last told aloud about them. */
  fresh: Alert[] = [];

  private readonly listeners = new Set<() => void>();
  private readonly taps = new Set<(m: FeedMessage | null) => void>();
  private readonly watch = new PictureWatch();
  private readonly stream: Stream;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private told: ReturnType<typeof setTimeout> | undefined;
  private loading: AbortController | null = null;
  /** Cases that changed while lists were on their way: the lists may be older. */
  private meanwhile: Case[] = [];

  constructor(onSessionOver: () => void) {
    this.stream = new Stream({
      open: (after) => new EventSource(`/v1/feed${query({ after })}`),
      probe: () => probe(onSessionOver),
      message: (m) => this.take(m),
      reload: () => void this.load(),
      state: (s) => this.setLine(s, onSessionOver),
    });
  }

  start(): void {
    void this.load();
    this.stream.start();
  }

  stop(): void {
    this.stream.stop();
    this.loading?.abort();
    clearTimeout(this.timer);
    clearTimeout(this.told);
    this.listeners.clear();
    this.taps.clear();
  }

  subscribe(f: () => void): () => void {
    this.listeners.add(f);
    return () => this.listeners.delete(f);
  }

  /** Calls f with every feed message, and with null when some may have been missed. */
  tap(f: (m: FeedMessage | null) => void): () => void {
    this.taps.add(f);
    return () => this.taps.delete(f);
  }

  /** Sets whether arrivals wait. Ending the hold shows what waited. */
  hold(on: boolean): void {
    if (this.holding === on) return;
    this.holding = on;
    if (!on) this.list = release(this.list);
    this.tell();
  }

  showHeld(): void {
    this.list = release(this.list);
    this.tell();
  }

  async older(): Promise<void> {
    const page = await api.alerts({ limit: PAGE, cursor: this.list.older });
    this.list = extend(this.list, page.items, page.next);
    this.tell();
  }

  awaitsPicture(id: string): boolean {
    return this.watch.has(id);
  }

  /** How the case of an alert stands; undefined for an alert without one, or where too many cases are open to tell. */
  caseState(a: Alert): CaseState | undefined {
    if (a.caseId === '') return undefined;
    return this.cases.get(a.caseId)?.state ?? (this.loaded && !this.capped ? 'closed' : undefined);
  }

  /** Takes over a case that this console has just changed. */
  know(c: Case): void {
    const known = this.cases.get(c.id);
    if (known && known.position > c.position) return;
    if (c.state === 'closed') this.cases.delete(c.id);
    else if (known || this.cases.size < MAX_CASES) this.cases.set(c.id, c);
    else this.capped = true;
    this.tell();
  }

  private take(m: FeedMessage): void {
    this.know(m.case);
    if (this.loading) this.meanwhile.push(m.case);
    if (m.alert) {
      this.list = arrive(this.list, m.alert, this.holding);
      this.fresh = [...this.fresh, m.alert].slice(-MAX_CASES);
      this.watch.track([m.alert], Date.now());
      this.schedulePictures();
    }
    for (const f of this.taps) f(m);
    this.tell();
  }

  private async load(): Promise<void> {
    this.loading?.abort();
    const abort = new AbortController();
    this.loading = abort;
    try {
      const [alerts, open, acknowledged] = await Promise.all([
        api.alerts({ limit: PAGE }, abort.signal),
        api.cases({ state: 'open', limit: MAX_CASES }, abort.signal),
        api.cases({ state: 'acknowledged', limit: MAX_CASES }, abort.signal),
      ]);
      this.list = reload(this.list, alerts.items, alerts.next);
      this.cases = new Map([...acknowledged.items, ...open.items].map((c) => [c.id, c]));
      this.capped = open.next !== '' || acknowledged.next !== '';
      for (const c of this.meanwhile) this.know(c);
      this.loaded = true;
      this.failed = false;
      this.watch.track(this.list.rows, Date.now());
      this.schedulePictures();
      for (const f of this.taps) f(null);
    } catch {
      if (this.loading !== abort) return;
      this.failed = true;
    }
    this.loading = null;
    this.meanwhile = [];
    this.tell();
  }

  retry(): void {
    void this.load();
  }

  private setLine(s: LineState, onSessionOver: () => void): void {
    if (s === 'lost' && this.line !== 'lost') void probe(onSessionOver);
    if (s !== this.line) this.lineSince = Date.now();
    this.line = s;
    this.tell();
  }

  private schedulePictures(): void {
    clearTimeout(this.timer);
    const wait = this.watch.next(Date.now());
    if (wait !== null) this.timer = setTimeout(() => void this.askPictures(), Math.max(wait, 1000));
  }

  /** One question for all rows that wait: the newest page of alerts. */
  private async askPictures(): Promise<void> {
    this.watch.asked(Date.now());
    try {
      const page = await api.alerts({ limit: 200 });
      this.watch.track(page.items.filter((a) => a.evidence.length > 0), Date.now());
      this.list = patch(this.list, page.items);
    } catch {
      // The next question comes by itself; a lost line has its own banner.
    }
    this.schedulePictures();
    this.tell();
  }

  /** Many messages in one breath make one redraw. */
  private tell(): void {
    this.told ??= setTimeout(() => {
      this.told = undefined;
      for (const f of this.listeners) f();
    }, 16);
  }
}

async function probe(onSessionOver: () => void): Promise<boolean> {
  try {
    await api.session(PROBE_TIMEOUT);
    return true;
  } catch (err) {
    const status = (err as { status?: number }).status ?? 0;
    if (status === 401) onSessionOver();
    return status !== 0;
  }
}

/** Redraws the caller whenever the store changed. */
export function useStore(store: FeedStore): void {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => store.subscribe(() => redraw(0)), [store]);
}
