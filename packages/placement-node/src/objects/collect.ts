/**
 * Collecting chunks that nothing names any more, while agents wake, commit and sleep.
 *
 * What is old is listed first, and only then is every record read. A chunk that a record comes to name after
 * it was read here is one that its writer has put since, and put again makes it young: the removal spares it
 * then, whoever was first. Kept snapshots are read before the records and after them: a chunk may be on its way
 * from a snapshot into a record, or from a record into a snapshot. So nothing is locked, and nobody waits.
 */
import {
  type AgentKey,
  type AgentRecord,
  WakebusError,
  chunksOf,
  decodeRecord,
  isWakebusError,
  keptIn,
  namesOf,
} from '@wakebus/protocol';
import type { ListedChunk } from '../ports/blob-store.ts';
import type { Ports } from '../ports/ports.ts';
import type { RecordStore } from '../ports/record-store.ts';
import { isGone } from './record-chunks.ts';
import { waitingFiles } from './waiting-files.ts';
import { filesOf } from './workspace-manifest.ts';

/** How old a chunk must be. A day: a commit that no server answers is tried on for hours, and its chunks must wait for it. */
const DEFAULT_GRACE_MS = 24 * 60 * 60 * 1000;
/** Records of one page. */
const PAGE = 256;
/** Removals at once. */
const IN_FLIGHT = 8;

export interface CollectOptions {
  /** Nothing younger is collected, in milliseconds. @default 24 h; at least twice the store's `refreshAfterMs`, an hour */
  readonly graceMs?: number;
  /** Only says what it would do. @default false */
  readonly dryRun?: boolean;
}

/** What became of the chunks. */
export interface Collection {
  readonly chunks: number;
  readonly sizeBytes: number;
  /** Too young to be looked at. */
  readonly young: number;
  /** Old, and named by a record, a kept snapshot or a result that waits. */
  readonly named: number;
  /** Gone, or in a dry run those that would be. */
  readonly collected: number;
  readonly collectedBytes: number;
  /** Put again while this went on. */
  readonly spared: number;
}

/**
 * Collects.
 *
 * @throws {WakebusError} `INVALID_OPTION` for too short a grace; `RECORD_NEWER` when a record cannot be read for its age: what it names nobody here knows, and nothing is collected; `CHUNK_MISSING`, `CHUNK_DAMAGED`, `WORKSPACE_DAMAGED` when the manifest of a workspace cannot be read, for the same reason; `UNAVAILABLE`.
 */
export async function collectChunks(
  ports: CollectPorts,
  { graceMs = DEFAULT_GRACE_MS, dryRun = false }: CollectOptions = {},
): Promise<Collection> {
  const leastMs = 2 * ports.chunks.refreshAfterMs;
  if (!(graceMs >= leastMs))
    throw new WakebusError('INVALID_OPTION', { option: 'grace', why: `write at least ${leastMs} ms` });
  const { old, ...counts } = await listOld(ports, graceMs);
  const listed = old.size;
  if (listed > 0) {
    const spare = (key: string, bytes: Uint8Array): Promise<void> => spareOf(ports, key as AgentKey, bytes, old);
    const spareKept = (key: string, bytes: Uint8Array): Promise<void> =>
      spareOfKept(ports, key as AgentKey, bytes, old);
    await readAll(ports.snapshots, spareKept);
    await spareWaiting(ports, old);
    await readAll(ports.agents, spare);
    await readAll(ports.snapshots, spareKept);
  }
  const named = listed - old.size;
  const gone = dryRun ? [...old.values()] : await removeAll(ports, [...old.values()]);
  return {
    ...counts,
    named,
    collected: gone.length,
    collectedBytes: gone.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    spared: old.size - gone.length,
  };
}

/** What is read, and what is collected. */
type CollectPorts = Pick<Ports, 'agents' | 'chunks' | 'clock' | 'held' | 'inboxes' | 'layout' | 'snapshots'>;

type OldChunks = Map<string, ListedChunk>;

interface Listing extends Pick<Collection, 'chunks' | 'sizeBytes' | 'young'> {
  readonly old: OldChunks;
}

