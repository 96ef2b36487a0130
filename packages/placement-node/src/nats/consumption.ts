/**
 * {@link Consumption}: one process's share in a durable pull consumer.
 *
 * It notices when the server has forgotten it (restart, new leader, consumer deleted, silence) and joins
 * again. What a pull request says and what its answers mean is in `pull-lane.ts`; how the consumer is
 * made is in `durable-consumer.ts`.
 */
import type { Msg, Subscription } from '@nats-io/transport-node';
import type { ConsumeOptions, ConsumerSpec, Consumption } from '../ports/event-log.ts';
import { DeliveryReader } from './delivery.ts';
import { ensureConsumer } from './durable-consumer.ts';
import { unavailable } from './jetstream-api.ts';
import type { Link } from './link.ts';
import { PullLane } from './pull-lane.ts';

/** First and longest wait between two attempts to join again, in milliseconds. */
const REJOIN_FIRST_MS = 50;
const REJOIN_MOST_MS = 2_000;
/** Least time between two joins, in milliseconds: a server that refuses every request must not be asked at the speed of its refusals. */
const REJOIN_APART_MS = 250;
/**
 * When the filters are looked at again after joining, in milliseconds: another node's update that was
 * computed before ours can arrive as late as its two requests may take.
 */
const RECHECK_MS = 5_000;

export class PullConsumption implements Consumption {
  readonly #link: Link;
  readonly #stream: string;
  readonly #spec: ConsumerSpec;
  readonly #options: ConsumeOptions;
  readonly #reader = new DeliveryReader();
  readonly #endings: ReadonlyArray<() => void>;
  readonly #draining = new Set<Promise<void>>();
  #lane: PullLane;
  #rank: number;
  #joining = false;
  #joinedMs = -REJOIN_APART_MS;
  #stopped = false;

  private constructor(link: Link, stream: string, spec: ConsumerSpec, options: ConsumeOptions) {
    this.#link = link;
    this.#stream = stream;
    this.#spec = spec;
    this.#options = options;
    this.#rank = options.rank;
    this.#lane = this.#openLane();
    const recheck = setTimeout(() => void this.#recheck(), RECHECK_MS).unref();
    const elections = this.#followElections();
    this.#endings = [
      link.events.onReconnect(() => void this.#rejoin()),
      () => clearTimeout(recheck),
      () => link.connection.isClosed() || elections.unsubscribe(),
    ];
  }

  /** Creates the consumer where needed and starts to ask for messages. @throws {WakebusError} `UNAVAILABLE`. */
  static async join(link: Link, stream: string, spec: ConsumerSpec, options: ConsumeOptions): Promise<PullConsumption> {
    try {
      await ensureConsumer(link.mux, stream, spec);
    } catch (cause) {
      throw unavailable(`The consumer ${spec.name} of the stream ${stream}`, cause);
    }
    return new PullConsumption(link, stream, spec, options);
  }

  setRank(rank: number): void {
    if (rank === this.#rank || this.#stopped || this.#link.isEnding) return;
    this.#rank = rank;
    this.#drain(this.#lane);
    this.#lane = this.#openLane();
  }

  async stop(): Promise<void> {
    if (!this.#stopped) {
      this.#stopped = true;
      for (const end of this.#endings) end();
      this.#drain(this.#lane);
    }
    await Promise.all(this.#draining);
  }

  #openLane(): PullLane {
    return new PullLane(this.#link, {
      stream: this.#stream,
      consumer: this.#spec.name,
      priority: this.#rank,
      onMessage: (message) => this.#deliver(message),
      onForgotten: () => void this.#rejoin(),
    });
  }

  /** A delivery that nobody could take was missed: the next one must not seem to follow the one before it. */
  #deliver(message: Msg): void {
    try {
      this.#options.onDelivery(this.#reader.read(message));
    } catch (fault) {
      this.#reader.breakCount();
      throw fault;
    }
  }

  /** Withdraws a lane: its interest ends at once, and what the server had sent before still arrives. */
  #drain(lane: PullLane): void {
    const drained = lane.drain().finally(() => this.#draining.delete(drained));
    this.#draining.add(drained);
  }

  /** A new leader of the consumer knows nothing of requests that its predecessor had, and says so only here. */
  #followElections(): Subscription {
    const subject = `$JS.EVENT.ADVISORY.CONSUMER.LEADER_ELECTED.${this.#stream}.${this.#spec.name}`;
    return this.#link.subscribe(subject, () => void this.#rejoin());
  }

  async #rejoin(): Promise<void> {
    if (this.#joining) return;
    this.#joining = true;
    this.#reader.breakCount();
    await wait(this.#joinedMs + REJOIN_APART_MS - performance.now());
    for (let waitMs = REJOIN_FIRST_MS; !this.#stopped; waitMs = Math.min(2 * waitMs, REJOIN_MOST_MS)) {
      try {
        await ensureConsumer(this.#link.mux, this.#stream, this.#spec);
        if (!this.#stopped) this.#lane.restart();
        break;
      } catch {
        await wait(waitMs);
      }
    }
    this.#joinedMs = performance.now();
    this.#joining = false;
  }

  async #recheck(): Promise<void> {
    try {
      await ensureConsumer(this.#link.mux, this.#stream, this.#spec);
    } catch {
      await this.#rejoin();
    }
  }
}

/** Resolves after a delay; at once when it is none. */
async function wait(delayMs: number): Promise<void> {
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs).unref());
}
