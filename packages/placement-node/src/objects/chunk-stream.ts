/**
 * Bytes that come piece by piece, cut into chunks by their content and put away as they come: what has gone through
 * is in no memory any more. Where a chunk ends does not depend on how the bytes came.
 */
import { hashOf } from './blob-codec.ts';
import { CHUNK_BYTES, cut } from './cut.ts';
import { type Clock, delay } from '../ports/clock.ts';
import type { FilePart } from './workspace-manifest.ts';
import { type ChunkPorts, InFlight } from './snapshot-chunks.ts';

/** A chunk is four times as long as wanted at the most: with so many bytes at hand, where it ends is certain. */
const LONGEST_CHUNKS = 4;
/** So many bytes are gathered before they are cut: cutting again what is left over costs little then. */
const WINDOW_CHUNKS = 16;
/** After so many bytes at a stretch others get their turn. */
const BREATH_BYTES = 4 * 1024 * 1024;

/** Chunks that are named together, each put away once. */
export class ChunkSet {
  readonly #ports: ChunkPorts;
  readonly #there: ReadonlySet<string>;
  readonly #indexes = new Map<string, number>();
  readonly #writing = new InFlight();
  #breathBytes = 0;

  /** @param there - Chunks that are stored, and named by something committed. */
  constructor(ports: ChunkPorts, there: ReadonlySet<string>) {
    this.#ports = ports;
    this.#there = there;
  }

  get clock(): Clock {
    return this.#ports.clock;
  }

  /** The names, by index. */
  get names(): string[] {
    return [...this.#indexes.keys()];
  }

  /** Names a chunk that is stored. @returns its index. */
  name(hash: string): number {
    const known = this.#indexes.get(hash);
    if (known !== undefined) return known;
    this.#indexes.set(hash, this.#indexes.size);
    return this.#indexes.size - 1;
  }

  /** Puts one away, unless it is there. @returns its index. @throws {WakebusError} `OUTCOME_UNKNOWN` for one of those before. */
  async put(chunk: Uint8Array): Promise<number> {
    const hash = hashOf(chunk);
    const isKnown = this.#there.has(hash) || this.#indexes.has(hash);
    const index = this.name(hash);
    if (!isKnown) await this.#writing.begin(this.#ports.chunks.put(chunk, hash));
    this.#breathBytes += chunk.length;
    if (this.#breathBytes >= BREATH_BYTES) {
      this.#breathBytes = 0;
      await delay(this.#ports.clock, 0);
    }
    return index;
  }

  /** @returns when all are acknowledged. @throws {WakebusError} `OUTCOME_UNKNOWN`. */
  end(): Promise<void> {
    return this.#writing.end();
  }
}

/** Chunks of one stream. */
export class ChunkStream {
  readonly #set: ChunkSet;
  readonly #chunkBytes: number;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #sizeBytes = 0;
  /** Where each chunk begins in the stream. */
  readonly #starts: number[] = [];
  readonly #indexes: number[] = [];
  #cutBytes = 0;

  constructor(set: ChunkSet, chunkBytes: number = CHUNK_BYTES) {
    this.#set = set;
    this.#chunkBytes = chunkBytes;
  }

  /** So many have come. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Takes bytes over: they must not change any more. */
  async append(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.#sizeBytes += bytes.length;
    if (this.#pendingBytes >= WINDOW_CHUNKS * this.#chunkBytes) await this.#cut(LONGEST_CHUNKS * this.#chunkBytes);
  }

  /** Cuts what is left. */
  end(): Promise<void> {
    return this.#cut(0);
  }

  /** Where a range of the stream is. The stream must have ended. */
  parts(from: number, to: number): FilePart[] {
    const parts: FilePart[] = [];
    for (let at = chunkAt(this.#starts, from), next = from; next < to; at += 1) {
      const start = this.#starts[at] as number;
      const end = Math.min(to, this.#starts[at + 1] ?? this.#sizeBytes);
      parts.push({ chunk: this.#indexes[at] as number, offset: next - start, length: end - next });
      next = end;
    }
    return parts;
  }

  /** @param lookahead - So many bytes must be left behind a cut, for it to be one whatever comes. */
  async #cut(lookahead: number): Promise<void> {
    const bytes = this.#pending.length === 1 ? (this.#pending[0] as Uint8Array) : Buffer.concat(this.#pending);
    let done = 0;
    for (const chunk of cut(bytes, this.#chunkBytes)) {
      if (bytes.length - done < lookahead) break;
      this.#starts.push(this.#cutBytes + done);
      done += chunk.length;
      this.#indexes.push(await this.#set.put(chunk));
    }
    this.#cutBytes += done;
    this.#pending = done === bytes.length ? [] : [bytes.subarray(done)];
    this.#pendingBytes = bytes.length - done;
  }
}

/** The last chunk that begins no later than at a place. */
function chunkAt(starts: readonly number[], place: number): number {
  let low = 0;
  for (let high = starts.length; high - low > 1;) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] as number) <= place) low = middle;
    else high = middle;
  }
  return low;
}
