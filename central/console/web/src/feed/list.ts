/**
 * The rows of the live feed: newest first by position in central's alert log, each alert once, chains that flap folded. One alert costs
 * a binary search, however many there are. In: alerts in any order. Out: the row at an index.
 *
 * While someone reads (holding), arrivals wait and touch no row.
 */
import type { Alert } from '../types';
import { below, Chain, MAX_FOLD, seriesOf } from './fold';

/** How many alerts are kept in all: 85 MB at the 700 bytes that one takes (dev/scroll.mjs), more with pictures. The oldest go first, some at a time. */
export const MAX_ROWS = 120_000;
const SLACK = 1000;
/** How many may wait. */
export const MAX_HELD = 20_000;

/** One row: an alert, or the newest of a folded chain, or (nth > 0) the nth newest of one that is unfolded. */
export interface RowAt {
  alert: Alert;
  fold: Chain | null;
  nth: number;
}

export class FeedList {
  /** What waits, by id, in the order of arrival. */
  readonly held = new Map<string, Alert>();
  /** More arrived than may wait: what is not here must be asked for. */
  overflow = false;
  /** Cursor of the alerts before the last row; empty where there are none. */
  older = '';
  /** Older rows were dropped to keep within bounds. */
  full = false;

  /** The alert of each row, oldest first. */
  private order: Alert[] = [];
  private readonly chains = new Map<string, Chain>();
  private readonly series = new Map<string, { newest: Chain; oldest: Chain }>();
  private readonly over = new Set<string>();
  private readonly words = new Map<string, string>();
  private unfolded: Chain[] = [];
  /** While a page of older alerts comes in: the chains that began in it. Rows that are shown are not folded then. */
  private batch: Set<Chain> | null = null;
  /** Rows of that page which go below all others, newest first. */
  private below: Alert[] = [];
  private floor = -1;

  constructor(private readonly max = MAX_ROWS, private readonly maxHeld = MAX_HELD) {}

  /** How many rows there are. */
  get length(): number {
    return this.unfolded.reduce((n, c) => n + c.alerts.length - 1, this.order.length);
  }

  /** How many alerts are kept. */
  get size(): number {
    return this.chains.size;
  }

  has(id: string): boolean {
    return this.chains.has(id) || this.held.has(id);
  }

  /** Whether the situation that an alert raised has ended. */
  isOver(a: Alert): boolean {
    return a.state === 'raised' && a.situation !== undefined && this.over.has(a.situation);
  }

  /** The row at an index from the top. */
  at(index: number): RowAt | null {
    let more = 0;
    for (const { top, chain } of this.layout()) {
      const into = index - more - top;
      if (into <= 0) break;
      const extra = chain.alerts.length - 1;
      if (into <= extra) return { alert: chain.alerts[extra - into] as Alert, fold: chain, nth: into };
      more += extra;
    }
    const alert = this.order[this.order.length - 1 - (index - more)];
    if (!alert) return null;
    const chain = this.chains.get(alert.id) as Chain;
    return { alert, fold: chain.folded ? chain : null, nth: 0 };
  }

  /** The index of the row that shows an alert; -1 if none does. */
  indexOf(id: string): number {
    const chain = this.chains.get(id);
    if (!chain) return -1;
    const alert = chain.alerts.find((a) => a.id === id) as Alert;
    const row = chain.folded ? chain.head : alert;
    const top = this.order.length - 1 - below(this.order, row.position);
    const above = this.unfolded.filter((c) => c.head.position > row.position).reduce((n, c) => n + c.alerts.length - 1, 0);
    return top + above + (chain.folded && chain.open ? chain.alerts.length - 1 - chain.alerts.indexOf(alert) : 0);
  }

  /** An alert as it was last told. */
  get(id: string): Alert | undefined {
    return this.chains.get(id)?.alerts.find((a) => a.id === id) ?? this.held.get(id);
  }

  /** Takes one alert in; one that is there is replaced (it has pictures now, or was sent twice). True if it is new. */
  arrive(a: Alert, holding: boolean): boolean {
    if (this.chains.has(a.id)) return this.swap(a);
    const held = this.held.get(a.id);
    if (held) this.held.set(a.id, newer(held, a));
    else if (!holding) this.insert(a);
    else if (this.held.size < this.maxHeld) this.held.set(a.id, a);
    else this.overflow = true;
    return held === undefined;
  }

  /** Moves what waited into the rows. False if more arrived than could wait: the list has a hole then. */
  release(): boolean {
    for (const a of this.held.values()) this.insert(a);
    this.held.clear();
    const whole = !this.overflow;
    this.overflow = false;
    return whole;
  }

  /** Adds a page of older alerts below the rows, which stay as they are. */
  extend(page: readonly Alert[], older: string): void {
    this.older = older;
    this.batch = new Set();
    for (const a of page) this.arrive(a, false);
    this.batch = null;
    this.order = [...this.below.reverse(), ...this.order];
    this.below = [];
    this.bound();
  }

  /** Takes over the pictures of alerts that are here; everything else of them never changes. */
  patch(fresh: readonly Alert[]): void {
    for (const a of fresh) if (a.evidence.length > 0 && this.has(a.id)) this.arrive(a, true);
  }

  /** Shows or hides the alerts of a folded chain. */
  unfold(chain: Chain, open: boolean): void {
    chain.open = open && chain.folded;
    this.unfolded = this.unfolded.filter((c) => c !== chain);
    if (chain.open) this.unfolded.push(chain);
  }

