/**
 * Deliveries that have been taken, for four days: senders repeat for up to 75 hours, and agents remember for one day.
 *
 * Written only once the inbox has the event. A look that is stale costs a repeated message ID, which the inbox and
 * the agent drop.
 */
import { encode, encodeToken } from '@wakebus/protocol';
import type { Kv } from '../nats/kv.ts';
import { fingerprint } from './signatures.ts';

/** Longer IDs go by their fingerprint: a message ID has 200 characters at most, and a key's token 200 bytes. */
const LONGEST_ID = 100;
const PLAIN = /^[\x21-\x7e]+$/;

export class Seen {
  readonly #bucket: Kv;

  constructor(bucket: Kv) {
    this.#bucket = bucket;
  }

  /** @throws {WakebusError} `UNAVAILABLE`. */
  async has(source: string, id: string): Promise<boolean> {
    return (await this.#bucket.get(keyOf(source, id))) !== undefined;
  }

  /** @throws {WakebusError} `UNAVAILABLE`: the sender should come again. */
  async add(source: string, id: string): Promise<void> {
    await this.#bucket.put(keyOf(source, id), encode({ v: 1, id, atMs: Date.now() }));
  }
}

/** The message ID of a delivery: the sender's own under the webhook's name, as others may count in the same way. */
export function messageIdOf(source: string, id: string): string {
  return `${source}:${shortOf(id)}`;
}

function keyOf(source: string, id: string): string {
  return `${source}.${encodeToken(shortOf(id))}`;
}

function shortOf(id: string): string {
  const isPlain = id.length <= LONGEST_ID && PLAIN.test(id) && encodedLength(id) <= 2 * LONGEST_ID;
  return isPlain ? id : fingerprint(Buffer.from(id));
}

function encodedLength(id: string): number {
  return id.replaceAll(/[^A-Za-z0-9_-]/g, '=XX').length;
}
