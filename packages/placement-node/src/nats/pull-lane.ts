/**
 * A stock of asked-for messages under one rank: one reply subscription, and the pull requests that
 * point at it.
 *
 * The server answers a request with deliveries, heartbeats while there are none, and a status when it
 * ends with a part of it unfulfilled. The lane counts what is still asked for and asks anew below half.
 */
import type { Msg, Subscription } from '@nats-io/transport-node';
import { PRIORITY_GROUP } from './durable-consumer.ts';
import type { Link } from './link.ts';
import { readHeaders } from './wire-message.ts';

/** Messages asked for at once: at 20,000 a second a new request every 13 ms. */
const STOCK = 512;

/** How long a request lies at the server and how often the server says that it does, in milliseconds. */
interface Pace {
  readonly expiresMs: number;
  readonly heartbeatMs: number;
}

/** Long, because each request costs a message and an answer: with 64 partitions 2 a second, and 13 heartbeats. */
const STEADY: Pace = { expiresMs: 30_000, heartbeatMs: 5_000 };
/**
 * The first request of a lane: it may reach a consumer that is just going away (a deleted stream, a
 * leader that steps down) and be lost without a word.
 */
const PROBE: Pace = { expiresMs: 2_000, heartbeatMs: 500 };

const IDLE_HEARTBEAT = 100;
const REQUEST_EXPIRED = 408;

export interface LaneOptions {
  readonly stream: string;
  readonly consumer: string;
  readonly priority: number;
  readonly onMessage: (message: Msg) => void;
  /** The server does not know the requests, or the consumer, any more. */
  readonly onForgotten: () => void;
}

export class PullLane {
  readonly #link: Link;
  readonly #options: LaneOptions;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #subject: string;
  /** Counts restarts, so that the last words of older requests are not taken for this one's. */
  #generation = 0;
  #asked = 0;
  #pace = PROBE;
  #heard = false;
  #watch: NodeJS.Timeout | undefined;

  constructor(link: Link, options: LaneOptions) {
    this.#link = link;
    this.#options = options;
    this.#inbox = link.newInbox();
    this.#subject = `$JS.API.CONSUMER.MSG.NEXT.${options.stream}.${options.consumer}`;
    this.#subscription = link.subscribe(`${this.#inbox}.*`, (message) => this.#receive(message));
    this.restart();
  }

  /** Asks as if nothing had been asked for yet. */
  restart(): void {
    this.#generation += 1;
    this.#asked = 0;
    this.#setPace(PROBE);
    this.#fill();
  }

  /** Asks for nothing more; resolves when all that was sent before has arrived. */
  async drain(): Promise<void> {
    clearInterval(this.#watch);
    if (this.#link.connection.isClosed()) return;
    await this.#subscription.drain();
  }

  #fill(): void {
    if (this.#asked > STOCK / 2 || this.#subscription.isDraining() || this.#link.isEnding) return;
    const batch = STOCK - this.#asked;
    this.#asked = STOCK;
    const { expiresMs, heartbeatMs } = this.#pace;
    const request = `{"batch":${batch},"expires":${expiresMs}000000,"idle_heartbeat":${heartbeatMs}000000,"group":"${PRIORITY_GROUP}","priority":${this.#options.priority}}`;
    this.#link.connection.publish(this.#subject, request, { reply: `${this.#inbox}.${this.#generation}` });
  }

  #receive(message: Msg): void {
    if (message.reply === undefined || !message.reply.startsWith('$JS.ACK.')) {
      this.#readStatus(message);
      return;
    }
    this.#heard = true;
    this.#asked -= 1;
    this.#fill();
    this.#options.onMessage(message);
  }

  #readStatus(message: Msg): void {
    if (this.#subscription.isDraining() || !message.subject.endsWith(`.${this.#generation}`)) return;
    this.#heard = true;
    const { status, description, headers } = readHeaders(message);
    if (status === IDLE_HEARTBEAT) return;
    const unfulfilled = Number(headers['Nats-Pending-Messages']);
    if ((status === REQUEST_EXPIRED || endsOneRequest(description)) && Number.isFinite(unfulfilled)) {
      this.#asked = Math.max(0, this.#asked - unfulfilled);
      this.#fill();
    } else {
      this.#options.onForgotten();
    }
  }

  /** Takes up a pace, and its measure of silence: two heartbeats and a little. */
  #setPace(pace: Pace): void {
    this.#pace = pace;
    this.#heard = false;
    clearInterval(this.#watch);
    this.#watch = setInterval(() => this.#checkSilence(), 2.2 * pace.heartbeatMs).unref();
  }

  #checkSilence(): void {
    if (!this.#heard) this.#options.onForgotten();
    else if (this.#pace === PROBE) this.#setPace(STEADY);
    this.#heard = false;
  }
}

/** A 409 that ends this request only; all others mean that the consumer is gone or has moved. */
function endsOneRequest(description: string): boolean {
  return /batch completed|exceeded/i.test(description);
}
