/**
 * The record: the one KV value that is an agent. This file is its schema and its bytes.
 *
 * Every change to it is one compare-and-set on the revision that was read. What the fields mean for a
 * turn is in `@wakebus/core`; nothing here decides anything.
 */
import type { AgentKey } from './address.ts';
import { addressOf } from './address.ts';
import { asDurable, decode, encodeDurable, listPackedOnce } from './codec.ts';
import { WakebusError } from './errors.ts';
import type { Headers } from './headers.ts';
import type { ReplyEntry } from './reply.ts';
import type { ScheduleState } from './schedule.ts';
import type { SeenIds } from './seen-ids.ts';
import { type SnapshotChunks, whyNoManifest } from './snapshot-chunks.ts';
import { type WorkspaceRef, whyNoWorkspace } from './workspace-ref.ts';

/** The newest format that this code reads. */
export const RECORD_FORMAT = 3;
/** What a record without chunks is written as: older code reads it. With chunks it would take the agent for one without a state. */
const FORMAT_WITHOUT_CHUNKS = 1;
/** … and one without a workspace. Older code would run its effects without their files, and collect those. */
const FORMAT_WITHOUT_WORKSPACE = 2;
/** A record may not be larger, in bytes: the server's default message limit is 1 MB, and the headers need room. */
export const RECORD_LIMIT_BYTES: number = 768 * 1024;
/** From this size on, in bytes, a metric warns. */
export const RECORD_WARN_BYTES: number = 512 * 1024;

/** Where an agent is in its life, as far as it is written down. `awake` holds only while the holder's lease lives. */
export type LifecycleName =
  | 'asleep'
  | 'awake'
  | 'paused'
  | 'backoff'
  | 'failed'
  | 'suspended'
  | 'completed'
  | 'quarantined'
  | 'removed';

/** The written lifecycle: its name, since when, and the typed reason where it is not by choice. */
export interface RecordLifecycle {
  readonly name: LifecycleName;
  readonly sinceMs: number;
  readonly code?: string;
  readonly message?: string;
}

/** Who may run the session. `holder` is empty when nobody does; `epoch` rises at every claim. */
export interface SessionLease {
  readonly holder: string;
  readonly epoch: number;
}

/** A message that the agent has sent and that may not have been handed over yet. */
export interface OutboxEntry {
  readonly to: AgentKey;
  /** Of the sender, when it sent: its numbers count within one life. */
  readonly incarnation: number;
  /** Number of this message from this agent to that receiver, from 1. */
  readonly number: number;
  /** The number before it to that receiver, or 0 where a chain (re)starts. */
  readonly previous: number;
  /** When the message before it was sent. */
  readonly previousMs?: number;
  /** `<input sequence>.<index>`: the same however the events were cut into turns. */
  readonly id: string;
  readonly event: { readonly type: string; readonly [field: string]: unknown };
  readonly atMs: number;
  readonly trace?: Headers;
}

/** A pending delayed event. A fire whose generation is not the timer's own is dropped. */
export interface TimerEntry {
  readonly id: string;
  readonly generation: number;
  readonly dueMs: number;
  readonly event: { readonly type: string; readonly [field: string]: unknown };
  /** Which child actor of the agent has set it, as `<id>:<number>`; its own machine where there is none. */
  readonly actor?: string;
  /** Whom it is for, where that is another actor: its name, or `null` for the agent's own machine. */
  readonly to?: string | null;
  /** How it stands still while the agent sleeps, where it does: with what is left, or to begin anew with `delayMs`. */
  readonly sleep?: 'remaining' | 'restart';
  readonly delayMs?: number;
  /** Of one that stands still: what it will be armed with by the first turn after the sleep. It has no schedule, and `dueMs` means nothing. */
  readonly leftMs?: number;
  readonly trace?: Headers;
  /** Of a schedule: it is armed anew by the commit that takes its fire. */
  readonly schedule?: ScheduleState;
}

