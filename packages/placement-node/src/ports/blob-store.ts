/** Immutable chunks under their own hash. Acknowledged before anything names them. */
export interface BlobStore {
  /**
   * Puts a chunk away; one that is there already costs nothing.
   *
   * @returns its sha256 in hex.
   * @throws {WakebusError} `OUTCOME_UNKNOWN` when it was not confirmed: nothing may name it.
   */
  put(bytes: Uint8Array): Promise<string>;
  /** @returns `undefined` when there is no such chunk. @throws {WakebusError} `UNAVAILABLE`; `RECORD_DAMAGED` when the bytes do not have the hash. */
  get(hash: string): Promise<Uint8Array | undefined>;
}
