/**
 * What an agent is right now, read from its record. Looking never wakes it.
 */
import {
  type Address,
  type AgentKey,
  type AgentRecord,
  type AttemptEntry,
  type JournalEntry,
  type LastTurn,
  type OutboxEntry,
  type RecordLifecycle,
  type ReplyBody,
  type SessionLease,
  type TimerEntry,
  addressOf,
  decode,
  decodeRecord,
  isInChunks,
  readReply,
} from '@wakebus/protocol';
import type { BucketPort, ClientPorts, InboxPort } from './ports.ts';

/** A kept answer, decoded. */
export interface InspectedReply {
  readonly id: string;
  readonly seq: number;
  readonly body: ReplyBody;
  readonly untilMs: number;
}

/** One agent, decoded. Times are milliseconds since the epoch. */
export interface AgentInspection<TContext = unknown> {
  readonly address: Address;
  readonly key: AgentKey;
  /** Revision of the record; a change by hand must expect it. */
  readonly revision: number;
  /** As written, but `awake` and `paused` only while the holder's lease lives; otherwise `asleep`. */
  readonly lifecycle: RecordLifecycle;
  /** State value of the machine; `undefined` before its first turn and after a removal. */
  readonly state: unknown;
  /** `undefined` also where the snapshot outgrew its record: it is in the object store then, and `sizes` says how large it is. */
  readonly context: TContext;
  readonly status: 'active' | 'done';
  /** What the machine completed with. */
  readonly output?: unknown;
  /** Child actors by their IDs, each with its own. Their timers and effects are among the agent's, under their names. */
  readonly children?: Readonly<Record<string, InspectedChild>>;
  readonly machineVersion: number;
  readonly incarnation: number;
  /** Inbox sequence up to which it has processed. */
  readonly cursor: number;
  /** Messages in its mailbox that it is not done with, those that stand aside among them. */
  readonly waiting: number;
  readonly turns: number;
  readonly bornMs: number;
  readonly updatedMs: number;
  readonly lease: SessionLease & { readonly live: boolean };
  readonly timers: readonly TimerEntry[];
  /** Effects: those that are open, and the last few that are over. One that is `maybe` waits for an operator. */
  readonly journal: readonly JournalEntry[];
  readonly outbox: readonly OutboxEntry[];
  /** Outputs too old to be sent by themselves. */
  readonly maybe: readonly OutboxEntry[];
  readonly replies: readonly InspectedReply[];
  /** Failed tries of the message at the head of the mailbox. */
  readonly attempt?: AttemptEntry;
  /** Set while messages stand aside because it could not run: those of the inbox sequences above `cursor`, up to `upTo`. */
  readonly held?: { readonly cursor: number; readonly upTo: number };
  /** Messages that wait for one that was sent before them. */
  readonly earlyCount: number;
  readonly last?: LastTurn;
  readonly sizes: { readonly recordBytes: number; readonly snapshotBytes: number };
}

/** A child actor of an agent: a machine, or a transition function, which has no state value. */
export interface InspectedChild {
  /** As `actor` of its timers and effects. */
  readonly name: string;
  /** The name of its logic in its parent's machine. */
  readonly src: string;
  readonly state: unknown;
  readonly context: unknown;
  readonly status: 'active' | 'done' | 'error';
  readonly output?: unknown;
  readonly children?: Readonly<Record<string, InspectedChild>>;
}

/** How snapshots are stored: readable without the machine. */
interface StoredSnapshot {
  readonly value: unknown;
  readonly context: unknown;
  readonly status: 'active' | 'done';
  readonly output?: unknown;
  readonly children?: Readonly<Record<string, StoredChild>>;
}

interface StoredChild {
  readonly session: number;
  readonly src: string;
  readonly snapshot: StoredSnapshot;
}

const NO_SNAPSHOT: StoredSnapshot = { value: undefined, context: undefined, status: 'active' };

/**
 * Reads one agent.
 *
 * @returns `undefined` when there is no record: it was never born, or was deleted.
 * @throws {WakebusError} `UNAVAILABLE`; `RECORD_DAMAGED`, `RECORD_NEWER`.
 */
