/**
 * The truth of a deployment in memory: its streams, buckets, consumers, schedules and listeners.
 *
 * It models a JetStream server as far as the ports use one; {@link memoryPorts} is how a node reaches
 * it. Everything here happens at once, in the step that calls it.
 */
import { type AppendOptions, type AppendOutcome, REFRESH_AFTER_MS, type StoredMessage } from '@wakebus/placement-node';
import type { Headers, Layout } from '@wakebus/protocol';
import { readAckToken } from './ack-token.ts';
import { ConsumerSet } from './consumer-set.ts';
import type { ServerEnvironment } from './environment.ts';
import { MemoryBroker } from './memory-broker.ts';
import { type BucketOptions, MemoryBucket } from './memory-bucket.ts';
import { MemoryStream, type StreamOptions } from './memory-stream.ts';
import { Schedules } from './schedules.ts';
import { type SubjectTransform, subjectTransform } from './subjects.ts';

export interface MemoryServerOptions {
  /** Servers that keep each stream: 3 show stale reads and writes in flight, where faults ask for them; 1 never does. @default 3 */
  readonly replicas?: 1 | 3;
  /** Messages in each inbox. @default 1,000,000 */
  readonly inboxMaxMessages?: number;
  /** Bytes in each inbox. @default 1 GiB */
  readonly inboxMaxBytes?: number;
  /** How long a message ID is recognized, in milliseconds. @default 120,000 */
  readonly dedupeWindowMs?: number;
  /** Longest message that the server takes, in bytes. @default 1 MiB – the server's own default */
  readonly maxPayloadBytes?: number;
  /** How long the marker of an expired lease stays, in milliseconds. @default 10,000 – as a deployment is created */
  readonly leaseMarkerTtlMs?: number;
  /** From which age on, in milliseconds, a chunk that is put again is written again. @default as in every object store */
  readonly refreshAfterMs?: number;
}

/** An event from outside, as any NATS client sends it. */
export interface OutsideEvent {
  readonly headers?: Headers;
  /** Dedupe key within the server's window. */
  readonly messageId?: string;
}

/** One shard: its inbox with consumers, and its timers. */
interface Shard {
  readonly inbox: MemoryStream;
  readonly consumers: ConsumerSet;
  readonly timers: MemoryStream;
  readonly schedules: Schedules;
}

const FROZEN = new Error('no answer came in time: the stream is frozen');

/** Largest message of an inbox, in bytes, as a deployment is created. */
const INBOX_MESSAGE_LIMIT_BYTES = 320 * 1024;

/** A timer that is due within this time, in milliseconds, keeps the server from being quiet. */
const SOON_MS = 10 * 60 * 1000;

export class MemoryServer {
  readonly layout: Layout;
  readonly shards: readonly Shard[];
  readonly births: MemoryStream;
  readonly held: MemoryStream;
  readonly deadLetters: MemoryStream;
  readonly history: MemoryStream;
  readonly audit: MemoryStream;
  readonly incidents: MemoryStream;
  readonly objects: MemoryStream;
  readonly agents: MemoryBucket;
  readonly leases: MemoryBucket;
  readonly registry: MemoryBucket;
  readonly snapshots: MemoryBucket;
  readonly broker: MemoryBroker;
  /** Longest message that a client may send, in bytes. */
  readonly maxPayloadBytes: number;
  readonly refreshAfterMs: number;
  readonly #environment: ServerEnvironment;
  readonly #replicas: 1 | 3;
  readonly #toInbox: SubjectTransform;
  readonly #consumers = new Map<string, ConsumerSet>();
  #changedMs: number;

