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
import type { MemoryServer } from '../memory/memory-server.ts';

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
}

/** Reads a run off the server. */
export function readHistory(server: MemoryServer, operations: readonly ClientOperation[]): RunHistory {
  const keys = server.agents.everyKey() as AgentKey[];
  return { agents: new Map(keys.map((key) => [key, readAgent(server, key)])), operations };
}

/** The context of the machine in a record. Its shape is the machine's: the caller says what it is. */
export function contextOf(record: AgentRecord | undefined): unknown {
  if (record === undefined || record.snapshot.length === 0) return undefined;
  return (decode(record.snapshot) as { context: unknown }).context;
}

function readAgent(server: MemoryServer, key: AgentKey): AgentHistory {
  const writes = server.agents.writes(key).map(({ revision, by, atMs, bytes }) => ({
    revision,
    by,
    atMs,
    record: bytes === undefined ? undefined : decodeRecord(key, bytes),
  }));
  const { bytes } = server.agents.get(key);
  const parked = server.deadLetters.read(server.layout.deadLetterSubject(key), 1, Number.MAX_SAFE_INTEGER);
  return {
    key,
    writes,
    record: bytes === undefined ? undefined : decodeRecord(key, bytes),
    deadLetters: parked.map(
      ({ data }) => readEnvelope(data, { seq: 'number', code: 'string' }) as unknown as ParkedMessage,
    ),
  };
}
