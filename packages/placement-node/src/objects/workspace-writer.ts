/**
 * Makes the manifest of a workspace of files that come one after the other, from a folder, an archive or a test.
 *
 * A file from {@link SMALL_BYTES} on is cut by itself, so that whoever has the same file has the same chunks. Smaller
 * ones are strung together in the order of their paths and cut as one. A file that is as it was keeps its place, and
 * costs nothing; where many small changes have left many small chunks, the files in those are strung together anew.
 */
import { hash as digest, createHash } from 'node:crypto';
import { type AgentKey, WakebusError, type WorkspaceRef, addressOf } from '@wakebus/protocol';
import { ChunkSet, ChunkStream } from './chunk-stream.ts';
import { CHUNK_BYTES } from './cut.ts';
import type { ChunkPorts } from './snapshot-chunks.ts';
import {
  type FileEntry,
  type FolderEntry,
  type LinkEntry,
  type WorkspaceEntry,
  type WorkspaceManifest,
  writeManifest,
} from './workspace-manifest.ts';
import { PathCheck } from './workspace-paths.ts';

/** From here on, in bytes, a file has chunks of its own: half of the wanted length, which is the shortest of a chunk. */
export const SMALL_BYTES: number = CHUNK_BYTES / 2;

/** What a workspace may hold. */
export interface WorkspaceLimits {
  readonly maxBytes: number;
  readonly maxFiles: number;
}

/** What the files stand on: the manifest that the record names, and what it says. */
export interface WorkspaceBase {
  readonly ref: WorkspaceRef | undefined;
  readonly manifest: WorkspaceManifest;
}

/** What is said of a file besides its bytes. */
export type FileFacts = Pick<FileEntry, 'path' | 'mode' | 'mtimeMs'>;

/** A small file whose place is known once all of them are strung together. */
interface Small {
  readonly facts: FileFacts;
  readonly hash: Uint8Array;
  readonly from: number;
  readonly to: number;
}

export interface WriterOptions {
  readonly key: AgentKey;
  readonly base: WorkspaceBase;
  readonly limits: WorkspaceLimits;
  /** Wanted length of a chunk, in bytes. @default 128 KB */
  readonly chunkBytes?: number;
}

export class WorkspaceWriter {
  readonly #ports: ChunkPorts;
  readonly #options: WriterOptions;
  readonly #set: ChunkSet;
  readonly #small: ChunkStream;
  readonly #smallFiles: Small[] = [];
  readonly #entries: WorkspaceEntry[] = [];
  readonly #paths = new PathCheck();
  #sizeBytes = 0;

  constructor(ports: ChunkPorts, options: WriterOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#set = new ChunkSet(ports, new Set(options.base.manifest.chunks));
    this.#small = new ChunkStream(this.#set, options.chunkBytes);
  }