/** Failed tries of the message at the head of the mailbox. Durable before the next one runs. */
export interface AttemptEntry {
  readonly seq: number;
  readonly count: number;
  readonly reason: string;
  readonly retryMs: number;
  /** The placement node that has started it again. Only while it is set the attempt may still be under way. */
  readonly node?: string;
}

/** A message that arrived before the one that its sender numbered before it. */
export interface EarlyMessage {
  readonly seq: number;
  readonly sender: AgentKey;
  readonly incarnation: number;
  readonly number: number;
  readonly previous: number;
  /** When the message before it was sent. */
  readonly previousMs?: number;
  readonly id: string;
  readonly event: { readonly type: string; readonly [field: string]: unknown };
  readonly headers: Headers;
}

/** How far this agent's numbering towards one receiver has come. */
export interface PeerEntry {
  readonly number: number;
  readonly atMs: number;
}

/**
 * Where an effect is. `planned`: it will be started, which is safe after any crash. `started`: it may be
 * under way. `maybe`: nobody knows whether it happened, and an operator must say. The others are over.
 */
export type EffectState = 'planned' | 'started' | 'maybe' | 'done' | 'failed' | 'aborted';

/**
 * Why an effect that is due may not start yet. `disabled`: an operator has said so. `breaker`: too many attempts at
 * its target have failed of late. `budget`: too many of these have been repetitions. `workspace`: another effect of
 * the agent works on its files.
 */
export type ParkReason = 'disabled' | 'breaker' | 'budget' | 'workspace';

/** Work on the world outside that the machine has asked for. A result of another generation or attempt is dropped. */
export interface JournalEntry {
  /** The ID that the machine gave it. */
  readonly id: string;
  readonly generation: number;
  /** The same in every attempt: agent, incarnation, input sequence and index, however the events were cut into turns. */
  readonly key: string;
  /** Which child actor of the agent has asked for it, as `<id>:<number>`; its own machine where there is none. */
  readonly actor?: string;
  /** Under which name the machine knows what is to be run. */
  readonly src: string;
  /** Of a child actor: the names under which its machine is found from the agent's own. */
  readonly machines?: readonly string[];
  /** What it works on, in the author's words: effects on one target fail together. `<type>/<src>` where none is named. */
  readonly target: string;
  readonly input?: unknown;
  readonly state: EffectState;
  /** What the attempt calls in place of the effect itself: whether it happened, or what undoes it. */
  readonly phase?: 'lookup' | 'compensate';
  /** Attempts started so far, of every phase. */
  readonly attempt: number;
  /** Attempts started before the present phase began. */
  readonly phaseFrom?: number;
  /** How often the effect itself has been started. */
  readonly runs: number;
  readonly plannedMs: number;
  /** When it was started for the first time: how long its receiver must have honoured the key. */
  readonly firstMs?: number;
  /** Of one that is planned: not to be started before, and a schedule wakes the agent then. */
  readonly notBeforeMs?: number;
  /** Why that is so, where it is not the wait before a repetition. */
  readonly parkedBy?: ParkReason;
  /** Of one that is started: nobody has said by then how it ended, and a schedule wakes the agent. */
  readonly deadlineMs?: number;
  /** The placement node that started it last. */
  readonly node?: string;
  /** Of one that is over. */
  readonly endedMs?: number;
  /** How the last attempt failed, or why nobody knows. */
  readonly error?: { readonly code: string; readonly message: string };
  readonly trace?: Headers;
}

/** What an agent's gate keeps: what its rules remember, and the events that wait there. */
export interface GateState {
  readonly memory: Readonly<Record<string, unknown>>;
  /** In the order of their sequences. */
  readonly waiting: readonly GatedEvent[];
}

/** An event that waits at an agent's gate. Its message is processed as far as the inbox is concerned. */
export interface GatedEvent {
  readonly seq: number;
  readonly storedMs: number;
  readonly sinceMs: number;
  readonly event: { readonly type: string; readonly [field: string]: unknown };
  readonly headers: Headers;
  readonly sizeBytes: number;
  readonly messageId?: string;
  /** The address of the agent that sent it. */
  readonly from?: string;
  readonly reply?: { readonly subject: string; readonly deadlineMs: number };
  /** The rule that keeps it. */
  readonly rule: string;
  /** All of a group are taken in one turn, when the group's timer fires. Without one it waits for another state. */
  readonly group?: string;
}