export async function inspectAgent(ports: ClientPorts, key: AgentKey): Promise<AgentInspection | undefined> {
  const { bytes, revision } = await ports.agents.get(key);
  if (bytes === undefined) return undefined;
  const record = decodeRecord(key, bytes);
  const [live, waiting] = await Promise.all([isLive(ports.leases, record), countWaiting(ports, key)]);
  return describeRecord(key, record, { revision, recordBytes: bytes.length, live, waiting });
}

async function countWaiting({ held, inboxes, layout }: ClientPorts, key: AgentKey): Promise<number> {
  const inbox = inboxes[layout.shardOf(layout.partitionOf(key))] as InboxPort;
  const [queued, aside] = await Promise.all([
    inbox.subjects(layout.mailboxFilter(key)),
    held.subjects(layout.heldSubject(key)),
  ]);
  return [...queued.values(), ...aside.values()].reduce((sum, count) => sum + count, 0);
}

/** Whether the holder that a record names is alive. Asked only for records that claim to be awake. */
export async function isLive(leases: BucketPort, record: AgentRecord): Promise<boolean> {
  if (record.lease.holder === '') return false;
  return (await leases.get(record.lease.holder)).bytes !== undefined;
}

/** The lifecycle as readers may show it. */
export function shownLifecycle({ lifecycle }: AgentRecord, live: boolean): RecordLifecycle {
  const claimed = lifecycle.name === 'awake' || lifecycle.name === 'paused';
  return claimed && !live ? { name: 'asleep', sinceMs: lifecycle.sinceMs } : lifecycle;
}

interface ReadFacts {
  readonly revision: number;
  readonly recordBytes: number;
  readonly live: boolean;
  readonly waiting: number;
}

/** A record, decoded. One whose snapshot is in chunks has its context only where the bytes stand beside them. */
export function describeRecord(
  key: AgentKey,
  record: AgentRecord,
  { revision, recordBytes, live, waiting }: ReadFacts,
): AgentInspection {
  const snapshot = snapshotOf(record);
  const { attempt, held, last } = record;
  return {
    address: addressOf(key),
    key,
    revision,
    lifecycle: shownLifecycle(record, live),
    state: snapshot.value,
    context: snapshot.context,
    status: snapshot.status,
    ...(snapshot.output !== undefined && { output: snapshot.output }),
    ...childrenOf(snapshot),
    machineVersion: record.machineVersion,
    incarnation: record.incarnation,
    cursor: record.cursor,
    waiting,
    turns: record.turns,
    bornMs: record.bornMs,
    updatedMs: record.updatedMs,
    lease: { ...record.lease, live },
    timers: record.timers,
    journal: record.journal,
    outbox: record.outbox,
    maybe: record.maybe,
    replies: record.replies.map((entry) => ({
      id: entry.id,
      seq: entry.seq,
      body: readReply(key, entry),
      untilMs: entry.untilMs,
    })),
    ...(attempt !== undefined && { attempt }),
    ...(held !== undefined && { held }),
    earlyCount: record.early.length,
    ...(last !== undefined && { last }),
    sizes: { recordBytes, snapshotBytes: Math.max(record.snapshot.length, record.chunks?.sizeBytes ?? 0) },
  };
}

/** Of one in chunks no more than the last turn has said of it: it may have a hundred megabytes. */
function snapshotOf(record: AgentRecord): StoredSnapshot {
  if (isInChunks(record) && record.snapshot.length === 0) return { ...NO_SNAPSHOT, value: record.last?.state };
  return record.snapshot.length === 0 ? NO_SNAPSHOT : (decode(record.snapshot) as StoredSnapshot);
}

function childrenOf({ children }: StoredSnapshot): Pick<AgentInspection, 'children'> {
  if (children === undefined) return {};
  const shown = Object.entries(children).map(([id, { session, src, snapshot }]) => {
    const { value: state, context, status, output } = snapshot;
    const child: InspectedChild = {
      name: `${id}:${session}`,
      src,
      state,
      context,
      status,
      ...(output !== undefined && { output }),
      ...childrenOf(snapshot),
    };
    return [id, child] as const;
  });
  return { children: Object.fromEntries(shown) };
}
