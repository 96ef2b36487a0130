/**
 * The partitions that this node serves: its share in each durable consumer, its rank there, and the
 * unbroken runs of deliveries that it has seen.
 */
import { type AgentKey, isCanonicalKey, splitKey } from '@wakebus/protocol';
import type { NodeContext } from './node-context.ts';
import { refusedAgainMs } from './park.ts';
import { MAX_RANK, placePartitions } from './placement.ts';
import { consumeStrays, discardStray } from './strays.ts';
import type { Consumption, ConsumerSpec, Delivery } from './ports/event-log.ts';
import type { Member } from './membership.ts';
import type { DeliveryRun } from './mailbox.ts';

/** A message that nobody answers for is delivered again after so long, in milliseconds: a killed node's messages wait no longer. */
const ACK_WAIT_MS = 5_000;
/** A delivery that this node cannot place is offered again after so long, in milliseconds. */
const OFFER_AGAIN_MS = 1_000;

/** Where deliveries go. */
export interface DeliverySink {
  has(key: AgentKey): boolean;
  offer(key: AgentKey, delivery: Delivery): void;
  ring(key: AgentKey): void;
  /** Forgets sessions, which then start from their records again. */
  dropAll(matches: (key: AgentKey) => boolean): void;
  forward(nodeId: string, key: AgentKey, doorbells: readonly Delivery[]): Promise<boolean>;
}

class Partition implements DeliveryRun {
  readonly index: number;
  run = 0;
  lastDeliverySeq = -1;
  /** The highest sequence that was delivered for the first time: a lower one says that consumer or inbox are new. */
  lastNewSeq = 0;
  isInDoubt = false;
  /** The placement nodes that should serve it, best first. */
  order: readonly string[] = [];
  /** Whether this node is to run agents in it. */
  isMine = false;
  consumption: Consumption | undefined;

  constructor(index: number) {
    this.index = index;
  }
}

export class Partitions {
  readonly #context: NodeContext;
  readonly #pool: string;
  readonly #all: readonly Partition[];
  #sink: DeliverySink | undefined;
  #types: readonly string[] = [];
  #isStopped = false;
  #strays: readonly Consumption[] = [];
  /** What each member can run. */
  #skills: ReadonlyMap<string, Member['types']> = new Map();

  constructor(context: NodeContext, pool: string) {
    this.#context = context;
    this.#pool = pool;
    this.#all = Array.from({ length: context.layout.partitions }, (_, index) => new Partition(index));
  }

  runOf(key: AgentKey): DeliveryRun {
    return this.#of(key);
  }

  firstFor(key: AgentKey): string | undefined {
    return this.#firstOf(this.#of(key), splitKey(key).type);
  }

  /** The best node that knows a type: those of one pool differ while a deployment rolls. */
  #firstOf(partition: Partition, type: string): string | undefined {
    return partition.order.find((nodeId) => this.#skills.get(nodeId)?.[type] !== undefined);
  }

  /** Partitions in which this node comes first. */
  get firstCount(): number {
    return this.#all.filter((partition) => partition.order[0] === this.#context.nodeId).length;
  }

