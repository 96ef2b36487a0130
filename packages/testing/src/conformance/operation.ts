/**
 * The operations of a trace: one use of a port each, as plain data, so that a trace can be printed, kept
 * in a test and run again.
 *
 * Nothing in an operation is an absolute number. Sequences and revisions are named by what they mean
 * (`last`, `older`), and agents, keys and consumers by an index; each side resolves them by what it has
 * seen itself, so a trace means the same on a stream that has had other traces before.
 */

/** The logs of a deployment; timers have operations of their own. */
export const LOGS = ['inbox', 'births', 'held', 'deadLetters', 'history'] as const;
export type LogName = (typeof LOGS)[number];

export const BUCKETS = ['agents', 'leases', 'registry'] as const;
export type BucketName = (typeof BUCKETS)[number];

/** Agents, keys, chunks and message IDs of a trace: so few that operations meet. */
export const NAMES = 3;
export type Index = 0 | 1 | 2;
/** Processes of a trace, each with a connection of its own. */
export type Process = 0 | 1;

/** What a write expects to find: nothing, the last one, one before it, or one that nobody has written. */
export type Expectation = 'none' | 'last' | 'older' | 'beyond';

/** Payloads: `large` is more than an inbox takes, `huge` more than the server does. */
export type Size = 'empty' | 'small' | 'large' | 'huge';

/** One agent's subjects, or everybody's. */
export type Whose = Index | 'all';

export type AppendOperation = {
  readonly do: 'append';
  readonly log: LogName;
  readonly agent: Index;
  readonly by: Process;
  readonly id?: Index;
  readonly expect?: Expectation;
  readonly size?: Size;
  readonly headers?: boolean;
  /** As a placement node does, under a runtime subject. Inbox only. */
  readonly runtime?: boolean;
};

type LogOperation =
  | AppendOperation
  | { readonly do: 'append later'; readonly log: LogName; readonly agent: Index; readonly id?: Index }
  | {
      readonly do: 'read';
      readonly log: LogName;
      readonly whose: Whose;
      readonly from: 'start' | 'last' | 'beyond';
      readonly limit: number;
    }
  | { readonly do: 'get'; readonly log: LogName; readonly at: Exclude<Expectation, 'none'>; readonly agent: Index }
  | { readonly do: 'last'; readonly log: LogName; readonly whose: Whose }
  | { readonly do: 'subjects'; readonly log: LogName; readonly whose: Whose }
  | { readonly do: 'info'; readonly log: LogName }
  | { readonly do: 'purge'; readonly log: LogName; readonly whose: Whose };

type RecordOperation =
  | {
      readonly do: 'put';
      readonly bucket: BucketName;
      readonly key: Index;
      readonly by: Process;
      readonly expect: Expectation;
      readonly ttlMs?: number;
      readonly size?: Size;
    }
  | {
      readonly do: 'remove';
      readonly bucket: BucketName;
      readonly key: Index;
      readonly by: Process;
      readonly expect: Expectation;
    }
  | { readonly do: 'get record'; readonly bucket: BucketName; readonly key: Index; readonly fresh: boolean }
  | { readonly do: 'keys'; readonly bucket: BucketName; readonly whose: Whose }
  | { readonly do: 'scan'; readonly bucket: BucketName; readonly limit: number }
  | { readonly do: 'watch'; readonly bucket: BucketName; readonly whose: Whose }
  /** Several processes write at once at one revision. */
  | { readonly do: 'race'; readonly bucket: BucketName; readonly key: Index; readonly expect: Expectation };

type ChunkOperation =
  | { readonly do: 'put chunk'; readonly chunk: Index; readonly size?: Size }
  | { readonly do: 'get chunk'; readonly chunk: Index };

type TimerOperation =
  | { readonly do: 'arm'; readonly agent: Index; readonly timer: Index; readonly dueInMs: number }
  | { readonly do: 'cancel'; readonly agent: Index; readonly timer: Index }
  | { readonly do: 'timers'; readonly agent: Index };

type ConsumerOperation =
  | {
      readonly do: 'consume';
      readonly by: Process;
      readonly partition: number;
      readonly rank: number;
      readonly ackWaitMs: number;
      /** Agent types that it asks for: the first, or both. */
      readonly types: 1 | 2;
    }
  | { readonly do: 'set rank'; readonly by: Process; readonly partition: number; readonly rank: number }
  | { readonly do: 'stop'; readonly by: Process; readonly partition: number }
  /** What was delivered, counted from the latest one back. */
  | { readonly do: 'ack' | 'working'; readonly back: number }
  | { readonly do: 'nak'; readonly back: number; readonly delayMs: number }
  | { readonly do: 'lose consumer'; readonly partition: number };

type TimeOperation =
  | { readonly do: 'wait'; readonly ms: number }
  /** The server is killed and started again; on replicas, all three. */
  | { readonly do: 'restart' };

export type TraceOperation =
  | LogOperation
  | RecordOperation
  | ChunkOperation
  | TimerOperation
  | ConsumerOperation
  | TimeOperation;

export type Trace = readonly TraceOperation[];

/** A trace as text that can be pasted into a test. */
export function showTrace(trace: Trace): string {
  return `[\n${trace.map((operation) => `  ${JSON.stringify(operation)},`).join('\n')}\n]`;
}
