/**
 * What a placement node holds of an awake agent: the record as last committed, with the two parts of it
 * that would be slow to rebuild for each turn.
 */
import {
  type AgentKey,
  type AgentRecord,
  RECORD_FORMAT,
  type SeenBucket,
  SeenIndex,
  WakebusError,
  addressOf,
  isInChunks,
  namesOf,
} from '@wakebus/protocol';
import type { AnyAgentDefinition } from '../define-agent.ts';
import type { AgentSnapshot } from '../family/family.ts';
import { decodeSnapshot } from '../snapshot-codec.ts';
import { openEffects } from './journal.ts';

/** An awake agent. Dropped, never repaired, when a commit was lost: the record is the only truth. */
export interface AgentMemory {
  readonly key: AgentKey;
  readonly definition: AnyAgentDefinition;
  readonly record: AgentRecord;
  /** `undefined` before the first turn of a new agent, and while it is still bytes. */
  readonly snapshot: AgentSnapshot | undefined;
  /** The state is still bytes: so far only a gate has looked at the agent. */
  readonly isUndecoded?: boolean;
  /** Mutable: turns add to it. A turn that is not committed takes the whole memory with it. */
  readonly seen: SeenIndex;
  /** Chunks that the record names are gone: nothing of it may run, and an operator decides. */
  readonly isPartial?: boolean;
  /** Set where the machine must not run here: the state stays as bytes in the record, and is opened only where a turn of it can be stopped. */
  readonly packed?: PackedParts;
}

/** What a packed memory keeps beside its record. */
interface PackedParts {
  /** Dedupe IDs that outgrew the record, by chunk. */
  readonly chunks: Map<string, SeenBucket>;
}

/**
 * The memory behind a record, migrated to the definition's version.
 *
 * @param chunks - Contents of the chunks that the record names.
 * @throws {WakebusError} as `decodeSnapshot`; `CHUNK_MISSING`.
 */
export function openMemory(
  key: AgentKey,
  definition: AnyAgentDefinition,
  record: AgentRecord,
  chunks: ReadonlyMap<string, SeenBucket>,
): AgentMemory {
  const missing = missingChunk(record, chunks);
  if (missing !== undefined && record.lifecycle.name !== 'quarantined')
    throw new WakebusError('CHUNK_MISSING', { address: addressOf(key), chunk: missing });
  const memory = openState(closedMemory(key, definition, record, chunks));
  return missing === undefined ? memory : { ...memory, isPartial: true };
}

/** A chunk that the record names and nobody has read: without it the agent would begin anew, or take messages twice. */
function missingChunk(record: AgentRecord, contents: ReadonlyMap<string, SeenBucket>): string | undefined {
  const { chunks, seen, snapshot } = record;
  if (chunks !== undefined && isInChunks(record) && snapshot.length === 0) return namesOf(chunks.names)[0];
  return seen.find(({ chunk }) => chunk !== undefined && !contents.has(chunk))?.chunk;
}

/** The memory behind a record whose state stays bytes until {@link openState}: a gate looks at the agent first. */
export function closedMemory(
  key: AgentKey,
  definition: AnyAgentDefinition,
  record: AgentRecord,
  chunks: ReadonlyMap<string, SeenBucket>,
): AgentMemory {
  const seen = new SeenIndex(record.seen, definition.dedupe.horizonMs, chunks);
  return { key, definition, record, snapshot: undefined, seen, isUndecoded: true };
}

/** The memory with its state opened, ready for the machine. @throws {WakebusError} as `decodeSnapshot`. */
export function openState({ isUndecoded: _was, ...memory }: AgentMemory): AgentMemory {
  const { key, definition, record } = memory;
  const { snapshot: bytes, machineVersion, journal } = record;
  // There is none yet, or none any more.
  if (bytes.length === 0) return memory;
  const snapshot = decodeSnapshot(definition, bytes, machineVersion, addressOf(key), openEffects(journal));
  return { ...memory, snapshot };
}

/** The memory behind a record whose state stays closed; see {@link AgentMemory.packed}. */
export function packedMemory(
  key: AgentKey,
  definition: AnyAgentDefinition,
  record: AgentRecord,
  chunks: Map<string, SeenBucket>,
): AgentMemory {
  // Without the chunks: nobody asks here whether an ID was seen, and what they hold is stored already.
  const seen = new SeenIndex(record.seen, definition.dedupe.horizonMs);
  return { key, definition, record, snapshot: undefined, seen, packed: { chunks } };
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
  const open = definition.isolation === undefined ? openMemory : packedMemory;
  return open(key, definition, record, new Map());
}
