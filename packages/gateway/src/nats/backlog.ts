/**
 * How many messages wait for placement nodes, over all partitions: what a scaler of nodes goes by.
 *
 * A pool has one consumer a partition, so no consumer alone says how much there is. What is delivered and not
 * acknowledged counts, too: it is done only when a commit covers it.
 */
import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { type Layout, WakebusError } from '@wakebus/protocol';

/** The server does not know such a consumer. */
const CONSUMER_NOT_FOUND = 10_014;

export class Backlog {
  readonly #jsm: JetStreamManager;
  readonly #layout: Layout;

  constructor(jsm: JetStreamManager, layout: Layout) {
    this.#jsm = jsm;
    this.#layout = layout;
  }

  /** Messages that wait for a pool; 0 for one that nobody has started. @throws {WakebusError} `UNAVAILABLE`. */
  async messages(pool: string): Promise<number> {
    const partitions = Array.from({ length: this.#layout.partitions }, (_, partition) => partition);
    const counts = await Promise.all(partitions.map((partition) => this.#of(pool, partition)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async #of(pool: string, partition: number): Promise<number> {
    const stream = this.#layout.inboxStream(this.#layout.shardOf(partition));
    try {
      const info = await this.#jsm.consumers.info(stream, this.#layout.consumerName(pool, partition));
      return info.num_pending + info.num_ack_pending;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === CONSUMER_NOT_FOUND) return 0;
      throw new WakebusError('UNAVAILABLE', { what: 'JetStream' }, { cause: error });
    }
  }
}
