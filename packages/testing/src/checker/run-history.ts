/**
 * What the checkers look at: what clients did, and every state that every record ever had.
 *
 * Plain data, read off once a run has come to rest. Each checker returns sentences; none means that
 * the promise held.
 */
import {
  type AgentKey,
  type AgentRecord,
  type ParkedMessage,
  decode,
  decodeRecord,
  readEnvelope,
} from '@wakebus/protocol';

/** A broken promise, as a sentence that names the agent and what is wrong with it. */
export type Violation = string;

/** What a client did. `info`: nobody told it what became of the operation. */
export interface ClientOperation {
  readonly id: string;
  readonly agent: AgentKey;
  readonly kind: string;
  readonly outcome: 'ok' | 'fail' | 'info';
  /** The client, where several send to the same agent. */
  readonly client?: string;
  /** Address of the agent that the operation makes its agent send to. */
  readonly to?: string;
  /** What came back, where the client asked: once, or again for a duplicate. */
  readonly answers?: readonly unknown[];
}

/** One write of a record. */
export interface RecordWrite {
  readonly revision: number;
  /** The node that wrote. */
  readonly by: string;
  readonly atMs: number;
  /** Absent in a deletion. */
  readonly record: AgentRecord | undefined;
}

/** One agent, from its birth on. */
export interface AgentHistory {
  readonly key: AgentKey;
  readonly writes: readonly RecordWrite[];
  /** The record as it is now. */
  readonly record: AgentRecord | undefined;
  /** Its messages that were given up. */
  readonly deadLetters: readonly ParkedMessage[];
}

export interface RunHistory {
  readonly agents: ReadonlyMap<AgentKey, AgentHistory>;
  readonly operations: readonly ClientOperation[];
  /** When the run ended, by the server's clock, in milliseconds since the epoch. */
  readonly endMs: number;
  /** Revisions of records that were written and not seen: none in a simulation, some on real servers; undefined where nobody knows. */
  readonly missed: readonly number[] | undefined;
  /** Placement nodes that lived at the end, where that is known. */
  readonly living: ReadonlySet<string>;
  /** IDs of the incidents that operators were told; undefined where nobody has read them. */
  readonly told?: ReadonlySet<string>;
}

/** One agent as it is stored, undecoded. */
export interface StoredAgent {
  readonly key: AgentKey;
  /** Every write that was seen, ascending; where only some were, each is still one that happened. */
  readonly writes: readonly StoredWrite[];
  /** The record as it is now. */
  readonly bytes: Uint8Array | undefined;
  readonly deadLetters: readonly Uint8Array[];
}

/** One write of a record, undecoded. */
export type StoredWrite = Omit<RecordWrite, 'record'> & { readonly bytes: Uint8Array | undefined };

/**
 * Reads a run off what a server has stored: the memory one in a simulation, a real one under faults.
 *
 * @param facts - What the agents alone do not say.
 */
export function readHistory(
  agents: Iterable<StoredAgent>,
  operations: readonly ClientOperation[],
  facts: Omit<RunHistory, 'agents' | 'operations'>,
): RunHistory {
  return { agents: new Map(Array.from(agents, (agent) => [agent.key, readAgent(agent)])), operations, ...facts };
}

const contexts = new WeakMap<AgentRecord, unknown>();

/** The context of the machine in a record. Its shape is the machine's: the caller says what it is. */
export function contextOf(record: AgentRecord | undefined): unknown {
  if (record === undefined || record.snapshot.length === 0) return undefined;
  if (!contexts.has(record)) contexts.set(record, (decode(record.snapshot) as { context: unknown }).context);
  return contexts.get(record);
}

function readAgent({ key, writes, bytes, deadLetters }: StoredAgent): AgentHistory {
  const decoded = (stored: Uint8Array | undefined): AgentRecord | undefined =>
    stored === undefined ? undefined : decodeRecord(key, stored);
  const read = writes.map(({ bytes: written, ...write }) => ({ ...write, record: decoded(written) }));
  const isLast = bytes !== undefined && writes.at(-1)?.bytes === bytes;
  return {
    key,
    writes: read,
    record: isLast ? read.at(-1)?.record : decoded(bytes),
    deadLetters: deadLetters.map(
      (data) => readEnvelope(data, { seq: 'number', code: 'string' }) as unknown as ParkedMessage,
    ),
  };
}