  /** Small files to be strung together anew, by their paths: they are in too many small chunks, or in ones that hold little else of use. */
  fragments(): ReadonlySet<string> {
    return fragmented(this.#options.base.manifest, this.#options.chunkBytes ?? CHUNK_BYTES);
  }

  /** @throws {WakebusError} `WORKSPACE_REFUSED`, `WORKSPACE_TOO_LARGE`, as all that add. */
  addFolder(entry: Omit<FolderEntry, 'kind'>): void {
    this.#admit({ kind: 'folder', ...entry }, 0);
    this.#entries.push({ kind: 'folder', ...entry });
  }

  addLink(entry: Omit<LinkEntry, 'kind'>): void {
    this.#admit({ kind: 'link', ...entry }, 0);
    this.#entries.push({ kind: 'link', ...entry });
  }

  /** A file whose bytes are as the base has them. @param was - Its entry there, or that of a file with the same bytes. */
  keepFile(facts: FileFacts, was: FileEntry): void {
    this.#admit({ kind: 'file', path: facts.path }, was.sizeBytes);
    const { manifest } = this.#options.base;
    const parts = was.parts.map((part) => ({ ...part, chunk: this.#set.name(manifest.chunks[part.chunk] as string) }));
    this.#entries.push(fileEntry(facts, was.hash, was.sizeBytes, parts));
  }

  /** A file in memory. @param hash - Its sha256, where the caller has it. */
  async addBytes(facts: FileFacts, bytes: Uint8Array, hash?: Uint8Array): Promise<void> {
    if (bytes.length >= SMALL_BYTES) return this.addStream(facts, bytes.length, [bytes]);
    this.#admit({ kind: 'file', path: facts.path }, bytes.length);
    const from = this.#small.sizeBytes;
    await this.#small.append(bytes);
    this.#smallFiles.push({ facts, hash: hash ?? digest('sha256', bytes, 'buffer'), from, to: from + bytes.length });
  }

  /** A file that comes in pieces. @param sizeBytes - How long it should be; one that is not has changed meanwhile. */
  async addStream(
    facts: FileFacts,
    sizeBytes: number,
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<void> {
    this.#admit({ kind: 'file', path: facts.path }, sizeBytes);
    const stream = new ChunkStream(this.#set, this.#options.chunkBytes);
    const sum = createHash('sha256');
    for await (const piece of pieces) {
      if (stream.sizeBytes + piece.length > sizeBytes) break;
      sum.update(piece);
      await stream.append(piece);
    }
    await stream.end();
    if (stream.sizeBytes !== sizeBytes) throw this.refused(facts.path, 'it changed while it was read');
    this.#entries.push(fileEntry(facts, sum.digest(), sizeBytes, stream.parts(0, sizeBytes)));
  }

  /**
   * Puts the rest away, then the manifest.
   *
   * @returns what the record is to name, or nothing when that is what it names already. @throws {WakebusError} `OUTCOME_UNKNOWN`, `WORKSPACE_TOO_LARGE`.
   */
  async finish(): Promise<{ readonly ref: WorkspaceRef | undefined; readonly manifest: WorkspaceManifest }> {
    const { key, base, chunkBytes } = this.#options;
    await this.#small.end();
    for (const { facts, hash, from, to } of this.#smallFiles)
      this.#entries.push(fileEntry(facts, hash, to - from, this.#small.parts(from, to)));
    await this.#set.end();
    const manifest = { chunks: this.#set.names, entries: this.#entries.toSorted(byPath) };
    if (isSame(manifest, base.manifest)) return { ref: undefined, manifest: base.manifest };
    const tidy = withOrderedChunks(manifest);
    return { ref: await writeManifest(this.#ports, key, tidy, base.ref, chunkBytes), manifest: tidy };
  }

  /** @returns when nothing is on its way any more, whatever has come of it. */
  async settle(): Promise<void> {
    await this.#set.end().catch(() => {});
  }

  /** What says that something cannot be kept. */
  refused(path: string, why: string): WakebusError<'WORKSPACE_REFUSED'> {
    return new WakebusError('WORKSPACE_REFUSED', { address: addressOf(this.#options.key), path, why });
  }

  #admit(entry: { kind: WorkspaceEntry['kind']; path: string; target?: string }, sizeBytes: number): void {
    const { limits } = this.#options;
    const why = this.#paths.add(entry);
    if (why !== undefined) throw this.refused(entry.path, why);
    this.#sizeBytes += sizeBytes;
    if (this.#sizeBytes > limits.maxBytes) throw this.#tooLarge('bytes', limits.maxBytes);
    if (this.#paths.count > limits.maxFiles) throw this.#tooLarge('files, folders and links', limits.maxFiles);
  }

  #tooLarge(what: string, limit: number): WakebusError<'WORKSPACE_TOO_LARGE'> {
    return new WakebusError('WORKSPACE_TOO_LARGE', { address: addressOf(this.#options.key), what, limit });
  }
}

/** So many chunks that are shorter than the shortest should be are not worth a name each. */
const MANY_FRAGMENTS = 32;
/** A chunk of which no more than this share is of use is not worth its fetching. */
const LEAST_USE = 0.5;

function fragmented({ entries }: WorkspaceManifest, chunkBytes: number): Set<string> {
  const used = new Map<number, { bytes: number; end: number }>();
  const small = entries.filter((entry) => entry.kind === 'file' && entry.sizeBytes < SMALL_BYTES) as FileEntry[];
  for (const { parts } of small) {
    for (const { chunk, length, offset } of parts) {
      const { bytes, end } = used.get(chunk) ?? { bytes: 0, end: 0 };
      used.set(chunk, { bytes: bytes + length, end: Math.max(end, offset + length) });
    }
  }
  const short = [...used].filter(([, { end }]) => end < chunkBytes / 2);
  const poor = [...used].filter(([, { bytes, end }]) => bytes < LEAST_USE * end);
  const chunks = new Set([...(short.length > MANY_FRAGMENTS ? short : []), ...poor].map(([chunk]) => chunk));
  if (chunks.size === 0) return new Set();
  return new Set(small.filter(({ parts }) => parts.some(({ chunk }) => chunks.has(chunk))).map(({ path }) => path));
}

function fileEntry(
  { path, mode, mtimeMs }: FileFacts,
  hash: Uint8Array,
  sizeBytes: number,
  parts: FileEntry['parts'],
): FileEntry {
  return { kind: 'file', path, mode, sizeBytes, hash, parts, ...(mtimeMs !== undefined && { mtimeMs }) };
}

function byPath(one: WorkspaceEntry, other: WorkspaceEntry): number {
  return one.path < other.path ? -1 : Number(one.path > other.path);
}

/** Whether two say the same of every file, wherever its bytes are. */
function isSame({ entries }: WorkspaceManifest, base: WorkspaceManifest): boolean {
  return entries.length === base.entries.length && entries.every((entry, i) => isSameEntry(entry, base.entries[i]));
}

/** Whether two entries are one, wherever the bytes are. */
export function isSameEntry(one: WorkspaceEntry, other: WorkspaceEntry | undefined): boolean {
  if (one.kind !== other?.kind || one.path !== other.path) return false;
  if (one.kind === 'link') return other.kind === 'link' && one.target === other.target;
  if (one.mode !== (other as FolderEntry).mode) return false;
  if (one.kind === 'folder' || other.kind !== 'file') return true;
  return one.mtimeMs === other.mtimeMs && Buffer.compare(one.hash, other.hash) === 0;
}

/** The same files give the same manifest, in whatever order they came: chunks are named as the entries need them. */
function withOrderedChunks({ chunks, entries }: WorkspaceManifest): WorkspaceManifest {
  const order = new Map<number, number>();
  for (const entry of entries)
    if (entry.kind === 'file') for (const { chunk } of entry.parts) if (!order.has(chunk)) order.set(chunk, order.size);
  return {
    chunks: [...order.keys()].map((chunk) => chunks[chunk] as string),
    entries: entries.map((entry) =>
      entry.kind === 'file'
        ? { ...entry, parts: entry.parts.map((part) => ({ ...part, chunk: order.get(part.chunk) as number })) }
        : entry,
    ),
  };
}
