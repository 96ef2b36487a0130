/**
 * An ordered feed of the last message under each subject of a filter, and of every later one: an
 * ephemeral push consumer in memory.
 *
 * A feed ends with its first doubt (a gap, silence, a broken connection) and is then replaced by
 * another; what that means for what was read is its user's business.
 */
import type { Msg, Subscription } from '@nats-io/transport-node';
import { cryptoRandom } from './crypto-random.ts';
import { type AckNumbers, readAckNumbers } from './delivery.ts';
import { callApi } from './jetstream-api.ts';
import type { Link } from './link.ts';
import type { HeaderBlock } from './wire-headers.ts';
import { readHeaders } from './wire-message.ts';

/** How often the server says that the feed lives, in milliseconds. */
const HEARTBEAT_MS = 5_000;
/** Silence after which the feed is taken for dead, in milliseconds: two heartbeats and a little. */
const SILENCE_MS = 2 * HEARTBEAT_MS + 1_000;
/** When the server removes a feed whose reader has gone without a word, in milliseconds. A reader that stops removes it itself. */
const INACTIVE_MS = 30_000;

const NO_DATA = new Uint8Array(0);

export interface FeedOptions {
  readonly stream: string;
  readonly filter: string;
  /** Leaves the payloads out. */
  readonly headersOnly: boolean;
  readonly onMessage: (message: Msg, block: HeaderBlock, seq: number) => void;
  /** What was there at the start has come. Called once. */
  readonly onCaughtUp: () => void;
  /** The feed has ended by itself. Called once at most. */
  readonly onBroken: (cause: Error) => void;
}

export class OrderedFeed {
  readonly #link: Link;
  readonly #options: FeedOptions;
  readonly #name = `feed-${cryptoRandom.id()}`;
  readonly #subscription: Subscription;
  readonly #watch: NodeJS.Timeout;
  readonly #endReconnect: () => void;
  #lastDelivery = 0;
  #caughtUp = false;
  #ended = false;
  #heard = true;

  constructor(link: Link, options: FeedOptions) {
    this.#link = link;
    this.#options = options;
    const inbox = link.newInbox();
    this.#subscription = link.subscribe(inbox, (message) => this.#receive(message));
    this.#endReconnect = link.events.onReconnect(() => this.#break('the connection broke'));
    this.#watch = setInterval(() => this.#checkSilence(), SILENCE_MS).unref();
    this.#create(inbox).catch((cause: Error) => this.#break(cause.message));
  }

  /** Ends the feed and removes its consumer, without waiting. */
  stop(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#watch);
    this.#endReconnect();
    if (this.#link.connection.isClosed()) return;
    this.#subscription.unsubscribe();
    // A lost request costs nothing but a consumer that the server removes a little later.
    callApi(this.#link.mux, `CONSUMER.DELETE.${this.#options.stream}.${this.#name}`).catch(() => {});
  }

  async #create(inbox: string): Promise<void> {
    const { stream, filter, headersOnly } = this.#options;
    const config = {
      name: this.#name,
      deliver_subject: inbox,
      filter_subject: filter,
      deliver_policy: 'last_per_subject',
      ack_policy: 'none',
      replay_policy: 'instant',
      headers_only: headersOnly,
      flow_control: true,
      idle_heartbeat: HEARTBEAT_MS * 1_000_000,
      inactive_threshold: INACTIVE_MS * 1_000_000,
      max_deliver: 1,
      mem_storage: true,
      num_replicas: 1,
    };
    const info = await callApi<{ num_pending: number; delivered: { consumer_seq: number } }>(
      this.#link.mux,
      `CONSUMER.CREATE.${stream}.${this.#name}`,
      {
        stream_name: stream,
        config,
        action: 'create',
      },
    );
    if (info.num_pending === 0 && info.delivered.consumer_seq === 0) this.#catchUp();
  }

  #receive(message: Msg): void {
    if (this.#ended) return;
    this.#heard = true;
    const block = readHeaders(message);
    if (block.status !== 0) {
      this.#readStatus(message, block);
      return;
    }
    const numbers = readAckNumbers(message.reply as string);
    if (this.#isGap(numbers.deliverySeq - 1)) return;
    this.#lastDelivery = numbers.deliverySeq;
    this.#deliver(message, block, numbers);
  }

  #deliver(message: Msg, block: HeaderBlock, { seq, pending }: AckNumbers): void {
    this.#options.onMessage(message, block, seq);
    if (pending === 0) this.#catchUp();
  }

  #readStatus(message: Msg, { status, description, headers }: HeaderBlock): void {
    if (status !== 100) {
      this.#break(description);
    } else if (message.reply !== undefined && message.reply !== '') {
      this.#link.publish(message.reply, NO_DATA);
    } else {
      const stalled = headers['Nats-Consumer-Stalled'];
      if (stalled !== undefined) this.#link.publish(stalled, NO_DATA);
      // Heartbeats come only when nothing is left to deliver.
      if (!this.#isGap(Number(headers['Nats-Last-Consumer'])) && stalled === undefined) this.#catchUp();
    }
  }

  #isGap(previous: number): boolean {
    const gap = previous !== this.#lastDelivery;
    if (gap) this.#break(`delivery ${this.#lastDelivery + 1} was lost`);
    return gap;
  }

  #catchUp(): void {
    if (this.#caughtUp || this.#ended) return;
    this.#caughtUp = true;
    this.#options.onCaughtUp();
  }

  #checkSilence(): void {
    if (!this.#heard) this.#break('the server has gone silent');
    this.#heard = false;
  }

  #break(why: string): void {
    if (this.#ended) return;
    this.stop();
    this.#options.onBroken(new Error(why));
  }
}
