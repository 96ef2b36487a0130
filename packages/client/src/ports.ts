/**
 * What the client needs of the world. `nats/` implements it over a connection; the ports of a
 * placement node fit it too, so that a simulator can run this very code.
 */
import type { Headers, Layout } from '@wakebus/protocol';

/** A timer that can be taken back. */
export interface ClientTimer {
  cancel(): void;
}

/** Wall time for what others read, monotonic time for waiting; in milliseconds. */
export interface ClientClock {
  wallMs(): number;
  monotonicMs(): number;
  setTimer(delayMs: number, callback: () => void): ClientTimer;
}

/** What became of a publish. `unknown`: no answer came; whether it was stored is open, unless the cause is a {@link NotStored}. */
export type PublishOutcome =
  | { readonly kind: 'stored'; readonly seq: number; readonly duplicate: boolean }
  | { readonly kind: 'full' }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'unknown'; readonly cause: unknown };

/** Causes after which nothing can have been stored: nobody listened, or it was never sent. After `closed` nothing ever will. */
export interface NotStored {
  readonly why: 'no-responders' | 'not-sent' | 'closed';
}

/** One inbox shard. */
export interface InboxPort {
  append(
    subject: string,
    data: Uint8Array,
    options: { readonly headers: Headers; readonly messageId: string },
  ): Promise<PublishOutcome>;
  /** `fill`: share of the tightest limit that is used, 0 to 1. */
  info(): Promise<{ readonly fill: number }>;
  subjects(filter: string): Promise<ReadonlyMap<string, number>>;
}

/** A message of a log. */
export interface LogMessage {
  readonly seq: number;
  readonly subject: string;
  readonly data: Uint8Array;
}

/** A log that operators look into. */
export interface LogPort {
  /** Messages under a subject filter, ascending, from a sequence on; fewer than `limit` may come, but never none while there is one. */
  read(filter: string, fromSeq: number, limit: number): Promise<readonly LogMessage[]>;
  get(seq: number): Promise<LogMessage | undefined>;
  subjects(filter: string): Promise<ReadonlyMap<string, number>>;
  /** Takes one message out. Not there where nobody operates. @returns whether it was still there. */
  remove?(seq: number): Promise<boolean>;
}

/** A value of a bucket, or its absence. */
export interface BucketValue {
  readonly bytes: Uint8Array | undefined;
  readonly revision: number;
}

/** A bucket to read from. */
export interface BucketPort {
  get(key: string): Promise<BucketValue>;
  keys(filter: string): Promise<string[]>;
  /** Present values under a filter with revisions above `after`, ascending. Without it, `list` reads all keys and then each value. */
  page?(filter: string, after: number, limit: number): Promise<BucketPage>;
}

/** A bucket in which operators leave marks. */
export interface MarkPort extends BucketPort {
  /** Writes a value over whatever is there, or takes it away; the same ID is one write. Not there where nobody operates. */
  set?(key: string, bytes: Uint8Array | undefined, id: string): Promise<PublishOutcome>;
}

/** Where kept snapshots stand: each write is a compare-and-set on a revision, 0 where nothing ever was. */
export interface KeptPort extends Pick<BucketPort, 'get' | 'keys'> {
  /** As {@link BucketPort.get}, asked of whoever leads: no stale replica answers. */
  getFresh(key: string): Promise<BucketValue>;
  put(key: string, bytes: Uint8Array, expectedRevision: number): Promise<Written>;
  remove(key: string, expectedRevision: number): Promise<Written>;
}

/** What became of a write. */
interface Written {
  readonly kind: PublishOutcome['kind'];
}

/** One page of a bucket in the order of revisions. */
export interface BucketPage {
  readonly entries: ReadonlyArray<{ readonly key: string; readonly bytes: Uint8Array; readonly revision: number }>;
  /** Revision to go on after; absent when there is no more. */
  readonly next?: number;
}

/** A stream that is read on and on: of all commits, or of incidents. */
export interface HistoryPort extends Pick<LogPort, 'read'> {
  info(): Promise<{ readonly lastSeq: number }>;
}

/** A plain message. */
export interface PlainMessage {
  readonly subject: string;
  readonly data: Uint8Array;
}

/** Everything outside of the client. */
export interface ClientPorts {
  readonly layout: Layout;
  readonly clock: ClientClock;
  readonly random: { id(): string };
  readonly messenger: {
    subscribe(subject: string, onMessage: (message: PlainMessage) => void): { stop(): void };
  };
  /** One a shard. */
  readonly inboxes: readonly InboxPort[];
  readonly history: HistoryPort;
  /** Messages that stand aside. */
  readonly held: LogPort;
  readonly deadLetters: LogPort;
  /** What operators did. */
  readonly audit: Omit<InboxPort, 'info'> & {
    read: LogPort['read'];
    info(): Promise<{ readonly fill: number; readonly lastSeq: number }>;
  };
  /** What operators must hear of. */
  readonly incidents: HistoryPort;
  readonly agents: BucketPort & Pick<KeptPort, 'getFresh'>;
  readonly snapshots: KeptPort;
  readonly leases: BucketPort;
  /** What is known of agent types. */
  readonly registry: MarkPort;
}
