/**
 * Snapshots that outgrew their record: cut into chunks on their way out, and put together on their way in.
 *
 * Every chunk is acknowledged before this hands out the manifest that names it, so before the commit. What the
 * manifest before has named is there, and is not written again. Reading checks all of it; a part is an error.
 */
import { hash as digest } from 'node:crypto';
import { type AgentKey, type SnapshotChunks, WakebusError, addressOf, namesOf, packNames } from '@wakebus/protocol';
import type { BlobStore } from '../ports/blob-store.ts';
import { type Clock, delay } from '../ports/clock.ts';
import { hashOf } from './blob-codec.ts';
import { cut } from './cut.ts';

/** Chunks on their way at once: they fill the way to a server next door, and hold 4 MB at the most. */
const IN_FLIGHT = 8;
/** After so many bytes cut at a stretch others get their turn. */
const BREATH_BYTES = 4 * 1024 * 1024;
/** An absence is believed after so many looks, each so long after the one before, in milliseconds: a server that was the leader may not know yet that it is none. */
const LOOKS = 4;
const LOOK_AGAIN_MS = 1_000;

const NO_NAMES = new Uint8Array();

/** Where snapshots are put away. */
export interface ChunkPorts {
  readonly chunks: BlobStore;
  readonly clock: Clock;
}

/** Puts a snapshot away. @param last - The manifest that is committed. @throws {WakebusError} `OUTCOME_UNKNOWN`. */
export async function writeSnapshot(
  ports: ChunkPorts,
  bytes: Uint8Array,
  last: SnapshotChunks | undefined,
  chunkBytes: number,
): Promise<SnapshotChunks> {
  const there = new Set(last === undefined ? [] : namesOf(last.names));
  return manifestOf(bytes.length, await writeChunks(ports, bytes, there, chunkBytes), last);
}

/**
 * Cuts bytes, and puts away what is not there.
 *
 * @param there - Chunks that something committed names; what is put is added.
 * @returns the names of all chunks, in order. @throws {WakebusError} `OUTCOME_UNKNOWN`.
 */
export async function writeChunks(
  ports: ChunkPorts,
  bytes: Uint8Array,
  there: Set<string>,
  chunkBytes: number,
): Promise<string[]> {
  const named: string[] = [];
  const writing = new InFlight();
  let cutBytes = 0;
  for (const chunk of cut(bytes, chunkBytes)) {
    const name = hashOf(chunk);
    named.push(name);
    if (!there.has(name)) {
      there.add(name);
      await writing.begin(ports.chunks.put(chunk, name));
    }
    cutBytes += chunk.length;
    if (cutBytes < BREATH_BYTES) continue;
    cutBytes = 0;
    await delay(ports.clock, 0);
  }
  await writing.end();
  return named;
}

/** The manifest that follows another where the snapshot needs none: the chunks of that one are kept for one more commit. */
export function withoutChunks(last: SnapshotChunks | undefined): SnapshotChunks | undefined {
  if (last === undefined || last.names.length === 0) return undefined;
  return { sizeBytes: 0, names: NO_NAMES, check: NO_NAMES, before: last.names };
}

function manifestOf(sizeBytes: number, named: readonly string[], last: SnapshotChunks | undefined): SnapshotChunks {
  const names = packNames(named);
  if (last !== undefined && last.sizeBytes === sizeBytes && Buffer.compare(names, last.names) === 0) return last;
  const kept = new Set(named);
  const before = last === undefined ? [] : namesOf(last.names).filter((name) => !kept.has(name));
  return { sizeBytes, names, check: checkOf(sizeBytes, names), before: packNames(before) };
}

/** The snapshot behind a manifest. @throws {WakebusError} `CHUNK_MISSING`, `CHUNK_DAMAGED`, `RECORD_DAMAGED`; `UNAVAILABLE`. */
export async function readSnapshot(
  ports: ChunkPorts,
  key: AgentKey,
  { sizeBytes, names, check }: SnapshotChunks,
): Promise<Uint8Array> {
  if (Buffer.compare(checkOf(sizeBytes, names), check) !== 0)
    throw damaged(key, 'the manifest of its snapshot is not as it was written');
  const { bytes, length } = await joined(inOrder(ports, key, namesOf(names)), sizeBytes);
  if (length !== sizeBytes) throw damaged(key, `its chunks have ${length} bytes, and its manifest says ${sizeBytes}`);
  return bytes;
}

/** Chunks one after the other. @returns at most so many of their bytes, and how many there were. */
export async function joined(
  chunks: AsyncIterable<Uint8Array>,
  sizeBytes: number,
): Promise<{ readonly bytes: Uint8Array; readonly length: number }> {
  const bytes = new Uint8Array(sizeBytes);
  let length = 0;
  for await (const chunk of chunks) {
    if (length + chunk.length <= sizeBytes) bytes.set(chunk, length);
    length += chunk.length;
  }
  return { bytes, length };
}

/** A chunk that is there: its absence is an error. @throws {WakebusError} `CHUNK_MISSING`, `CHUNK_DAMAGED`; `UNAVAILABLE`. */
export async function readChunk({ chunks, clock }: ChunkPorts, key: AgentKey, name: string): Promise<Uint8Array> {
  for (let look = 1; ; look += 1) {
    const bytes = await chunks.get(name);
    if (bytes !== undefined) return bytes;
    if (look === LOOKS) throw new WakebusError('CHUNK_MISSING', { address: addressOf(key), chunk: name });
    await delay(clock, LOOK_AGAIN_MS);
  }
}

/** Chunks one after the other, the next ones already on their way. */
export async function* inOrder(ports: ChunkPorts, key: AgentKey, names: readonly string[]): AsyncGenerator<Uint8Array> {
  const coming: Array<Promise<Uint8Array>> = [];
  for (let next = 0; next < names.length || coming.length > 0;) {
    while (coming.length < IN_FLIGHT && next < names.length) {
      const chunk = readChunk(ports, key, names[next] as string);
      chunk.catch(() => {}); // Heard in its turn, or not at all when one before it fails.
      coming.push(chunk);
      next += 1;
    }
    yield await (coming.shift() as Promise<Uint8Array>);
  }
}

/** What a length and names are known by. */
export function checkOf(sizeBytes: number, names: Uint8Array): Uint8Array {
  return digest('sha256', Buffer.concat([Buffer.from(`${sizeBytes} `), names]), 'buffer');
}

function damaged(key: AgentKey, why: string): WakebusError<'RECORD_DAMAGED'> {
  return new WakebusError('RECORD_DAMAGED', { address: addressOf(key), why });
}

/** Work that goes on side by side, up to a limit. What fails is thrown by the next call. */
export class InFlight {
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly thrown: unknown } | undefined;

  /** Waits while there is no room. */
  async begin(work: Promise<unknown>): Promise<void> {
    const running: Promise<void> = this.#hear(work).finally(() => this.#running.delete(running));
    this.#running.add(running);
    if (this.#running.size >= IN_FLIGHT) await Promise.race(this.#running);
    this.#check();
  }

  async end(): Promise<void> {
    await Promise.all(this.#running);
    this.#check();
  }

  async #hear(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (thrown) {
      this.#failure ??= { thrown };
    }
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.thrown;
  }
}
