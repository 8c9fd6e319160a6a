/**
 * The live state of a signed-in console: connection, feed rows, unclosed cases. One per session, so that a page that is left
 * and visited again finds its rows. In: central's lists and feed. Out: a snapshot and a call when it changed.
 */
import { useEffect, useReducer } from 'preact/hooks';
import { api, query } from '../api';
import type { Alert, Case, CaseState, FeedMessage } from '../types';
import { asked, noFilter, passes, same, type FeedFilter } from './filter';
import type { Chain } from './fold';
import { alertsAfter, bySeverity, casesSince, together, type Gap, type Missed } from './gap';
import { FeedList } from './list';
import { PictureWatch } from './pictures';
import { Stream, type LineState } from './stream';

const PAGE = 100;
const OLDER = 500;
const MAX_CASES = 500;
const MAX_FRESH = 500;
const PROBE_TIMEOUT = 2000;
/** A filter that central does not know may leave little of a page: so many rows are looked for, in so many pages. */
const ENOUGH = 30;
const MAX_PAGES = 5;
/** Milliseconds between two redraws. */
const REDRAW = 33;
const AGAIN = 3000;

export class FeedStore {
  list = new FeedList();
  filter: FeedFilter = noFilter;
  /** Unclosed cases by id, as far as known; capped says that there are more. */
  cases = new Map<string, Case>();
  capped = false;
  line: LineState = 'connecting';
  lineSince = Date.now();
  loaded = false;
  failed = false;
  holding = false;
  /** What came while the connection was lost, until somebody has read it. */
  missed: Missed | null = null;
  /** Alerts that arrived since the page was last told aloud about them. */
  fresh: Alert[] = [];

  private readonly listeners = new Set<() => void>();
  private readonly taps = new Set<(m: FeedMessage | null) => void>();
  private readonly watch = new PictureWatch();
  private readonly stream: Stream;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private told: ReturnType<typeof setTimeout> | undefined;
  private retrying: ReturnType<typeof setTimeout> | undefined;
  private loading: AbortController | null = null;
  private catching: AbortController | null = null;
  /** The newest that is known, by central's position and clock. */
  private seen = { position: 0, at: '' };
  private gap: (Gap & { lost: boolean }) | null = null;
  /** Cases that changed while lists were on their way: the lists may be older. */
  private meanwhile: Case[] = [];

