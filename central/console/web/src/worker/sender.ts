/**
 * Sends what waits, in order, once. In: entries of one account, a way to central. Out: a list that says of each where it stands.
 *
 * Before every entry it asks who is signed in, and sends nothing for anybody else. Only one page of a browser sends at a time.
 */
import { ApiError } from '../api';
import type { Case, CaseDetail } from '../types';
import type { Keep } from './keep';
import { doneBy, fits, MAX_ROUNDS, nextOf, pending, rebased, sameStanding, sent, standingOf, stuck, surplus, unsureAfter, verdict, type Entry } from './outbox';

export interface Wire {
  /** The account that central knows this browser by. */
  account(): Promise<string>;
  step(e: Entry): Promise<Case>;
  photo(e: Entry): Promise<void>;
  look(caseId: string): Promise<CaseDetail>;
}

/** Runs f unless another page of this browser is at it. */
export type Lock = (f: () => Promise<void>) => Promise<void>;

/** Milliseconds before the next try after so many that failed. */
export const backoff = (failed: number): number => Math.min(60_000, 5_000 * 2 ** Math.max(0, failed - 1));

export class Outbox {
  entries: readonly Entry[] = [];
  /** How many entries of other accounts wait on this telephone. */
  others = 0;
  /** Another account is signed in: this page may send nothing. */
  foreign = false;
  failed = 0;
  /** Where the cases of steps that went stood afterwards: newer than a list that is still on its way. */
  readonly latest = new Map<string, Entry['seen']>();
  private readonly listeners = new Set<() => void>();
  private running: Promise<void> | null = null;
  private again = false;
  /** How often an entry was taken to a newer state of its case at this go. */
  private readonly rounds = new Map<string, number>();

  constructor(readonly user: string, private readonly keep: Keep, private readonly wire: Wire, private readonly lock: Lock) {}

  subscribe(f: () => void): () => void {
    this.listeners.add(f);
    return () => this.listeners.delete(f);
  }

  async load(): Promise<void> {
    const all = await this.keep.entries();
    this.entries = all.filter((e) => e.user === this.user).sort((a, b) => a.seq - b.seq);
    this.others = all.filter((e) => e.user !== this.user && e.state !== 'sent').length;
    for (const f of this.listeners) f();
  }

  /** Keeps an entry; false: there is no more room. */
  async add(e: Omit<Entry, 'user' | 'seq' | 'round' | 'unsure' | 'state'>): Promise<boolean> {
    const all = await this.keep.entries();
    if (!fits(all, e.bytes)) return false;
    const seq = all.reduce((most, o) => Math.max(most, o.seq), 0) + 1;
    await this.keep.put([{ ...e, user: this.user, seq, round: 0, unsure: false, state: 'waiting' }]);
    await this.load();
    return true;
  }

  /** Sends one that was refused again: on the newest state of its case, if it had moved on. */
  async retry(id: string): Promise<void> {
    const e = this.entries.find((x) => x.id === id);
    if (!e || !stuck(e)) return;
    const { refusal: _, now, ...rest } = e;
    await this.save({ ...rest, seen: now ?? e.seen, round: e.round + 1, unsure: false, state: 'waiting' });
    return this.flush();
  }

  async drop(id: string): Promise<void> {
    if (!this.entries.some((e) => e.id === id && e.state !== 'sending')) return;
    await this.keep.remove([id]);
    await this.load();
    return this.flush();
  }

  /** Sends what can be sent. A call while one is at work is done after it. */
  flush(): Promise<void> {
    this.again = true;
    this.running ??= this.work().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  private async work(): Promise<void> {
    while (this.again) {
      this.again = false;
      await this.lock(() => this.round());
    }
  }

  private async round(): Promise<void> {
    this.rounds.clear();
    await this.load();
    for (let e = nextOf(this.entries); e; e = nextOf(this.entries)) {
      if (!(await this.one(e))) return;
    }
    await this.keep.remove(surplus(this.entries));
    await this.load();
  }

  /** Sends one; false: not now. */
  private async one(e: Entry): Promise<boolean> {
    const was = e.unsure || e.state === 'sending';
    try {
      if ((await this.wire.account()) !== this.user) {
        this.foreign = true;
        for (const f of this.listeners) f();
        return false;
      }
      this.foreign = false;
      await this.save({ ...e, state: 'sending' });
      const result = e.body ? await this.wire.step(e) : await this.wire.photo(e);
      await this.went(e, result ?? undefined);
      return true;
    } catch (err) {
      return this.lost(e, was, err instanceof ApiError ? err : new ApiError(0, String(err)));
    }
  }

  private async went(e: Entry, result?: Case): Promise<void> {
    this.failed = 0;
    if (result) this.latest.set(e.caseId, standingOf(result));
    await this.keep.put([sent(e), ...(result ? rebased(this.entries, e, result) : [])]);
    await this.load();
  }

  private async lost(e: Entry, was: boolean, err: ApiError): Promise<boolean> {
    switch (verdict(err.status, err.detail)) {
      case 'later':
        this.failed++;
        await this.save({ ...e, state: 'waiting', unsure: was || unsureAfter(err.status) });
        return false;
      case 'look':
        return this.moved(e, was);
      default:
        await this.save({ ...e, state: 'refused', unsure: false, refusal: { status: err.status, detail: err.detail, faults: err.faults } });
        return true;
    }
  }

  /** The case is not as it was seen: perhaps by this very step, perhaps only by further alerts. */
  private async moved(e: Entry, was: boolean): Promise<boolean> {
    let fresh: CaseDetail;
    try {
      fresh = await this.wire.look(e.caseId);
    } catch (err) {
      const status = err instanceof ApiError ? err.status : 0;
      return this.lost(e, was, new ApiError(status === 412 ? 0 : status, String(err)));
    }
    if (was && doneBy(e, fresh.history)) {
      await this.went(e, fresh);
      return true;
    }
    const rounds = (this.rounds.get(e.id) ?? 0) + 1;
    this.rounds.set(e.id, rounds);
    const again = sameStanding(e.seen, fresh) && rounds < MAX_ROUNDS;
    await this.save({ ...e, round: e.round + 1, unsure: false, ...(again ? { state: 'waiting', seen: standingOf(fresh) } : { state: 'moved', now: standingOf(fresh) }) });
    return true;
  }

  private async save(e: Entry): Promise<void> {
    await this.keep.put([e]);
    await this.load();
  }
}

/** Whether something waits that no failure holds up. */
export const waits = (entries: readonly Entry[]): boolean => entries.some(pending);
