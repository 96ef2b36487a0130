/**
 * One bucket: a value a key, written by compare-and-set, with delete and expiry markers.
 *
 * Every write is kept for the checker, and so that reads can be answered from an older state.
 */
import type { PutOptions, PutOutcome, ScanPage, ScannedValue, StoredValue } from '@wakebus/placement-node';
import type { ServerEnvironment } from './environment.ts';
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
  /** How long the marker of an expired or removed key stays, in milliseconds. @default for ever */
  readonly markerTtlMs?: number;
  /** Longest value, in bytes. @default 1 MiB – the server's own limit */
  readonly maxValueBytes?: number;
}

interface Entry {
  value: StoredValue;
  readonly writes: BucketWrite[];
}

type OnWrite = (key: string, value: StoredValue) => void;

const ABSENT: StoredValue = { bytes: undefined, revision: 0 };
const DEFAULT_MAX_VALUE_BYTES = 1024 * 1024;
/** How late the server may notice an expiry, in milliseconds. */
const LATEST_EXPIRY_MS = 1_000;

export class MemoryBucket {
  readonly name: string;
  readonly #environment: ServerEnvironment;
  readonly #options: BucketOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<OnWrite>();
  #revision = 0;

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

  /** Present values in the order of their revisions. */
  scan(fromRevision: number, limit: number): ScanPage {
    const values: ScannedValue[] = [];
    for (const [key, { value }] of this.#entries) {
      if (value.bytes !== undefined && value.revision >= fromRevision)
        values.push({ key, bytes: value.bytes, revision: value.revision });
    }
    values.sort((a, b) => a.revision - b.revision);
    const page = values.slice(0, limit);
    const last = page.at(-1);
    return { values: page, nextRevision: last === undefined ? undefined : last.revision + 1 };
  }

  get(key: string, lag = 0): StoredValue {
    const entry = this.#entries.get(key);
    if (entry === undefined) return ABSENT;
    if (lag === 0) return copyOf(entry.value);
    const asOf = this.#revision - lag;
    return copyOf(entry.writes.findLast((write) => write.revision <= asOf) ?? ABSENT);
  }

  put(key: string, bytes: Uint8Array, expectedRevision: number, by: string, options?: PutOptions): PutOutcome {
    if (bytes.length > (this.#options.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES)) return { kind: 'full' };
    if (this.revision(key) !== expectedRevision) return { kind: 'conflict' };
    const revision = this.#write(key, bytes.slice(), by);
    if (options?.ttlMs !== undefined) this.#expireLater(key, revision, options.ttlMs);
    return { kind: 'stored', revision };
  }

  remove(key: string, expectedRevision: number, by: string): PutOutcome {
    if (this.revision(key) !== expectedRevision) return { kind: 'conflict' };
    const revision = this.#write(key, undefined, by);
    this.#dropMarkerLater(key, revision);
    return { kind: 'stored', revision };
  }

  keys(filter: string): string[] {
    const test = subjectTest(filter);
    return [...this.#entries].filter(([key, { value }]) => value.bytes !== undefined && test(key)).map(([key]) => key);
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
      if (this.revision(key) === revision) this.#dropMarkerLater(key, this.#write(key, undefined, ''));
    });
  }

  #dropMarkerLater(key: string, revision: number): void {
    if (this.#options.markerTtlMs === undefined) return;
    this.#environment.after(this.#options.markerTtlMs, 'drop marker', () => {
      if (this.revision(key) === revision) this.lose(key);
    });
  }
}

function copyOf({ bytes, revision }: StoredValue): StoredValue {
  return { bytes: bytes?.slice(), revision };
}
