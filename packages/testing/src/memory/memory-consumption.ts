/**
 * {@link Consumption}: one node's share in a durable consumer of the memory server.
 *
 * It keeps a stock of asked-for messages at the server, fills it up below half, and joins again after
 * every reconnect, as the real adapter does.
 */
import type { ConsumeOptions, ConsumerSpec, Consumption, Delivery } from '@wakebus/placement-node';
import { WakebusError } from '@wakebus/protocol';
import type { ConsumerSet } from './consumer-set.ts';
import type { Link, Way } from './environment.ts';
import type { MemoryConsumer } from './memory-consumer.ts';
import type { Puller } from './puller-set.ts';

/** How long the server keeps a request of a node that does not move, in milliseconds: the real adapter's expiry. */
const REQUEST_EXPIRES_MS = 30_000;

/** How long a node waits for the end of its share, in milliseconds. */
const STOP_TIMEOUT_MS = 2_000;

export class MemoryConsumption implements Consumption {
  readonly #consumers: ConsumerSet;
  readonly #link: Link;
  readonly #spec: ConsumerSpec;
  readonly #options: ConsumeOptions;
  readonly #requests: Way;
  readonly #deliveries: Way;
  readonly #endings: Array<() => void> = [];
  #rank: number;
  #joined: { readonly consumer: MemoryConsumer; readonly puller: Puller } | undefined;
  #taken = 0;
  #stopped = false;

  private constructor(consumers: ConsumerSet, link: Link, spec: ConsumerSpec, options: ConsumeOptions) {
    this.#consumers = consumers;
    this.#link = link;
    this.#spec = spec;
    this.#options = options;
    this.#rank = options.rank;
    this.#requests = link.toServer(`pull ${spec.name}`);
    this.#deliveries = link.toNode(`deliveries ${spec.name}`);
  }

  /** @throws {WakebusError} `UNAVAILABLE`. */
  static async join(
    consumers: ConsumerSet,
    link: Link,
    spec: ConsumerSpec,
    options: ConsumeOptions,
  ): Promise<MemoryConsumption> {
    const consumption = new MemoryConsumption(consumers, link, spec, options);
    await link.call({
      way: consumption.#requests,
      label: 'consume',
      kind: 'write',
      atServer: () => consumption.#enter(),
      unanswered: () => consumption.#abandon(),
    });
    consumption.#endings.push(
      link.onReconnect(() => consumption.#rejoin()),
      link.onDisconnect(() => consumption.#exit()),
    );
    consumption.#renewLater();
    return consumption;
  }

  /** What was asked for expires and is asked for again, so that a request or a delivery that was lost does not lower the stock for good. */
  #renewLater(): void {
    if (this.#stopped) return;
    this.#link.clock.setTimer(REQUEST_EXPIRES_MS, () => {
      this.#link.send(this.#requests, 'renew', () => this.#renew());
      this.#renewLater();
    });
  }

  #renew(): void {
    if (this.#stopped) return;
    // A consumer that is gone does not hear: the real adapter finds that out by its missing heartbeats.
    if (this.#joined === undefined || this.#consumers.get(this.#spec.name) !== this.#joined.consumer)
      return this.#enter();
    const { consumer, puller } = this.#joined;
    puller.credit = this.#link.stock;
    consumer.dispatch();
  }

  setRank(rank: number): void {
    this.#rank = rank;
    this.#link.send(this.#requests, 'set rank', () => {
      if (this.#joined !== undefined) this.#joined.puller.rank = rank;
    });
  }

  stop(): Promise<void> {
    this.#stopped = true;
    for (const end of this.#endings) end();
    return new Promise((resolve) => {
      // The real adapter gives up with the connection; here only a message may have been lost.
      this.#link.clock.setTimer(STOP_TIMEOUT_MS, resolve);
      this.#link.send(this.#requests, 'stop consuming', () => {
        this.#exit();
        this.#link.deliver(this.#deliveries, 'consuming ended', resolve);
      });
    });
  }

  #abandon(): never {
    this.#stopped = true;
    this.#link.send(this.#requests, 'abandon consumer', () => this.#exit());
    throw new WakebusError('UNAVAILABLE', { what: `The consumer ${this.#spec.name}` });
  }

  /** The server takes this node in. */
  #enter(): void {
    this.#exit();
    if (this.#stopped) return;
    const consumer = this.#consumers.ensure(this.#spec);
    const puller: Puller = {
      rank: this.#rank,
      credit: this.#link.stock,
      isWaiting: () => this.#link.isConnected() && this.#link.stoppedForMs() < REQUEST_EXPIRES_MS,
      deliver: (delivery) => this.#link.deliver(this.#deliveries, 'delivery', () => this.#take(delivery, puller)),
      forgotten: () => this.#link.deliver(this.#deliveries, 'consumer forgotten', () => this.#rejoin()),
    };
    this.#joined = { consumer, puller };
    this.#taken = 0;
    consumer.join(puller);
  }

  /** The server forgets this node's requests. */
  #exit(): void {
    this.#joined?.consumer.leave(this.#joined.puller);
    this.#joined = undefined;
  }

  #rejoin(): void {
    this.#link.send(this.#requests, 'consume again', () => this.#enter());
  }

  #take(delivery: Delivery, puller: Puller): void {
    this.#taken += 1;
    if (!this.#stopped && this.#taken * 2 >= this.#link.stock) this.#refill(puller);
    this.#options.onDelivery(delivery);
  }

  #refill(puller: Puller): void {
    const asked = this.#taken;
    this.#taken = 0;
    this.#link.send(this.#requests, 'pull', () => {
      puller.credit += asked;
      if (this.#joined?.puller === puller) this.#joined.consumer.dispatch();
    });
  }
}