/** The last commit, in short: what history needs when a crash came between the commit and its entry. */
export interface LastTurn {
  readonly events: ReadonlyArray<{
    readonly seq: number;
    readonly type: string;
    readonly id?: string;
    readonly from?: string;
  }>;
  readonly state: unknown;
  readonly outputs: readonly string[];
  readonly atMs: number;
  /** ID of that commit: the record may have been written again since, without events. */
  readonly commit: string;
  readonly turn: number;
  readonly node: string;
  readonly epoch: number;
}

/** Messages that stand in `held`: those above `cursor`, up to `upTo`. */
export interface HeldRange {
  readonly cursor: number;
  readonly upTo: number;
  /** They are to be thrown away, whether the agent runs or not. */
  readonly clear?: boolean;
}

/** A snapshot is opaque bytes here: a gate may look at everything else without decoding it. */
export interface AgentRecord {
  readonly format: number;
  /** Rises when an address is born again after a removal. */
  readonly incarnation: number;
  /** The incarnation of the inbox stream in which `cursor` counts. */
  readonly inbox: string;
  readonly machineVersion: number;
  readonly lifecycle: RecordLifecycle;
  readonly lease: SessionLease;
  readonly cursor: number;
  /** When the server stored the message at the cursor, in milliseconds since the epoch. */
  readonly cursorMs: number;
  /** Empty before the first turn, after the last, and where {@link AgentRecord.chunks} says where it is. */
  readonly snapshot: Uint8Array;
  /** Of a snapshot that outgrew the record. In memory the bytes may stand beside it. */
  readonly chunks?: SnapshotChunks | undefined;
  /** The agent's files, where it has any. Changes in the commit that takes the result of the effect that changed them. */
  readonly workspace?: WorkspaceRef | undefined;
  /** ID of the commit that wrote this value: how a writer whose answer was lost knows its own. */
  readonly commit: string;
  /** Commits that processed events, ever. */
  readonly turns: number;
  readonly bornMs: number;
  readonly updatedMs: number;
  readonly generation: number;
  readonly timers: readonly TimerEntry[];
  readonly outbox: readonly OutboxEntry[];
  /** Outputs older than the dedupe horizon: never sent by themselves, shown to operators. */
  readonly maybe: readonly OutboxEntry[];
  /** Whether everything that the record owes was handed over when it was written: outbox relayed, timers armed, effects started. */
  readonly settled: boolean;
  readonly peers: ReadonlyMap<string, PeerEntry>;
  readonly seen: SeenIds;
  readonly early: readonly EarlyMessage[];
  readonly replies: readonly ReplyEntry[];
  readonly attempt?: AttemptEntry | undefined;
  /** Set while messages stand in `held`: the inbox sequences processed out of it, and moved into it, so far. */
  readonly held?: HeldRange;
  /** Only of types that have a gate. */
  readonly gate?: GateState | undefined;
  /** Tags of the present states, where the machine has any. */
  readonly tags?: readonly string[] | undefined;
  /** Durable states of effects: those that are open, and the last few that are over. */
  readonly journal: readonly JournalEntry[];
  readonly last?: LastTurn;
  /** Trace context of the last turn, so that a chain stays one picture across a sleep. */
  readonly trace?: Headers;
  /** Bytes of a record that could not be read, kept as evidence by a quarantine. */
  readonly evidence?: Uint8Array | undefined;
}

const EMPTY_FIELDS = {
  maybe: [],
  outbox: [],
  timers: [],
  early: [],
  replies: [],
  journal: [],
  peers: [],
  seen: [],
} as const;

/** Lists whose entries never change once they are made, and stand in many commits. Some hold values of machines and events. */
const ENTRIES: ReadonlySet<string> = new Set(['timers', 'outbox', 'maybe', 'early', 'replies', 'journal']);

