/**
 * The operations of a trace on consumers, as one side runs them, and what was delivered meanwhile.
 *
 * Two processes that share a consumer are served as the server likes: who got a message is not compared,
 * only that the consumer delivered it, how often, and in which order where one process has it alone.
 */
import type { Consumption, Delivery, EventLog, Ports } from '@wakebus/placement-node';
import type { Process, TraceOperation } from './operation.ts';
import { type Outcome, ofMessage } from './outcome.ts';
import type { Scene } from './scene.ts';

export type ConsumerPartOperation = Extract<
  TraceOperation,
  { do: 'consume' | 'set rank' | 'stop' | 'ack' | 'nak' | 'working' }
>;

/** One consumer of the trace. */
interface Shared {
  readonly members: Map<Process, Consumption>;
  /** Everybody who has ever been in. */
  readonly everIn: Set<Process>;
  /** In the order of arrival. */
  readonly got: Delivery[];
}

export class ConsumerPart {
  readonly #processes: readonly [Ports, Ports];
  readonly #scene: Scene;
  readonly #base: () => number;
  readonly #shared = new Map<number, Shared>();

  /** @param base - The inbox's last sequence before the trace. */
  constructor(processes: readonly [Ports, Ports], scene: Scene, base: () => number) {
    this.#processes = processes;
    this.#scene = scene;
    this.#base = base;
  }

  async apply(operation: ConsumerPartOperation): Promise<Outcome> {
    switch (operation.do) {
      case 'consume':
        return this.#consume(operation);
      case 'set rank':
        this.#shared.get(operation.partition)?.members.get(operation.by)?.setRank(operation.rank);
        return 'done';
      case 'stop':
        return this.#stop(operation.partition, operation.by);
      default:
        return this.#tell(operation);
    }
  }

  /** What each consumer has delivered so far. */
  delivered(): Outcome {
    return [...this.#shared].map(([partition, { everIn, got }]) => {
      const list = everIn.size > 1 ? got.toSorted(byMessage) : got;
      const base = this.#base();
      return [partition, list.map((delivery) => [delivery.deliveries, ofMessage(delivery, base)])];
    });
  }

  /** Names of the consumers that the trace has made. */
  names(): string[] {
    return [...this.#shared.keys()].map((partition) => this.#scene.consumer(partition));
  }

  async end(): Promise<void> {
    const members = [...this.#shared.values()].flatMap((shared) => [...shared.members.values()]);
    await Promise.all(members.map((member) => member.stop()));
  }

  async #consume(operation: Extract<ConsumerPartOperation, { do: 'consume' }>): Promise<Outcome> {
    const { by, partition, rank, ackWaitMs, types } = operation;
    const shared = this.#of(partition);
    if (shared.members.has(by)) return 'is in already';
    shared.everIn.add(by);
    const filters = this.#scene.consumerFilters(partition, types);
    const spec = { name: this.#scene.consumer(partition), filters, ackWaitMs };
    const onDelivery = (delivery: Delivery): void => void shared.got.push(delivery);
    shared.members.set(by, await this.#inbox(by).consume(spec, { rank, onDelivery }));
    return 'is in';
  }

  async #stop(partition: number, by: Process): Promise<Outcome> {
    const { members } = this.#of(partition);
    const member = members.get(by);
    if (member === undefined) return 'was not in';
    members.delete(by);
    await member.stop();
    return 'is out';
  }

  #tell(operation: Extract<ConsumerPartOperation, { do: 'ack' | 'nak' | 'working' }>): Outcome {
    const all = [...this.#shared.values()].flatMap(({ got }) => got).toSorted(byMessage);
    const delivery = all.at(-1 - operation.back);
    if (delivery === undefined) return 'nothing to answer for';
    const inbox = this.#inbox(0);
    if (operation.do === 'nak') inbox.nak(delivery.ackToken, operation.delayMs);
    else if (operation.do === 'ack') inbox.ack(delivery.ackToken);
    else inbox.working(delivery.ackToken);
    return [delivery.seq - this.#base(), delivery.deliveries];
  }

  #inbox(by: Process): EventLog {
    return this.#processes[by].inboxes[0] as EventLog;
  }

  #of(partition: number): Shared {
    let shared = this.#shared.get(partition);
    if (shared === undefined) {
      shared = { members: new Map(), everIn: new Set(), got: [] };
      this.#shared.set(partition, shared);
    }
    return shared;
  }
}

function byMessage(a: Delivery, b: Delivery): number {
  return a.seq - b.seq || a.deliveries - b.deliveries;
}