  constructor(layout: Layout, environment: ServerEnvironment, options: MemoryServerOptions = {}) {
    const { dedupeWindowMs = 120_000, replicas = 3, maxPayloadBytes = 1024 * 1024 } = options;
    const stream = (name: string, more: StreamOptions = {}): MemoryStream =>
      new MemoryStream(name, environment, { replicas, ...more });
    const bucket = (name: string, more: BucketOptions = {}): MemoryBucket =>
      new MemoryBucket(name, environment, { replicas, ...more });
    this.maxPayloadBytes = maxPayloadBytes;
    this.refreshAfterMs = options.refreshAfterMs ?? REFRESH_AFTER_MS;
    this.#replicas = replicas;
    this.layout = layout;
    this.#environment = environment;
    this.#toInbox = subjectTransform(layout.inboxTransform);
    this.births = stream(layout.birthsStream, { onePerSubject: 'new' });
    this.objects = stream(layout.objectsBucket);
    this.held = stream(layout.heldStream, { dedupeWindowMs });
    this.deadLetters = stream(layout.deadLettersStream, { dedupeWindowMs });
    this.history = stream(layout.historyStream, { dedupeWindowMs });
    this.audit = stream(layout.auditStream, { dedupeWindowMs });
    this.incidents = stream(layout.incidentsStream, { dedupeWindowMs });
    this.agents = bucket(layout.agentsBucket);
    this.leases = bucket(layout.leasesBucket, { markerTtlMs: options.leaseMarkerTtlMs ?? 10_000 });
    this.registry = bucket(layout.registryBucket);
    this.snapshots = bucket(layout.snapshotsBucket, { markerTtlMs: 60_000 });
    this.broker = new MemoryBroker(environment);
    this.shards = Array.from({ length: layout.shards }, (_, shard) => this.#openShard(shard, options));
    this.#changedMs = environment.nowMs();
    this.#noteChanges();
  }

  /** The server's own clock, in milliseconds since the epoch. */
  nowMs(): number {
    return this.#environment.nowMs();
  }

  /** Publishes an event as outsiders do: `agents.<type>.<id>.<event>`, JSON unless a header says otherwise. */
  publish(subject: string, data: Uint8Array, event: OutsideEvent = {}): AppendOutcome {
    const stored = this.toInboxSubject(subject);
    const pending = this.layout.readPending(stored);
    const shard = pending === undefined ? 0 : this.layout.shardOf(pending.partition);
    const { inbox } = this.shards[shard] as Shard;
    return inbox.isFrozen ? { kind: 'unknown', cause: FROZEN } : inbox.append(stored, data, event);
  }

  /** The subject under which the inbox stores what is published under another. */
  toInboxSubject(subject: string): string {
    return this.#toInbox(subject);
  }

  /** Appends to a stream by whatever name: subjects are renamed and schedules are armed as its configuration says. */
  append(stream: MemoryStream, subject: string, data: Uint8Array, options: AppendOptions): AppendOutcome {
    for (const { inbox, timers, schedules } of this.shards) {
      if (stream === inbox)
        return this.#environment.hits('full')
          ? { kind: 'full' }
          : inbox.append(this.toInboxSubject(subject), data, options);
      if (stream === timers) return schedules.append(subject, data, options);
    }
    return stream.append(subject, data, options);
  }

  /** The durable consumers of a stream. */
  consumersOf(stream: MemoryStream): ConsumerSet {
    let consumers = this.#consumers.get(stream.name);
    if (consumers === undefined) {
      consumers = new ConsumerSet(stream, this.#environment);
      this.#consumers.set(stream.name, consumers);
    }
    return consumers;
  }

  ack(ackToken: string): void {
    const token = readAckToken(ackToken);
    if (token !== undefined) this.#consumers.get(token.stream)?.ack(token.consumer, token.seq);
  }

  working(ackToken: string): void {
    const token = readAckToken(ackToken);
    if (token !== undefined) this.#consumers.get(token.stream)?.get(token.consumer)?.working(token.seq);
  }

  nak(ackToken: string, delayMs: number): void {
    const token = readAckToken(ackToken);
    if (token !== undefined) this.#consumers.get(token.stream)?.get(token.consumer)?.nak(token.seq, delayMs);
  }

  /**
   * The disk is full: every stream and bucket freezes. Writes get no answer and change nothing, acknowledgements
   * do nothing, timers do not fire; reads go on. Room on the disk alone does not help: {@link MemoryServer.restart} does.
   */
  fillDisk(): void {
    for (const store of this.#stores()) store.isFrozen = true;
  }

  /** What a restart forgets: IDs of messages that are gone, and on one server the consumers. Schedules survive. */
  restart(): void {
    for (const store of this.#stores()) store.isFrozen = false;
    for (const stream of [
      ...this.shards.flatMap(({ inbox, timers }) => [inbox, timers]),
      this.held,
      this.deadLetters,
      this.history,
      this.audit,
      this.incidents,
    ])
      stream.forgetRemovedIds();
    for (const consumers of this.#consumers.values()) {
      if (this.#replicas === 1) consumers.loseAll();
      else consumers.breakRuns();
    }
  }

  /** Everything that waits in the inboxes, shard by shard. */
  inbox(): StoredMessage[] {
    return this.shards.flatMap(({ inbox }) => inbox.read('>', 1, Number.MAX_SAFE_INTEGER));
  }

  /** Whether nothing waits in an inbox, no timer is due soon, and neither an inbox nor a record has changed for some time. */
  isQuiet(forMs: number): boolean {
    const nowMs = this.#environment.nowMs();
    if (nowMs - this.#changedMs < forMs) return false;
    return this.shards.every(
      ({ inbox, schedules }) => inbox.size === 0 && schedules.unsourced === 0 && !schedules.firesBy(nowMs + SOON_MS),
    );
  }

  #stores(): Array<MemoryStream | MemoryBucket> {
    const { births, held, deadLetters, history, objects, agents, leases, registry, snapshots } = this;
    const shards = this.shards.flatMap(({ inbox, timers }) => [inbox, timers]);
    return [...shards, births, held, deadLetters, history, objects, agents, leases, registry, snapshots];
  }

  #openShard(shard: number, options: MemoryServerOptions): Shard {
    const { inboxMaxMessages = 1_000_000, inboxMaxBytes = 1024 ** 3 } = options;
    const { dedupeWindowMs = 120_000, replicas = 3 } = options;
    const inbox = new MemoryStream(this.layout.inboxStream(shard), this.#environment, {
      maxMessages: inboxMaxMessages,
      maxBytes: inboxMaxBytes,
      maxMessageBytes: INBOX_MESSAGE_LIMIT_BYTES,
      dedupeWindowMs,
      replicas,
    });
    const timers = new MemoryStream(this.layout.timersStream(shard), this.#environment, { replicas });
    const schedules = new Schedules(timers, inbox, this.layout.fireTransform, this.#environment);
    return { inbox, consumers: this.consumersOf(inbox), timers, schedules };
  }

  #noteChanges(): void {
    const note = (): void => {
      this.#changedMs = this.#environment.nowMs();
    };
    for (const { inbox, timers } of this.shards) {
      inbox.listen({ stored: note, removed: note });
      timers.listen({ stored: note });
    }
    this.held.listen({ stored: note, removed: note });
    this.agents.listen(note);
  }
}