  /**
   * Joins every partition's consumer, already ranked: the first deliveries must find their place.
   *
   * @param types - The agent types of the pool, those that only other nodes know among them.
   */
  async join(sink: DeliverySink, types: readonly string[], members: readonly Member[]): Promise<void> {
    this.#sink = sink;
    this.#types = types;
    const gained = this.#order(members);
    await Promise.all(this.#all.map((partition) => this.#consume(partition)));
    this.#strays = await consumeStrays(this.#context);
    void this.#sweep(gained);
  }

  /** Asks for nothing more. What is on its way still arrives. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const consumptions = [...this.#all.map(({ consumption }) => consumption), ...this.#strays];
    await Promise.all(consumptions.map(async (consumption) => consumption?.stop()));
  }

  /**
   * Ranks the partitions anew after a change of members. A partition that comes to this node is swept:
   * what a dead node had been given would otherwise wait for its redelivery.
   */
  rank(members: readonly Member[]): void {
    // Before it has joined, nothing comes to this node: what `join` finds then is all gained at once.
    if (this.#sink === undefined) return;
    const gained = this.#order(members);
    if (gained.length > 0) void this.#sweep(gained);
  }

  /** Rings every agent of a type that this node should run and that has waiting messages. */
  ringType(type: string): void {
    if (this.#sink !== undefined) void this.#sweep(this.#all, type);
  }

  /** @returns the partitions that have come to this node. */
  #order(members: readonly Member[]): Partition[] {
    const eligible = eligibleMembers(members, this.#pool).map(({ nodeId }) => nodeId);
    const { definitions, nodeId } = this.#context;
    this.#skills = new Map(members.map((member) => [member.nodeId, member.types]));
    const orders = placePartitions(eligible, this.#pool, this.#all.length);
    const gained: Partition[] = [];
    for (const partition of this.#all) {
      const wasMine = partition.isMine;
      partition.order = orders[partition.index] ?? [];
      const rank = this.#rankOf(partition);
      partition.consumption?.setRank(rank);
      partition.isMine = [...definitions.keys()].some((type) => this.#firstOf(partition, type) === nodeId);
      if (partition.isMine && !wasMine) gained.push(partition);
    }
    return gained;
  }

  #rankOf(partition: Partition): number {
    const rank = partition.order.indexOf(this.#context.nodeId);
    return rank < 0 ? MAX_RANK : Math.min(rank, MAX_RANK);
  }

  async #consume(partition: Partition): Promise<void> {
    const { layout, ports } = this.#context;
    const spec: ConsumerSpec = {
      name: layout.consumerName(this.#pool, partition.index),
      filters: this.#types.map((type) => layout.partitionFilter(partition.index, type)),
      ackWaitMs: ACK_WAIT_MS,
    };
    const inbox = ports.inboxes[layout.shardOf(partition.index)];
    if (inbox === undefined) return;
    partition.consumption = await inbox.consume(spec, {
      rank: this.#rankOf(partition),
      onDelivery: (delivery) => this.#onDelivery(partition, delivery),
    });
    if (this.#isStopped) return partition.consumption.stop();
    // The members may have changed meanwhile.
    partition.consumption.setRank(this.#rankOf(partition));
  }

  #onDelivery(partition: Partition, delivery: Delivery): void {
    if (delivery.deliverySeq !== partition.lastDeliverySeq + 1) partition.run += 1;
    partition.lastDeliverySeq = delivery.deliverySeq;
    if (delivery.deliveries === 1 && delivery.seq <= partition.lastNewSeq) void this.#doubt(partition);
    if (partition.isInDoubt) {
      this.#offerAgain(partition, delivery);
      return;
    }
    partition.lastNewSeq = Math.max(partition.lastNewSeq, delivery.seq);
    const read = this.#context.layout.readInboxSubject(delivery.subject);
    if (read === undefined || !isCanonicalKey(read.key)) {
      void discardStray(this.#context, this.#inbox(partition), delivery);
      return;
    }
    this.#place(partition, read.key, delivery);
  }

  /**
   * Asks whether the inbox is still the one in which the sessions count: one that was recreated, or restored
   * from a backup, would have its new messages taken for processed ones. Until then nothing is believed.
   */
  async #doubt(partition: Partition): Promise<void> {
    if (partition.isInDoubt) return;
    partition.isInDoubt = true;
    const { incarnations, layout, log, ports } = this.#context;
    const shard = layout.shardOf(partition.index);
    try {
      const { incarnation, lastSeq } = (await this.#inbox(partition)?.info()) ?? { incarnation: '', lastSeq: 0 };
      if (incarnation !== incarnations[shard] || lastSeq < partition.lastNewSeq) {
        log.warn(`inbox ${shard} has been recreated or restored`, { incarnation, lastSeq });
        incarnations[shard] = incarnation;
        this.#sink?.dropAll((key) => layout.partitionOf(key) === partition.index);
      }
      partition.lastNewSeq = 0;
      partition.isInDoubt = false;
    } catch {
      ports.clock.setTimer(OFFER_AGAIN_MS, () => {
        partition.isInDoubt = false;
        void this.#doubt(partition);
      });
    }
  }

  /** Sessions in memory take their own; others are the business of the node that comes first. */
  #place(partition: Partition, key: AgentKey, delivery: Delivery): void {
    const sink = this.#sink as DeliverySink;
    const first = this.#firstOf(partition, splitKey(key).type);
    if (sink.has(key)) sink.offer(key, delivery);
    else if (this.#context.disabledTypes.has(splitKey(key).type))
      this.#offerAgain(partition, delivery, refusedAgainMs(delivery.deliveries));
    else if (first === undefined) this.#offerAgain(partition, delivery);
    else if (first === this.#context.nodeId) sink.offer(key, delivery);
    else void this.#forward(partition, key, delivery, first);
  }

  async #forward(partition: Partition, key: AgentKey, delivery: Delivery, first: string): Promise<void> {
    if (await (this.#sink as DeliverySink).forward(first, key, [delivery])) return;
    // Nobody took it: that node is passed over from now on, and the order has changed.
    this.#place(partition, key, delivery);
  }

  /** A delivery that is put off comes after those that follow it now: sessions must not take what follows for the next. */
  #offerAgain(partition: Partition, delivery: Delivery, afterMs: number = OFFER_AGAIN_MS): void {
    partition.run += 1;
    this.#inbox(partition)?.nak(delivery.ackToken, afterMs);
  }

  /** Treats every agent with waiting messages as rung. A sweep that fails is repeated by the next change, or by redelivery. */
  async #sweep(partitions: readonly Partition[], type?: string): Promise<void> {
    const { layout, log } = this.#context;
    for (const partition of partitions) {
      const { index } = partition;
      const filter = type === undefined ? layout.inboxFilter(index) : layout.partitionFilter(index, type);
      try {
        const subjects = (await this.#inbox(partition)?.subjects(filter)) ?? new Map<string, number>();
        // What waits then is the business of the nodes that stay.
        if (this.#isStopped) return;
        const keys = new Set([...subjects.keys()].map((subject) => layout.readInboxSubject(subject)?.key));
        for (const key of keys) {
          if (key === undefined || !isCanonicalKey(key)) continue;
          if (this.#firstOf(partition, splitKey(key).type) === this.#context.nodeId) this.#sink?.ring(key);
        }
      } catch (thrown) {
        if (this.#isStopped) return;
        log.warn(`partition ${partition.index} could not be swept`, { error: String(thrown) });
      }
    }
  }

  #inbox(partition: Partition): NodeContext['ports']['inboxes'][number] | undefined {
    return this.#context.ports.inboxes[this.#context.layout.shardOf(partition.index)];
  }

  #of(key: AgentKey): Partition {
    return this.#all[this.#context.layout.partitionOf(key)] as Partition;
  }
}

/**
 * The members that can run everything which the pool's newest nodes write: an older node would find
 * records of a version that it cannot read.
 */
function eligibleMembers(members: readonly Member[], pool: string): readonly Member[] {
  const inPool = members.filter((member) => member.pool === pool);
  const newest = new Map<string, number>();
  for (const { types } of inPool) {
    for (const [type, version] of Object.entries(types)) newest.set(type, Math.max(version, newest.get(type) ?? 0));
  }
  const able = inPool.filter(({ types }) =>
    [...newest].every(([type, version]) => types[type] === undefined || types[type] >= version),
  );
  const complete = able.filter(({ types }) => [...newest.keys()].every((type) => types[type] !== undefined));
  return complete.length > 0 ? complete : able.length > 0 ? able : inPool;
}