async function listOld({ chunks: store }: Pick<Ports, 'chunks'>, graceMs: number): Promise<Listing> {
  const old: OldChunks = new Map();
  let chunks = 0;
  let sizeBytes = 0;
  for await (const chunk of store.list()) {
    chunks += 1;
    sizeBytes += chunk.sizeBytes;
    if (chunk.ageMs >= graceMs) old.set(chunk.hash, chunk);
  }
  return { old, chunks, sizeBytes, young: chunks - old.size };
}

/** Hands every value of a bucket on. */
async function readAll(bucket: RecordStore, take: (key: string, bytes: Uint8Array) => Promise<void>): Promise<void> {
  const read = new Set<string>();
  for (let from: number | undefined = 1; from !== undefined;) {
    const page = await bucket.scan(from, PAGE);
    for (let at = 0; at < page.values.length; at += IN_FLIGHT)
      await Promise.all(page.values.slice(at, at + IN_FLIGHT).map(({ key, bytes }) => take(key, bytes)));
    for (const { key } of page.values) read.add(key);
    from = page.nextRevision;
  }
  // Pages may come from replicas that lag differently: a record may have moved out of one, and not yet into the next.
  for (const key of await bucket.keys('>')) {
    if (read.has(key)) continue;
    const { bytes } = await bucket.getFresh(key);
    if (bytes !== undefined) await take(key, bytes);
  }
}

/** Takes out what a record names, and what the manifest of its workspace does. */
async function spareOf(ports: CollectPorts, key: AgentKey, bytes: Uint8Array, old: OldChunks): Promise<void> {
  const record = spareNamed(key, bytes, old);
  if (record?.workspace === undefined) return;
  for (const name of await filesOf(ports, key, record.workspace)) old.delete(name);
}

/** The same of a kept snapshot. One whose manifest is gone cannot be gone back to: it was on its way out already. */
async function spareOfKept(ports: CollectPorts, key: AgentKey, bytes: Uint8Array, old: OldChunks): Promise<void> {
  const kept = keptIn(bytes);
  if (kept === undefined) return spareMentioned(bytes, old);
  try {
    await spareOf(ports, key, kept.record, old);
  } catch (thrown) {
    if (!isGone(thrown)) throw thrown;
  }
}

/** The same of results that no turn has taken yet. One whose manifest is gone gives nobody files any more. */
async function spareWaiting(ports: CollectPorts, old: OldChunks): Promise<void> {
  for await (const { key, ref } of waitingFiles(ports)) {
    for (const name of namesOf(ref.names)) old.delete(name);
    try {
      for (const name of await filesOf(ports, key, ref)) old.delete(name);
    } catch (thrown) {
      if (!isGone(thrown)) throw thrown;
    }
  }
}

/** Takes out what stands in a record. @returns the record, where it can be read. @throws {WakebusError} `RECORD_NEWER`. */
function spareNamed(key: AgentKey, bytes: Uint8Array, old: OldChunks): AgentRecord | undefined {
  let record: AgentRecord;
  try {
    record = decodeRecord(key, bytes);
  } catch (thrown) {
    if (!isWakebusError(thrown, 'RECORD_DAMAGED')) throw thrown;
    spareMentioned(bytes, old);
    return undefined;
  }
  for (const name of chunksOf(record)) old.delete(name);
  if (record.evidence !== undefined) spareMentioned(record.evidence, old);
  return record;
}

/** Of bytes that nobody can read: what may be a name is taken for one, until an operator has decided. */
function spareMentioned(bytes: Uint8Array, old: OldChunks): void {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const name of old.keys()) if (text.includes(name, 0, 'hex') || text.includes(name)) old.delete(name);
}

/** @returns those that are gone. */
async function removeAll({ chunks }: Pick<Ports, 'chunks'>, old: readonly ListedChunk[]): Promise<ListedChunk[]> {
  const gone: ListedChunk[] = [];
  for (let at = 0; at < old.length; at += IN_FLIGHT) {
    const some = old.slice(at, at + IN_FLIGHT);
    const areGone = await Promise.all(some.map((chunk) => chunks.remove(chunk)));
    gone.push(...some.filter((_, i) => areGone[i]));
  }
  return gone;
}
