/**
 * One bucket: a value a key, written by compare-and-set, with delete and expiry markers.
 *
 * Every write is kept for the checker, and so that reads can be answered from an older state.
 */
import type { PutOptions, PutOutcome, ScanPage, ScannedValue, StoredValue } from '@wakebus/placement-node';
import type { ServerEnvironment } from './environment.ts';
import { REFUSAL, refused } from './server-refusal.ts';
import { subjectTest } from './subjects.ts';

/** One write of a key; `bytes` is absent in a deletion or an expiry. */
export interface BucketWrite {
  readonly revision: number;
  readonly bytes: Uint8Array | undefined;
  readonly atMs: number;
  /** The node that wrote, or the empty string where the server did by itself. */
  readonly by: string;
}

export interface BucketOptions {
  /** Lets keys have a time to live; the marker of an expired one stays so long, in milliseconds. That of a removal expires too, and leaves a marker of its own. @default keys are permanent, markers too */
  readonly markerTtlMs?: number;
  /** Servers that keep the bucket: with one, reads are never stale and no write is in flight. @default 3 */
  readonly replicas?: 1 | 3;
}

interface Entry {
  value: StoredValue;
  readonly writes: BucketWrite[];
}

type OnWrite = (key: string, value: StoredValue) => void;

const ABSENT: StoredValue = { bytes: undefined, revision: 0 };
/** For how long the replicas of a write may still be under way, in milliseconds. */
const IN_FLIGHT_MS = 50;
/** In which a time to live is counted; what is broken off rounds up. */
const SECOND_MS = 1_000;
/** How late the server may notice an expiry, in milliseconds. */
const LATEST_EXPIRY_MS = 1_000;

export class MemoryBucket {
  readonly name: string;
  readonly #environment: ServerEnvironment;
  readonly #options: BucketOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<OnWrite>();
  #revision = 0;
  /** Whether its disk is full: nothing is written and no write is answered, until a restart with room on the disk. */
  isFrozen: boolean = false;

  constructor(name: string, environment: ServerEnvironment, options: BucketOptions = {}) {
    this.name = name;
    this.#environment = environment;
    this.#options = options;
  }

  /** @returns how to stop listening. */
  listen(listener: OnWrite): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Present values in the order of their revisions. Markers are passed over, but count: a page may be empty before the end. */
  scan(fromRevision: number, limit: number, lag = 0): ScanPage {
    const found: Array<[string, StoredValue]> = [];
    for (const [key, entry] of this.#entries) {
      const value = this.#asOf(entry, lag);
      if (value.revision >= fromRevision && value.revision > 0) found.push([key, value]);
    }
    const page = found.toSorted(([, a], [, b]) => a.revision - b.revision).slice(0, limit);
    const values = page.flatMap(([key, { bytes, revision }]): ScannedValue[] =>
      bytes === undefined ? [] : [{ key, bytes: bytes.slice(), revision }],
    );
    const last = page.at(-1)?.[1];
    return { values, nextRevision: last === undefined ? undefined : last.revision + 1 };
  }