  /** The newest alerts that are kept or wait, at most so many; for what must go on after a new start. */
  newerThan(position: number): Alert[] {
    const kept: Alert[] = [];
    for (let i = this.order.length - 1; i >= 0 && (this.order[i] as Alert).position > position; i--) {
      const row = this.order[i] as Alert;
      const chain = this.chains.get(row.id) as Chain;
      kept.push(...(chain.folded ? chain.alerts : [row]).filter((a) => a.position > position));
    }
    return [...kept, ...[...this.held.values()].filter((a) => a.position > position)];
  }

  private insert(a: Alert): void {
    if (a.position <= this.floor) return;
    this.intern(a);
    if (a.state === 'cleared' && a.situation) this.over.add(a.situation);
    const chain = this.chainOf(a);
    if (chain.folded) {
      this.removeRow(chain.head);
      chain.add(a);
      this.chains.set(a.id, chain);
      this.boundChain(chain);
      this.insertRow(chain.head);
    } else {
      chain.add(a);
      this.chains.set(a.id, chain);
      this.insertRow(a);
      if (chain.flaps()) this.fold(chain);
    }
    if (!this.batch) this.bound();
  }

  private fold(chain: Chain): void {
    for (const a of chain.alerts) this.removeRow(a);
    chain.folded = true;
    this.insertRow(chain.head);
  }

  private boundChain(chain: Chain): void {
    while (chain.alerts.length > MAX_FOLD) {
      const oldest = chain.alerts.shift() as Alert;
      this.chains.delete(oldest.id);
      if (oldest.situation) this.over.delete(oldest.situation);
    }
  }

  /** The chain that a new alert belongs to: the newest or the oldest of its series, or one of its own. */
  private chainOf(a: Alert): Chain {
    const name = seriesOf(a);
    const at = Date.parse(a.occurredAt);
    const known = this.series.get(name);
    for (const chain of known ? [known.newest, known.oldest] : []) {
      const open = chain.folded || !this.batch || this.batch.has(chain);
      if (open && chain.alerts.length > 0 && chain.takes(at)) return chain;
    }
    const chain = new Chain();
    this.batch?.add(chain);
    if (!known) this.series.set(this.word(name), { newest: chain, oldest: chain });
    else if (known.newest.alerts.length === 0 || a.position > known.newest.head.position) known.newest = chain;
    else known.oldest = chain;
    return chain;
  }

  private swap(a: Alert): false {
    const chain = this.chains.get(a.id) as Chain;
    const old = chain.alerts.find((o) => o.id === a.id);
    if (!old || old === a || newer(old, a) === old) return false;
    this.intern(a);
    chain.swap(a);
    const row = below(this.order, a.position);
    if (this.order[row]?.id === a.id) this.order[row] = a;
    return false;
  }

  private insertRow(a: Alert): void {
    const last = this.order[this.order.length - 1];
    const lowest = this.below[this.below.length - 1] ?? this.order[0];
    if (this.batch && lowest && a.position < lowest.position) this.below.push(a);
    else if (!last || last.position < a.position) this.order.push(a);
    else this.order.splice(below(this.order, a.position), 0, a);
  }

  private removeRow(a: Alert): void {
    const i = below(this.order, a.position);
    if (this.order[i]?.id === a.id) this.order.splice(i, 1);
    else if (this.batch) this.below = this.below.filter((b) => b !== a);
  }

  /** Drops the oldest rows. */
  private bound(): void {
    if (this.chains.size <= this.max + Math.min(SLACK, this.max)) return;
    let rows = 0;
    while (this.chains.size > this.max && rows < this.order.length - 1) this.forget(this.order[rows++] as Alert);
    this.order.splice(0, rows);
    this.older = '';
    this.full = true;
  }

  private forget(row: Alert): void {
    const chain = this.chains.get(row.id) as Chain;
    for (const a of chain.folded ? [...chain.alerts] : [row]) {
      this.floor = Math.max(this.floor, a.position);
      this.chains.delete(a.id);
      chain.drop(a);
      if (a.state === 'cleared' && a.situation) this.over.delete(a.situation);
    }
    if (chain.alerts.length > 0) return;
    this.unfolded = this.unfolded.filter((c) => c !== chain);
    const name = seriesOf(row);
    const known = this.series.get(name);
    if (known?.newest === chain) this.series.delete(name);
    else if (known?.oldest === chain) known.oldest = known.newest;
  }

  /** Where the unfolded chains stand, from the top, counted in rows without those that are unfolded. */
  private layout(): { top: number; chain: Chain }[] {
    return this.unfolded.map((chain) => ({ top: this.order.length - 1 - below(this.order, chain.head.position), chain })).sort((a, b) => a.top - b.top);
  }

  /** Keeps one copy of what many alerts say alike. */
  private intern(a: Alert): void {
    a.source = this.word(a.source);
    a.edge = this.word(a.edge);
    a.device = this.word(a.device);
    a.key = this.word(a.key);
    a.grid = this.word(a.grid);
    a.origin = this.word(a.origin);
    if (a.zone) a.zone = this.word(a.zone);
    if (a.caseId) a.caseId = this.word(a.caseId);
  }

  private word(text: string): string {
    const known = this.words.get(text);
    if (known !== undefined) return known;
    if (this.words.size >= MAX_WORDS) this.words.clear();
    this.words.set(text, text);
    return text;
  }
}

const MAX_WORDS = 20_000;

const newer = (old: Alert, fresh: Alert): Alert => (fresh.evidence.length >= old.evidence.length ? fresh : old);
