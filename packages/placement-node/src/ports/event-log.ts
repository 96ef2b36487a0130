/**
 * An ordered log of messages under subjects: a JetStream stream, as far as the runtime uses one.
 *
 * Reads are hints: they may be stale, on any replica, at any time. What decides is an append that
 * expects a sequence. Outcomes that callers must handle are values; a read that gets no answer throws
 * `UNAVAILABLE`, because an error is not an empty log.
 */
import type { Headers } from '@wakebus/protocol';

/** A message as the log keeps it. `data` is the reader's own copy. */
export interface StoredMessage {
  readonly seq: number;
  readonly subject: string;
  readonly headers: Headers;
  readonly data: Uint8Array;
  readonly storedMs: number;
}

/** A message as a consumer hands it out. */
export interface Delivery extends StoredMessage {
  /** Rises by one with each delivery of the consumer, to whomever it goes. */
  readonly deliverySeq: number;
  /** How often this message has been delivered, from 1. */
  readonly deliveries: number;
  /** Opaque; may be passed to another process, which then answers for the message. */
  readonly ackToken: string;
}

export interface AppendOptions {
  readonly headers?: Headers;
  /** Dedupe key within the log's window. */
  readonly messageId?: string;
  /** Append only if the last message under the subject has this sequence; 0: only if there is none. */
  readonly expectedSubjectSeq?: number;
  /** Store a schedule in place of the message: at `atMs` the log appends it under `target` by itself, with time to live `ttlMs`. */
  readonly schedule?: { readonly atMs: number; readonly target: string; readonly ttlMs: number };
}

/**
 * What became of an append. `unknown`: no answer came, and half of all such appends have been applied;
 * repeat it under the same ID or expectation, or read back.
 */
export type AppendOutcome =
  | { readonly kind: 'stored'; readonly seq: number; readonly duplicate: boolean }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'full' }
  | { readonly kind: 'unknown'; readonly cause: unknown };

/** A durable consumer of some of the log's subjects, shared by the placement nodes of a pool. */
export interface ConsumerSpec {
  readonly name: string;
  readonly filters: readonly string[];
  /** Redelivered when neither acknowledged nor reported as in work for so long, in milliseconds. */
  readonly ackWaitMs: number;
}

export interface ConsumeOptions {
  /** 0 is served first; higher ranks only while no lower one asks for messages. 0 to 9. */
  readonly rank: number;
  readonly onDelivery: (delivery: Delivery) => void;
}

/** One process's share in a consumer. */
export interface Consumption {
  /** Asks under another rank from now on. Deliveries on their way still arrive. */
  setRank(rank: number): void;
  /** Asks for nothing more; resolves when what was on its way has arrived. */
  stop(): Promise<void>;
}

export interface LogInfo {
  /** Drawn when the log was created: a recreated log has another. */
  readonly incarnation: string;
  readonly lastSeq: number;
  readonly messages: number;
  /** Share of the tightest limit that is used, 0 to 1; 0 without limits. */
  readonly fill: number;
}

export interface EventLog {
  append(subject: string, data: Uint8Array, options?: AppendOptions): Promise<AppendOutcome>;
  /** Appends without waiting; for what is repeated anyway when it is lost. */
  appendLater(subject: string, data: Uint8Array, options?: AppendOptions): void;
  /**
   * Messages that match `filter`, ascending, from `fromSeq` on.
   *
   * @param filter - One subject filter, wildcards allowed.
   * @param limit - At most so many; fewer may come (also by size) although more are there, but never none while the replica has one.
   * @throws {WakebusError} `UNAVAILABLE`.
   */
  read(filter: string, fromSeq: number, limit: number): Promise<StoredMessage[]>;
  /** The message at a sequence, asked of the leader. @throws {WakebusError} `UNAVAILABLE`. */
  get(seq: number): Promise<StoredMessage | undefined>;
  /** The last message that matches a filter, asked of the leader. @throws {WakebusError} `UNAVAILABLE`. */
  last(filter: string): Promise<StoredMessage | undefined>;
  /** Subjects that hold messages, with their count, asked of the leader. @throws {WakebusError} `UNAVAILABLE`. */
  subjects(filter: string): Promise<Map<string, number>>;
  /** Removes what matches the filter. @returns whether it is known to have been done. */
  purge(filter: string): Promise<boolean>;
  /** @throws {WakebusError} `UNAVAILABLE`. */
  info(): Promise<LogInfo>;
  /**
   * Joins a durable consumer, creating it or adding filters to it where needed (filters are never taken away here).
   *
   * A consumer that is deleted, or whose server restarts, is recreated and rejoined without a call.
   */
  consume(spec: ConsumerSpec, options: ConsumeOptions): Promise<Consumption>;
  /** Never asks for this message again. Sent without waiting; a lost one costs a redelivery. */
  ack(ackToken: string): void;
  /** Starts the acknowledgement wait anew. */
  working(ackToken: string): void;
  /** Asks for the message to be delivered again, not before `delayMs`. */
  nak(ackToken: string, delayMs: number): void;
}
