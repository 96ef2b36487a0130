/**
 * One value a key, each write a compare-and-set: a KV bucket, as far as the runtime uses one.
 *
 * The revision of a key that is absent may still be above 0: deletions and expiries leave a marker,
 * and the next create must expect it.
 */

/** A value, or its absence, at a revision. */
export interface StoredValue {
  readonly bytes: Uint8Array | undefined;
  readonly revision: number;
}

/** What became of a write; `unknown` as for `AppendOutcome`. */
export type PutOutcome =
  | { readonly kind: 'stored'; readonly revision: number }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'full' }
  | { readonly kind: 'unknown'; readonly cause: unknown };

/** A present value with its key, as {@link RecordStore.scan} gives it. */
export interface ScannedValue {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly revision: number;
}

/** A part of a bucket. */
export interface ScanPage {
  /** In the order of their last writes. */
  readonly values: readonly ScannedValue[];
  /** Where to go on, or `undefined` at the end. */
  readonly nextRevision: number | undefined;
}

export interface PutOptions {
  /** The key disappears so long after this write, in milliseconds, rounded up to whole seconds; up to 1.3 s later, never earlier. A later write without it makes the key permanent. */
  readonly ttlMs?: number;
}

export interface Watch {
  stop(): void;
}

export interface RecordStore {
  /** A hint: it may be stale. @throws {WakebusError} `UNAVAILABLE`. */
  get(key: string): Promise<StoredValue>;
  /** As {@link get}, asked of the leader: slower, and right unless leadership is just changing. @throws {WakebusError} `UNAVAILABLE`. */
  getFresh(key: string): Promise<StoredValue>;
  /** Writes if the key is at `expectedRevision` (0: never written). */
  put(key: string, bytes: Uint8Array, expectedRevision: number, options?: PutOptions): Promise<PutOutcome>;
  /** Deletes if the key is at `expectedRevision`. */
  remove(key: string, expectedRevision: number): Promise<PutOutcome>;
  /** Keys that match a filter, without deleted ones, unordered. @throws {WakebusError} `UNAVAILABLE`. */
  keys(filter: string): Promise<string[]>;
  /** Present values whose revision is at least `fromRevision`, at most `limit` of them: for a slow look at everything. A page may be empty and not the last. @throws {WakebusError} `UNAVAILABLE`. */
  scan(fromRevision: number, limit: number): Promise<ScanPage>;
  /**
   * Calls back with each key's present value and then with each change, expiries included; resolves when the present ones have come.
   *
   * A key whose marker is still there comes as absent. Of changes in quick succession perhaps only the last comes. A key that vanished without a trace while the connection was down comes as absent at revision 0.
   */
  watch(filter: string, onChange: (key: string, value: StoredValue) => void): Promise<Watch>;
}
