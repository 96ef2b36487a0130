/**
 * Deliveries that have been taken, for four days: senders repeat for up to 75 hours, and agents remember for one day.
 *
 * Written only once the inbox has the event. A look that is stale costs a repeated message ID, which the inbox and
 * the agent drop. Looks and writes that a server loses while it restarts are tried again, as long as the sender waits.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { encode, encodeToken } from '@wakebus/protocol';
import type { Kv } from '../nats/kv.ts';
import { fingerprint } from './signatures.ts';

/** Longer IDs go by their fingerprint: a message ID has 200 characters at most, and a key's token 200 bytes. */
const LONGEST_ID = 100;
/** A look or a write may take so long, in milliseconds, before it counts as lost. */
export const SEEN_TRY_MS = 500;
/** Between two tries, in milliseconds. */
const RETRY_MS = 50;
const PLAIN = /^[\x21-\x7e]+$/;

export class Seen {
  readonly #bucket: Kv;

  /** @param bucket - Whose reads and writes give up after {@link SEEN_TRY_MS}. */
  constructor(bucket: Kv) {
    this.#bucket = bucket;
  }

  /**
   * @param untilMs - When the sender must have its answer, by the monotonic clock.
   * @throws {WakebusError} `UNAVAILABLE`.
   */
  async has(source: string, id: string, untilMs: number): Promise<boolean> {
    return (await persistently(() => this.#bucket.get(keyOf(source, id)), untilMs)) !== undefined;
  }

  /** @throws {WakebusError} `UNAVAILABLE`: the sender should come again. */
  async add(source: string, id: string, untilMs: number): Promise<void> {
    const bytes = encode({ v: 1, id, atMs: Date.now() });
    await persistently(() => this.#bucket.put(keyOf(source, id), bytes), untilMs);
  }
}

/** The message ID of a delivery: the sender's own under the webhook's name, as others may count in the same way. */
export function messageIdOf(source: string, id: string): string {
  return `${source}:${shortOf(id)}`;
}

async function persistently<T>(attempt: () => Promise<T>, untilMs: number): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() + RETRY_MS >= untilMs) throw error;
      await wait(RETRY_MS);
    }
  }
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
