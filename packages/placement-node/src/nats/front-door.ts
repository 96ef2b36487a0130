/**
 * The front door of a deployment with several shards, kept from filling up: plain publishers write
 * there, every shard fetches its own, and nothing in it goes away by being fetched.
 *
 * A shard fetches in order. So a message that a shard delivers proves that the shard has all of its
 * partition that came before it; that much is removed. Nothing is concluded from time or from silence.
 */
import type { Layout } from '@wakebus/protocol';
import type { Delivery } from '../ports/event-log.ts';
import { callApi } from './jetstream-api.ts';
import type { Link } from './link.ts';
import { natsHeader } from './wire-headers.ts';

/** Between two removals, in milliseconds: a request for each busy partition is too little to feel, and a minute of events is far below the limits. */
const TRIM_EVERY_MS = 60_000;

export class FrontDoor {
  readonly #link: Link;
  readonly #layout: Layout;
  readonly #mark: string;
  /** By partition, the highest sequence at the front door that its shard is known to have. */
  readonly #fetched = new Map<number, number>();
  #lastSeq = 0;
  #isWaiting = false;

  constructor(link: Link, layout: Layout) {
    this.#link = link;
    this.#layout = layout;
    this.#mark = `${layout.frontDoorStream} `;
  }

  /** Takes note of a delivery out of a shard. */
  note({ headers, subject }: Delivery): void {
    const source = headers[natsHeader.source];
    if (source?.startsWith(this.#mark) !== true) return;
    const seq = Number.parseInt(source.slice(this.#mark.length), 10);
    const partition = this.#layout.readPending(subject)?.partition;
    if (partition === undefined || !(seq > (this.#fetched.get(partition) ?? 0))) return;
    this.#fetched.set(partition, seq);
    if (!this.#isWaiting) this.#wait();
  }

  /**
   * Removes what the shards have, as far as it was there at the last call: a publisher who forges the
   * server's header cannot reach what has only just come.
   *
   * @throws {Error} when the server does not answer; the next call does the same.
   */
  async trim(): Promise<void> {
    const stream = this.#layout.frontDoorStream;
    const upTo = this.#lastSeq;
    const info = await callApi<{ state: { last_seq: number } }>(this.#link.mux, `STREAM.INFO.${stream}`);
    this.#lastSeq = info.state.last_seq;
    for (const [partition, seq] of this.#fetched) {
      const filter = this.#layout.inboxFilter(partition);
      await callApi(this.#link.mux, `STREAM.PURGE.${stream}`, { filter, seq: Math.min(seq, upTo) + 1 });
      if (seq <= upTo && this.#fetched.get(partition) === seq) this.#fetched.delete(partition);
    }
  }

  #wait(): void {
    this.#isWaiting = true;
    setTimeout(() => void this.#tick(), TRIM_EVERY_MS).unref();
  }

  async #tick(): Promise<void> {
    await this.trim().catch(() => {});
    this.#isWaiting = false;
    if (this.#fetched.size > 0 && !this.#link.isEnding) this.#wait();
  }
}
