/**
 * Kept snapshots: copies of an agent's record, one value each in a bucket of their own, and how one is made.
 *
 * A record is one consistent point of its agent, so a copy of it is a snapshot, and nobody has to be woken for
 * one. Chunks are not copied: a kept record names them, and what is named is not collected. Removing and
 * restoring are not here.
 */
import { type AgentKey, addressOf } from './address.ts';
import { decode, encode } from './codec.ts';
import { WakebusError } from './errors.ts';
import { type AgentRecord, decodeRecord } from './record.ts';
import { chunksOf } from './record-chunks.ts';

/** What a snapshot was kept for: somebody asked, so many turns or so much time have passed, or something has happened to the agent. */
export type SnapshotCause = 'call' | 'turns' | 'time' | 'completed' | 'failed' | 'removed' | 'fork' | 'import';

/** One value of the bucket, MessagePack. Its key is the agent's, a dot, and `id`. */
export interface KeptSnapshot {
  readonly v: 1;
  /** `<life>-<turns>`, of what an agent type keeps by itself `<life>-<turns>-auto`, of a copy that a fork begins from `<life>-<turns>-of-<origin>`: it names a point of the agent's life. */
  readonly id: string;
  readonly cause: SnapshotCause;
  readonly label?: string;
  /** Who asked for it. */
  readonly by?: string;
  readonly atMs: number;
  /** Whose snapshot it is a copy of. */
  readonly from?: { readonly agent: AgentKey; readonly snapshot: string };
  /** As it stood in the bucket of agents. */
  readonly record: Uint8Array;
}

/** Why and for whom a snapshot is kept. */
export interface SnapshotReason extends Pick<KeptSnapshot, 'cause' | 'label' | 'by' | 'atMs'> {
  /** It disappears so long after, in milliseconds. @default never */
  readonly ttlMs?: number;
}

/** What is needed to keep one: of reads, those that no stale replica answers. */
export interface KeepPorts {
  readonly agents: { getFresh(key: string): Promise<Value> };
  readonly snapshots: {
    getFresh(key: string): Promise<Value>;
    put(
      key: string,
      bytes: Uint8Array,
      expectedRevision: number,
      options?: { readonly ttlMs?: number },
    ): Promise<Written>;
    remove(key: string, expectedRevision: number): Promise<Written>;
  };
}

interface Value {
  readonly bytes: Uint8Array | undefined;
  readonly revision: number;
}

interface Written {
  readonly kind: 'stored' | 'conflict' | 'full' | 'unknown';
}

/** Tries before the caller hears that it did not work: an agent that never rests moves on under every look. */
const TRIES = 20;
const AUTOMATIC = '-auto';

/** Names the point of its life at which an agent is. */
export function snapshotIdOf(
  { incarnation, turns }: Pick<AgentRecord, 'incarnation' | 'turns'>,
  cause: SnapshotCause,
): string {
  return `${incarnation}-${turns}${isAsked(cause) ? '' : AUTOMATIC}`;
}

/** Whether a value can name a snapshot: it becomes a part of a key. */
export function isSnapshotId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value);
}

/** Where a snapshot stands. */
export function snapshotKey(key: AgentKey, id: string): string {
  return `${key}.${id}`;
}

/** All snapshots of an agent. */
export function snapshotsFilter(key: AgentKey): string {
  return `${key}.*`;
}

/** Whether it was its agent type that kept a snapshot: those go by count and age. */
export function isAutomatic(id: string): boolean {
  return id.endsWith(AUTOMATIC);
}

/** The ID in the key of a snapshot. */
export function snapshotIdIn(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}

/** For sorting: by life, then by turn. */
export function compareSnapshotIds(a: string, b: string): number {
  const [lifeA = 0, turnsA = 0] = a.split('-').map(Number);
  const [lifeB = 0, turnsB = 0] = b.split('-').map(Number);
  return lifeA - lifeB || turnsA - turnsB || a.length - b.length;
}

/** What stands in the bucket. @throws {WakebusError} `SNAPSHOT_NOT_FOUND` for anything else. */
export function readKeptSnapshot(key: AgentKey, id: string, bytes: Uint8Array | undefined): KeptSnapshot {
  const kept = bytes === undefined ? undefined : keptIn(bytes);
  if (kept === undefined) throw new WakebusError('SNAPSHOT_NOT_FOUND', { address: addressOf(key), snapshot: id });
  return kept;
}

/** The same, or `undefined`. */
export function keptIn(bytes: Uint8Array): KeptSnapshot | undefined {
  try {
    const value = decode(bytes) as KeptSnapshot | null;
    return value?.v === 1 && value.record instanceof Uint8Array ? value : undefined;
  } catch (thrown) {
    if (thrown instanceof WakebusError) return undefined;
    throw thrown;
  }
}

/**
 * Keeps the agent as it is now. The same point twice is one snapshot, which keeps its label unless it gets another.
 *
 * Collecting reads all records, and then the snapshots. So the chunks that a record names are safe when the
 * record still names them *after* its copy is stored: whoever read the record too late to see them finds the
 * copy. An agent that has moved on meanwhile is looked at once more.
 *
 * @throws {WakebusError} `AGENT_NOT_FOUND`, `RECORD_DAMAGED`, `RECORD_NEWER`; `UNAVAILABLE`: try again.
 */
export async function keepSnapshot(ports: KeepPorts, key: AgentKey, why: SnapshotReason): Promise<KeptSnapshot> {
  const { ttlMs, ...reason } = why;
  for (let round = 0; round < TRIES; round += 1) {
    const { bytes } = await ports.agents.getFresh(key);
    const record = bytes === undefined ? undefined : decodeRecord(key, bytes);
    if (bytes === undefined || record === undefined || record.lifecycle.name === 'removed')
      throw new WakebusError('AGENT_NOT_FOUND', { address: addressOf(key) });
    const id = snapshotIdOf(record, reason.cause);
    const stored = await ports.snapshots.getFresh(snapshotKey(key, id));
    const before = stored.bytes && keptIn(stored.bytes);
    const kept: KeptSnapshot = { v: 1, id, ...labelled(before), ...reason, record: bytes };
    const options = ttlMs === undefined ? {} : { ttlMs };
    const { kind } = await ports.snapshots.put(snapshotKey(key, id), encode(kept), stored.revision, options);
    if (kind === 'full') break;
    if (kind !== 'stored') continue;
    if (await stillNames(ports, key, chunksOf(record))) return kept;
    const { revision } = await ports.snapshots.getFresh(snapshotKey(key, id));
    await ports.snapshots.remove(snapshotKey(key, id), revision);
  }
  throw new WakebusError('UNAVAILABLE', { what: `A place for a snapshot of ${addressOf(key)}` });
}

function labelled(before: KeptSnapshot | undefined): Pick<KeptSnapshot, 'label'> {
  return before?.label === undefined ? {} : { label: before.label };
}

async function stillNames({ agents }: KeepPorts, key: AgentKey, names: readonly string[]): Promise<boolean> {
  if (names.length === 0) return true;
  const { bytes } = await agents.getFresh(key);
  if (bytes === undefined) return false;
  const now = new Set(chunksOf(decodeRecord(key, bytes)));
  return names.every((name) => now.has(name));
}

function isAsked(cause: SnapshotCause): boolean {
  return cause === 'call' || cause === 'fork' || cause === 'import';
}
