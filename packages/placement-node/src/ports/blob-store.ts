/**
 * Immutable chunks of bytes under their own hash: an object store, as far as the runtime uses one.
 *
 * A chunk is acknowledged before anything names it. What is named nowhere is collected once it is old
 * (`../objects/collect.ts`); so that this cannot meet a writer who counts on what is there already, a put
 * of an old chunk makes it young again, and a removal spares what has become young in the meantime.
 */

/**
 * From this age on, in milliseconds, a put writes again a chunk that is there.
 *
 * Collecting spares what is younger than twice that (`collect.ts`): so whoever puts a chunk has at least as long
 * to commit what names it. Half an hour, for what takes milliseconds.
 */
export const REFRESH_AFTER_MS: number = 30 * 60 * 1000;

/** A chunk as a store lists it. */
export interface ListedChunk {
  readonly hash: string;
  /** As it is stored: it may be compressed. */
  readonly sizeBytes: number;
  /** Since it was put last, in milliseconds, by the store's own clock: that of whoever asks may have jumped. */
  readonly ageMs: number;
  /** What {@link BlobStore.remove} knows it by; the store's own affair. */
  readonly version: string;
}

export interface BlobStore {
  /** Where the chunks are, the same for every process that uses them: nodes of one deployment must agree on it. */
  readonly location: string;
  /** @default {@link REFRESH_AFTER_MS} */
  readonly refreshAfterMs: number;
  /**
   * Puts a chunk away. One that is there already is not written again, unless it is old.
   *
   * @param hash - Of the bytes, where the caller has it. @default computed
   * @returns its sha256 in hex.
   * @throws {WakebusError} `OUTCOME_UNKNOWN` when it was not confirmed: nothing may name it.
   */
  put(bytes: Uint8Array, hash?: string): Promise<string>;
  /**
   * A chunk, its bytes held against its hash.
   *
   * @returns `undefined` when there is no such chunk, which no stale replica has said.
   * @throws {WakebusError} `UNAVAILABLE`; `CHUNK_DAMAGED` when the bytes do not have the hash.
   */
  get(hash: string): Promise<Uint8Array | undefined>;
  /** Every chunk, in no order. One that is put or removed meanwhile may be there or not. @throws {WakebusError} `UNAVAILABLE`. */
  list(): AsyncIterable<ListedChunk>;
  /** Removes a chunk, unless it was put again since it was listed. @returns whether it is known to be gone. @throws {WakebusError} `UNAVAILABLE`. */
  remove(chunk: ListedChunk): Promise<boolean>;
}