  constructor(onSessionOver: () => void) {
    this.stream = new Stream({
      open: (after) => new EventSource(`/v1/feed${query({ after })}`),
      probe: () => probe(onSessionOver),
      message: (m) => this.take(m),
      reload: () => this.refresh(),
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
    this.catching?.abort();
    for (const t of [this.timer, this.told, this.retrying]) clearTimeout(t);
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
    if (!on) this.showHeld();
    this.tell();
  }

  showHeld(): void {
    if (!this.list.release()) void this.load();
    this.tell();
  }

  /** Shows what passes a filter, from the newest on. */
  setFilter(f: FeedFilter): void {
    if (same(f, this.filter)) return;
    this.filter = f;
    this.list = new FeedList();
    this.loaded = false;
    this.tell();
    void this.load();
  }

  async older(): Promise<void> {
    const { list } = this;
    const page = await this.gather(list.older, OLDER);
    if (list !== this.list) return;
    list.extend(page.items, page.next);
    this.tell();
  }

  /** Shows or hides the alerts of a folded row. */
  readonly toggle = (chain: Chain): void => {
    this.list.unfold(chain, !chain.open);
    this.tell();
  };

  /** Whoever sits here has read what was missed. */
  readMissed(): void {
    this.missed = null;
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
    if (this.loading || this.catching) this.meanwhile.push(m.case);
    this.note(m.event.at, m.alert?.position);
    if (m.alert) this.takeAlert(m.alert);
    for (const f of this.taps) f(m);
    this.tell();
  }

  private takeAlert(a: Alert): void {
    if (!passes(a, this.filter)) return;
    if (this.list.arrive(a, this.holding) && this.fresh.length < MAX_FRESH) this.fresh.push(a);
    this.watch.track([a], Date.now());
    this.schedulePictures();
  }

  private note(at: string, position = 0): void {
    this.seen = { position: Math.max(this.seen.position, position), at: this.seen.at === '' || Date.parse(at) > Date.parse(this.seen.at) ? at : this.seen.at };
  }

  /** Alerts that pass the filter, newest first from a cursor on; enough of them, if that does not take too many pages. */
  private async gather(cursor: string, limit: number, signal?: AbortSignal): Promise<{ items: Alert[]; next: string }> {
    const { filter } = this;
    const items: Alert[] = [];
    let next = cursor;
    for (let n = 0; n < MAX_PAGES; n++) {
      const page = await api.alerts({ ...asked(filter), limit, cursor: next }, signal);
      items.push(...page.items.filter((a) => passes(a, filter)));
      next = page.next;
      if (next === '' || items.length >= ENOUGH) break;
    }
    return { items, next };
  }

  private async load(): Promise<void> {
    this.loading?.abort();
    const abort = new AbortController();
    this.loading = abort;
    try {
      const [page, cases] = await Promise.all([this.gather('', PAGE, abort.signal), openCases(abort.signal)]);
      if (abort.signal.aborted) return;
      this.begin(page.items, page.next);
      this.takeCases(cases);
      this.loaded = true;
      this.failed = false;
      for (const f of this.taps) f(null);
    } catch {
      if (this.loading !== abort) return;
      this.failed = true;
    }
    this.loading = null;
    if (!this.catching) this.meanwhile = [];
    this.tell();
  }

  /** Starts the list anew from the newest page, and keeps what arrived after it. */
  private begin(page: readonly Alert[], older: string): void {
    const after = this.list.newerThan(page[0]?.position ?? 0).filter((a) => passes(a, this.filter));
    this.list = new FeedList();
    this.list.extend(page, older);
    for (const a of after) this.list.arrive(a, false);
    for (const a of page) this.note(a.receivedAt, a.position);
    this.watch.track(page, Date.now());
    this.schedulePictures();
  }

  private takeCases({ items, capped }: { items: readonly Case[]; capped: boolean }): void {
    this.cases = new Map(items.map((c) => [c.id, c]));
    this.capped = capped;
    for (const c of this.meanwhile) this.know(c);
  }

  /** Central may have told what this page did not hear. */
  private refresh(): void {
    if (!this.loaded) return void this.load();
    this.gap ??= { ...this.gapNow(), lost: false };
    void this.catchUp(true);
  }

  private gapNow(): Gap {
    return { after: this.seen.position, since: this.seen.at || new Date().toISOString(), from: Date.now() };
  }

  /** Reads what came after the gap began, and says what that was if the connection had been lost. */
  private async catchUp(withCases: boolean): Promise<void> {
    const { gap } = this;
    if (!gap) return;
    this.catching?.abort();
    const { signal } = (this.catching = new AbortController());
    try {
      const [alerts, opened, cases] = await Promise.all([
        alertsAfter(gap.after, signal), gap.lost ? casesSince(gap.since, signal) : null, withCases ? openCases(signal) : null,
      ]);
      if (signal.aborted) return;
      this.gap = null;
      for (const a of alerts.items.reverse()) this.takeMissed(a);
      if (cases) this.takeCases(cases);
      if (!alerts.whole) void this.load();
      if (opened && alerts.items.length + opened.items.length > 0) {
        this.missed = together(this.missed, {
          from: gap.from, to: Date.now(), after: gap.after, alerts: bySeverity(alerts.items), cases: bySeverity(opened.items), more: !alerts.whole || !opened.whole,
        });
      }
      for (const f of this.taps) f(null);
    } catch {
      if (!signal.aborted) this.retrying = setTimeout(() => void this.catchUp(withCases), AGAIN);
    }
    if (this.catching?.signal !== signal) return;
    this.catching = null;
    if (!this.loading) this.meanwhile = [];
    this.tell();
  }

  private takeMissed(a: Alert): void {
    this.note(a.receivedAt, a.position);
    this.takeAlert(a);
  }

  /** Asks again for what could not be read, or for cases that moved on. */
  retry(): void {
    if (this.loaded) this.refresh();
    else void this.load();
  }

  private setLine(s: LineState, onSessionOver: () => void): void {
    if (s === 'lost' && this.line !== 'lost') {
      void probe(onSessionOver);
      this.catching?.abort();
      clearTimeout(this.retrying);
      this.gap = { ...(this.gap ?? this.gapNow()), lost: true };
    }
    if (s !== this.line) this.lineSince = Date.now();
    this.line = s;
    if (s === 'live' && this.gap) void this.catchUp(false);
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
      const page = await api.alerts({ ...asked(this.filter), limit: 200 });
      this.watch.track(page.items.filter((a) => a.evidence.length > 0), Date.now());
      this.list.patch(page.items);
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
    }, REDRAW);
  }
}

/** The unclosed cases, as many as are kept. */
async function openCases(signal: AbortSignal): Promise<{ items: Case[]; capped: boolean }> {
  const [open, acknowledged] = await Promise.all([api.cases({ state: 'open', limit: MAX_CASES }, signal), api.cases({ state: 'acknowledged', limit: MAX_CASES }, signal)]);
  return { items: [...acknowledged.items, ...open.items], capped: open.next !== '' || acknowledged.next !== '' };
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
