/**
 * What a placement node holds of an awake agent: the record as last committed, with the two parts of it
 * that would be slow to rebuild for each turn.
 */
import { type AgentKey, type AgentRecord, RECORD_FORMAT, SeenIndex } from '@wakebus/protocol';
import type { AnyAgentDefinition } from '../define-agent.ts';
import type { AgentSnapshot } from '../family/family.ts';

/** An awake agent. Dropped, never repaired, when a commit was lost: the record is the only truth. */
export interface AgentMemory {
  readonly key: AgentKey;
  readonly definition: AnyAgentDefinition;
  readonly record: AgentRecord;
  /** `undefined` before the first turn of a new agent, and where the state must not be touched. */
  readonly snapshot: AgentSnapshot | undefined;
  /** Mutable: turns add to it. A turn that is not committed takes the whole memory with it. */
  readonly seen: SeenIndex;
}

/** What a new agent's record starts from. */
export interface BirthFacts {
  readonly inbox: string;
  readonly incarnation: number;
  readonly nowMs: number;
}

/** The memory of an agent that has no record yet. Its first turn makes the first snapshot. */
export function newbornMemory(key: AgentKey, definition: AnyAgentDefinition, birth: BirthFacts): AgentMemory {
  const record: AgentRecord = {
    format: RECORD_FORMAT,
    incarnation: birth.incarnation,
    inbox: birth.inbox,
    machineVersion: definition.version,
    lifecycle: { name: 'asleep', sinceMs: birth.nowMs },
    lease: { holder: '', epoch: 0 },
    cursor: 0,
    cursorMs: 0,
    snapshot: new Uint8Array(),
    commit: '',
    turns: 0,
    bornMs: birth.nowMs,
    updatedMs: birth.nowMs,
    generation: 0,
    timers: [],
    outbox: [],
    maybe: [],
    settled: true,
    peers: new Map(),
    seen: [],
    early: [],
    replies: [],
    journal: [],
  };
  return { key, definition, record, snapshot: undefined, seen: new SeenIndex([], definition.dedupe.horizonMs) };
}