/** The record as bytes. Empty lists and maps are left out: a sleeping agent is mostly its snapshot. */
export function encodeRecord(record: AgentRecord): Uint8Array {
  const fields: Record<string, unknown> = {};
  for (const name in record) {
    const value = record[name as keyof AgentRecord];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    if (value instanceof Map && value.size === 0) continue;
    fields[name] = asWritten(name, value);
  }
  fields['format'] = formatOf(record);
  return encodeDurable(fields);
}

/** The oldest format that says all of it. */
function formatOf({ chunks, workspace }: AgentRecord): number {
  if (workspace !== undefined) return RECORD_FORMAT;
  return chunks === undefined ? FORMAT_WITHOUT_CHUNKS : FORMAT_WITHOUT_WORKSPACE;
}

/** Beside the entries, only the last turn and the gate hold values from outside. All else is made of what survives by nature. */
function asWritten(name: string, value: unknown): unknown {
  if (ENTRIES.has(name)) return listPackedOnce(value as readonly object[]);
  if (name === 'last' || name === 'gate') return asDurable(value);
  return value instanceof Map ? [...value] : value;
}

/**
 * The record behind bytes.
 *
 * @throws {WakebusError} `RECORD_NEWER` for a later format (leave the agent asleep), `RECORD_DAMAGED` for anything else that is not a record (quarantine).
 */
export function decodeRecord(key: AgentKey, bytes: Uint8Array): AgentRecord {
  const fields = decodeFields(key, bytes);
  const format = fields['format'];
  if (typeof format === 'number' && format > RECORD_FORMAT)
    throw new WakebusError('RECORD_NEWER', { address: addressOf(key), format, known: RECORD_FORMAT });
  const why = whyDamaged(fields);
  if (why !== undefined) throw new WakebusError('RECORD_DAMAGED', { address: addressOf(key), why });
  return {
    ...EMPTY_FIELDS,
    ...fields,
    peers: new Map((fields['peers'] ?? []) as Array<[string, PeerEntry]>),
  } as unknown as AgentRecord;
}

function decodeFields(key: AgentKey, bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = decode(bytes);
  } catch (cause) {
    throw new WakebusError(
      'RECORD_DAMAGED',
      { address: addressOf(key), why: `its ${bytes.length} bytes are not MessagePack` },
      { cause },
    );
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new WakebusError('RECORD_DAMAGED', { address: addressOf(key), why: 'it is not a map' });
}

const REQUIRED: ReadonlyArray<readonly [field: string, type: string]> = [
  ['format', 'number'],
  ['incarnation', 'number'],
  ['inbox', 'string'],
  ['machineVersion', 'number'],
  ['lifecycle', 'object'],
  ['lease', 'object'],
  ['cursor', 'number'],
  ['commit', 'string'],
  ['turns', 'number'],
  ['bornMs', 'number'],
  ['updatedMs', 'number'],
  ['generation', 'number'],
];

function whyDamaged(fields: Record<string, unknown>): string | undefined {
  const wrong = REQUIRED.find(([field, type]) => typeof fields[field] !== type || fields[field] === null);
  if (wrong !== undefined) return `the field ${wrong[0]} is missing or not a ${wrong[1]}`;
  const noList = Object.keys(EMPTY_FIELDS).find(
    (field) => fields[field] !== undefined && !Array.isArray(fields[field]),
  );
  if (noList !== undefined) return `the field ${noList} is not a list`;
  if (fields['peers'] !== undefined && !(fields['peers'] as unknown[]).every(Array.isArray))
    return 'the field peers is not a list of pairs';
  if (!(fields['snapshot'] instanceof Uint8Array)) return 'the snapshot is missing';
  const whyNoChunks = fields['chunks'] === undefined ? undefined : whyNoManifest(fields['chunks']);
  return whyNoChunks ?? (fields['workspace'] === undefined ? undefined : whyNoWorkspace(fields['workspace']));
}
