/**
 * What is kept on the telephone, in IndexedDB: entries that wait, and what a worker needs to see of their cases in a dead zone. Where a
 * browser keeps nothing, memory stands in and the page says so.
 */
import type { Case, Offer } from '../types';
import type { FullWorkflow } from './forecast';
import type { Entry } from './outbox';

/** A case as the worker's page knows it. */
export interface WorkCase extends Case {
  /** The newest words about it, newest first. */
  notes: readonly string[];
  actions: readonly Offer[];
}

export interface Work {
  cases: readonly WorkCase[];
  workflows: readonly FullWorkflow[];
}

export interface Keep {
  /** Whether it outlives the page. */
  lasting: boolean;
  entries(): Promise<Entry[]>;
  put(entries: readonly Entry[]): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
  work(user: string): Promise<Work | undefined>;
  putWork(user: string, work: Work): Promise<void>;
  /** Ends what is known of an account's cases. What waits to be sent stays. */
  forget(user: string): Promise<void>;
}

export class MemoryKeep implements Keep {
  lasting = false;
  private readonly held = new Map<string, Entry>();
  private readonly works = new Map<string, Work>();

  async entries(): Promise<Entry[]> {
    return [...this.held.values()];
  }
  async put(entries: readonly Entry[]): Promise<void> {
    for (const e of entries) this.held.set(e.id, e);
  }
  async remove(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.held.delete(id);
  }
  async work(user: string): Promise<Work | undefined> {
    return this.works.get(user);
  }
  async putWork(user: string, work: Work): Promise<void> {
    this.works.set(user, work);
  }
  async forget(user: string): Promise<void> {
    this.works.delete(user);
  }
}

const NAME = 'gridgate.worker';

const answered = <T>(r: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
  r.onsuccess = () => resolve(r.result);
  r.onerror = () => reject(r.error);
});

const ended = (t: IDBTransaction): Promise<void> => new Promise((resolve, reject) => {
  t.oncomplete = () => resolve();
  t.onerror = t.onabort = () => reject(t.error);
});

class BrowserKeep implements Keep {
  lasting = true;
  constructor(private readonly db: IDBDatabase) {}

  entries(): Promise<Entry[]> {
    return answered(this.db.transaction('outbox').objectStore('outbox').getAll());
  }
  put(entries: readonly Entry[]): Promise<void> {
    return this.change('outbox', (s) => entries.forEach((e) => s.put(e)));
  }
  remove(ids: readonly string[]): Promise<void> {
    return this.change('outbox', (s) => ids.forEach((id) => s.delete(id)));
  }
  work(user: string): Promise<Work | undefined> {
    return answered(this.db.transaction('work').objectStore('work').get(user));
  }
  putWork(user: string, work: Work): Promise<void> {
    return this.change('work', (s) => s.put(work, user));
  }
  forget(user: string): Promise<void> {
    return this.change('work', (s) => s.delete(user));
  }

  private change(store: string, f: (s: IDBObjectStore) => void): Promise<void> {
    const t = this.db.transaction(store, 'readwrite');
    f(t.objectStore(store));
    return ended(t);
  }
}

async function open(): Promise<Keep> {
  try {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore('outbox', { keyPath: 'id' });
      asked.result.createObjectStore('work');
    };
    return new BrowserKeep(await answered(asked));
  } catch {
    return new MemoryKeep();
  }
}

let opened: Promise<Keep> | undefined;

/** The one store of this page. */
export const keep = (): Promise<Keep> => (opened ??= open());
