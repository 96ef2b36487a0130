/**
 * A NATS KV bucket as a gateway uses one: reads without a consumer, writes that may expect a revision.
 *
 * Reads are hints: a replica may be behind. What decides is a write that expects a revision.
 */
import { JetStreamApiError, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { WakebusError } from '@wakebus/protocol';

/** The revision is not the one that was expected. */
const WRONG_SEQUENCE = 10_071;
/** Keys asked for at once. */
const KEYS_AT_ONCE = 1_000;

/** A value that is there. */
export interface KvValue {
  readonly bytes: Uint8Array;
  readonly revision: number;
}

export class Kv {
  readonly #js: JetStreamClient;
  readonly #jsm: JetStreamManager;
  readonly #bucket: string;

  constructor(js: JetStreamClient, jsm: JetStreamManager, bucket: string) {
    this.#js = js;
    this.#jsm = jsm;
    this.#bucket = bucket;
  }

  /** @returns `undefined` when the key is absent. @throws {WakebusError} `UNAVAILABLE`. */
  async get(key: string): Promise<KvValue | undefined> {
    const message = await this.#orUnavailable(
      this.#jsm.direct.getMessage(this.#stream, { last_by_subj: this.#subject(key) }),
    );
    if (message === null || message.header.has('KV-Operation') || message.header.has('Nats-Marker-Reason'))
      return undefined;
    return { bytes: message.data.slice(), revision: message.seq };
  }

  /** Keys under a filter. @throws {WakebusError} `UNAVAILABLE`. */
  async keys(filter: string): Promise<string[]> {
    const found: string[] = [];
    const lister = this.#jsm.streams.info(this.#stream, { subjects_filter: this.#subject(filter) });
    const { state } = await this.#orUnavailable(lister);
    for (const subject of Object.keys(state.subjects ?? {})) found.push(subject.slice(this.#subject('').length));
    return found;
  }

  /** Everything under a filter, by key. @throws {WakebusError} `UNAVAILABLE`. */
  async all(filter: string): Promise<Map<string, KvValue>> {
    const keys = await this.keys(filter);
    const found = new Map<string, KvValue>();
    for (let i = 0; i < keys.length; i += KEYS_AT_ONCE) {
      const part = keys.slice(i, i + KEYS_AT_ONCE);
      const values = await Promise.all(part.map((key) => this.get(key)));
      for (const [at, value] of values.entries()) if (value !== undefined) found.set(part[at] as string, value);
    }
    return found;
  }

  /**
   * Writes.
   *
   * @param expected - The revision that must be there; 0 when the key must be new. @default whatever is there
   * @returns the new revision, or `undefined` when another was there.
   * @throws {WakebusError} `UNAVAILABLE`: it may have been written.
   */
  async put(key: string, bytes: Uint8Array, expected?: number): Promise<number | undefined> {
    try {
      const expect = expected === undefined ? {} : { expect: { lastSubjectSequence: expected } };
      return (await this.#js.publish(this.#subject(key), bytes, expect)).seq;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === WRONG_SEQUENCE) return undefined;
      throw this.#unavailable(error);
    }
  }

  /** Leaves nothing behind. @throws {WakebusError} `UNAVAILABLE`. */
  async remove(key: string): Promise<void> {
    await this.#orUnavailable(this.#jsm.streams.purge(this.#stream, { filter: this.#subject(key) }));
  }

  get #stream(): string {
    return `KV_${this.#bucket}`;
  }

  #subject(key: string): string {
    return `$KV.${this.#bucket}.${key}`;
  }

  async #orUnavailable<T>(read: Promise<T>): Promise<T> {
    try {
      return await read;
    } catch (error) {
      throw this.#unavailable(error);
    }
  }

  #unavailable(cause: unknown): WakebusError<'UNAVAILABLE'> {
    return new WakebusError('UNAVAILABLE', { what: `The bucket ${this.#bucket}` }, { cause });
  }
}
