/**
 * What one source remembers, across processes: a few values under keys, in the bucket of all sources. Every write
 * expects the revision that was read, so that of two processes with the same source one learns that it was second.
 */
import { JetStreamApiError } from '@nats-io/jetstream';
import type { KV } from '@nats-io/kv';
import { WakebusError, decode, encode, encodeToken } from '@wakebus/protocol';

/** A value, or its absence, with the revision that a write expects. */
export interface StateValue<T> {
  readonly value: T | undefined;
  readonly revision: number;
}

/** The revision is not the one that was expected. */
const WRONG_SEQUENCE = 10_071;

export class SourceState {
  readonly #bucket: KV;
  readonly #source: string;

  constructor(bucket: KV, source: string) {
    this.#bucket = bucket;
    this.#source = source;
  }

  /** @throws {WakebusError} `UNAVAILABLE`. */
  async get<T>(key: string): Promise<StateValue<T>> {
    const entry = await this.#orUnavailable(this.#bucket.get(this.#keyOf(key)));
    if (entry === null) return { value: undefined, revision: 0 };
    const isThere = entry.operation === 'PUT';
    return { value: isThere ? (decode(entry.value) as T) : undefined, revision: entry.revision };
  }

  /** All keys that have a value, as they were given. @throws {WakebusError} `UNAVAILABLE`. */
  async keys(): Promise<string[]> {
    const found: string[] = [];
    const keys = await this.#orUnavailable(this.#bucket.keys(`${this.#source}.*`));
    for await (const key of keys) found.push(key.slice(this.#source.length + 1));
    return found;
  }

  /**
   * Writes a durable value, or `undefined` to have none.
   *
   * @returns the new revision, or `undefined` when another than the expected one was there.
   * @throws {WakebusError} `UNAVAILABLE`: it may have been written.
   */
  async put(key: string, value: unknown, expected: number): Promise<number | undefined> {
    const at = this.#keyOf(key);
    try {
      if (value !== undefined) return await this.#bucket.put(at, encode(value), { previousSeq: expected });
      await this.#bucket.delete(at, { previousSeq: expected });
      return expected;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === WRONG_SEQUENCE) return undefined;
      throw unavailable(error);
    }
  }

  #keyOf(key: string): string {
    return `${this.#source}.${encodeToken(key)}`;
  }

  async #orUnavailable<T>(read: Promise<T>): Promise<T> {
    try {
      return await read;
    } catch (error) {
      throw unavailable(error);
    }
  }
}

function unavailable(cause: unknown): WakebusError<'UNAVAILABLE'> {
  return new WakebusError('UNAVAILABLE', { what: 'The bucket of sources' }, { cause });
}