  get(key: string, lag = 0): StoredValue {
    const entry = this.#entries.get(key);
    return entry === undefined ? ABSENT : copyOf(this.#asOf(entry, lag));
  }

  put(key: string, bytes: Uint8Array, expectedRevision: number, by: string, options?: PutOptions): PutOutcome {
    const { ttlMs } = options ?? {};
    if (ttlMs !== undefined && this.#options.markerTtlMs === undefined) return refused(REFUSAL.ttlDisabled);
    if (this.revision(key) !== expectedRevision) return this.#conflict(key);
    const revision = this.#write(key, bytes.slice(), by);
    if (ttlMs !== undefined) this.#expireLater(key, revision, Math.ceil(ttlMs / SECOND_MS) * SECOND_MS);
    return { kind: 'stored', revision };
  }

  remove(key: string, expectedRevision: number, by: string): PutOutcome {
    if (this.revision(key) !== expectedRevision) return this.#conflict(key);
    const revision = this.#write(key, undefined, by);
    const { markerTtlMs } = this.#options;
    if (markerTtlMs !== undefined) this.#expireLater(key, revision, markerTtlMs);
    return { kind: 'stored', revision };
  }

  keys(filter: string): string[] {
    const test = subjectTest(filter);
    return [...this.#entries].filter(([key, { value }]) => value.bytes !== undefined && test(key)).map(([key]) => key);
  }

  /** Whether a key has a value. */
  has(key: string): boolean {
    return this.#entries.get(key)?.value.bytes !== undefined;
  }

  /** The keys that match a filter with their values; those of which only a marker is left come as absent. In the order of their last writes. */
  present(filter: string): Array<[key: string, value: StoredValue]> {
    const test = subjectTest(filter);
    return [...this.#entries]
      .filter(([key, { value }]) => value.revision > 0 && test(key))
      .map(([key, { value }]): [string, StoredValue] => [key, copyOf(value)])
      .toSorted(([, a], [, b]) => a.revision - b.revision);
  }

  /** Every write of a key, oldest first. */
  writes(key: string): readonly BucketWrite[] {
    return this.#entries.get(key)?.writes ?? [];
  }

  /** Every key that was ever written. */
  everyKey(): string[] {
    return [...this.#entries.keys()];
  }

  /** Overwrites without a compare-and-set, as a person with a command line would. For tests of damage. */
  overwrite(key: string, bytes: Uint8Array | undefined): number {
    return this.#write(key, bytes?.slice(), 'operator');
  }

  /** Makes a key as if it had never been written: a lost record. */
  lose(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.value = ABSENT;
  }

  /** The revision that a write of a key must expect now. */
  revision(key: string): number {
    return this.#entries.get(key)?.value.revision ?? 0;
  }

  /** An entry as a replica has it that is so many writes of the bucket behind. */
  #asOf(entry: Entry, lag: number): StoredValue {
    if (lag === 0 || this.#options.replicas === 1) return entry.value;
    const asOf = this.#revision - lag;
    return entry.writes.findLast((write) => write.revision <= asOf) ?? ABSENT;
  }

  /** While a write is in flight, replicas may refuse the next one without saying what became of the first. */
  #conflict(key: string): PutOutcome {
    const { atMs = -Infinity } = this.#entries.get(key)?.writes.at(-1) ?? {};
    const mayBeInFlight = this.#options.replicas !== 1 && this.#environment.nowMs() - atMs <= IN_FLIGHT_MS;
    return mayBeInFlight && this.#environment.hits('writeInFlight')
      ? refused(REFUSAL.writeInFlight)
      : { kind: 'conflict' };
  }

  #write(key: string, bytes: Uint8Array | undefined, by: string): number {
    const revision = (this.#revision += 1);
    const write: BucketWrite = { revision, bytes, atMs: this.#environment.nowMs(), by };
    const entry = this.#entries.get(key);
    if (entry === undefined) this.#entries.set(key, { value: write, writes: [write] });
    else {
      entry.value = write;
      entry.writes.push(write);
    }
    for (const listener of this.#listeners) listener(key, write);
    return revision;
  }

  #expireLater(key: string, revision: number, ttlMs: number): void {
    const lateMs = this.#environment.hits('ttlLate') ? this.#environment.below(LATEST_EXPIRY_MS) : 0;
    this.#environment.after(ttlMs + lateMs, 'expire key', () => {
      if (this.revision(key) !== revision) return;
      if (this.isFrozen) this.#expireLater(key, revision, SECOND_MS);
      else this.#dropMarkerLater(key, this.#write(key, undefined, ''));
    });
  }

  #dropMarkerLater(key: string, revision: number): void {
    this.#environment.after(this.#options.markerTtlMs ?? Infinity, 'drop marker', () => {
      if (this.revision(key) === revision) this.lose(key);
    });
  }
}

function copyOf({ bytes, revision }: StoredValue): StoredValue {
  return { bytes: bytes?.slice(), revision };
}
