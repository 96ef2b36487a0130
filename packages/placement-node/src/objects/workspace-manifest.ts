/**
 * Manifests of workspaces: which files an agent has, and in which chunks their bytes are.
 *
 * A manifest is bytes in chunks itself, named by the record ({@link WorkspaceRef}). Those of a file are parts of
 * chunks, one after the other: a large file has chunks of its own, and small ones share some. Entries are in the order
 * of their paths and hold nothing of chance, so the same files give the same manifest. What is read is checked in full
 * before anybody makes a file of it: a manifest may come from elsewhere.
 */
import {
  type AgentKey,
  MANIFEST_LIMIT_BYTES,
  WakebusError,
  type WorkspaceRef,
  addressOf,
  decode,
  encode,
  namesOf,
  packNames,
} from '@wakebus/protocol';
import { MAX_CHUNK_BYTES } from './blob-codec.ts';
import { CHUNK_BYTES } from './cut.ts';
import { isGone } from './record-chunks.ts';
import { type ChunkPorts, checkOf, inOrder, joined, writeChunks } from './snapshot-chunks.ts';
import { PathCheck } from './workspace-paths.ts';

/** A piece of a file: so many bytes of a chunk. */
export interface FilePart {
  /** Which of the manifest's chunks. */
  readonly chunk: number;
  readonly offset: number;
  readonly length: number;
}

export interface FileEntry {
  readonly kind: 'file';
  /** From the folder, with slashes. */
  readonly path: string;
  /** The nine bits of permission. */
  readonly mode: number;
  readonly sizeBytes: number;
  /** The sha256 of the file. */
  readonly hash: Uint8Array;
  readonly parts: readonly FilePart[];
  /** When it was last changed, where the type asks for it. */
  readonly mtimeMs?: number;
}

export interface FolderEntry {
  readonly kind: 'folder';
  readonly path: string;
  readonly mode: number;
}

export interface LinkEntry {
  readonly kind: 'link';
  readonly path: string;
  /** Stays within the folder. */
  readonly target: string;
}

export type WorkspaceEntry = FileEntry | FolderEntry | LinkEntry;

/** What an agent has. */
export interface WorkspaceManifest {
  /** Names of chunks, each once. */
  readonly chunks: readonly string[];
  /** In the order of their paths: a folder stands before what is in it. */
  readonly entries: readonly WorkspaceEntry[];
}

/** Of an agent that has never had a file. */
export const NO_FILES: WorkspaceManifest = { chunks: [], entries: [] };

type PackedEntry =
  | readonly [kind: 0, path: string, mode: number, size: number, hash: Uint8Array, parts: number[], mtimeMs?: number]
  | readonly [kind: 1, path: string, mode: number]
  | readonly [kind: 2, path: string, target: string];

/**
 * Stores a manifest whose chunks are stored.
 *
 * @param base - What the record names now.
 * @throws {WakebusError} `WORKSPACE_TOO_LARGE`; `OUTCOME_UNKNOWN`.
 */
export async function writeManifest(
  ports: ChunkPorts,
  key: AgentKey,
  manifest: WorkspaceManifest,
  base: WorkspaceRef | undefined,
  chunkBytes: number = CHUNK_BYTES,
): Promise<WorkspaceRef> {
  const bytes = encode({ v: 1, chunks: packNames(manifest.chunks), entries: manifest.entries.map(packed) });
  if (bytes.length > MANIFEST_LIMIT_BYTES)
    throw new WakebusError('WORKSPACE_TOO_LARGE', {
      address: addressOf(key),
      what: 'bytes of names and hashes',
      limit: MANIFEST_LIMIT_BYTES,
    });
  const there = new Set(base === undefined ? [] : namesOf(base.names));
  const names = packNames(await writeChunks(ports, bytes, there, chunkBytes));
  const files = manifest.entries.filter((entry) => entry.kind === 'file');
  return {
    manifestBytes: bytes.length,
    names,
    check: checkOf(bytes.length, names),
    files: files.length,
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    before: base?.names ?? new Uint8Array(),
  };
}

/** The manifest that a record names. @throws {WakebusError} `CHUNK_MISSING`, `CHUNK_DAMAGED`, `WORKSPACE_DAMAGED`; `UNAVAILABLE`. */
export async function readManifest(
  ports: ChunkPorts,
  key: AgentKey,
  { manifestBytes, names, check, files, sizeBytes }: WorkspaceRef,
): Promise<WorkspaceManifest> {
  if (Buffer.compare(checkOf(manifestBytes, names), check) !== 0)
    throw damaged(key, 'what names its manifest is not as it was written');
  const { bytes, length } = await joined(inOrder(ports, key, namesOf(names)), manifestBytes);
  if (length !== manifestBytes) throw damaged(key, `its manifest has ${length} bytes, and not ${manifestBytes}`);
  const manifest = decodeManifest(key, bytes);
  const found = manifest.entries.filter((entry) => entry.kind === 'file');
  if (found.length !== files || found.reduce((sum, file) => sum + file.sizeBytes, 0) !== sizeBytes)
    throw damaged(key, 'its manifest has other files than were written');
  return manifest;
}

/**
 * Every chunk that holds files of a workspace, or of the one before it. Those of their manifests stand in the record.
 *
 * @throws {WakebusError} as {@link readManifest}, of the present one.
 */
export async function filesOf(ports: ChunkPorts, key: AgentKey, ref: WorkspaceRef): Promise<Set<string>> {
  const files = new Set((await readManifest(ports, key, ref)).chunks);
  for (const name of ref.before.length === 0 ? [] : await filesBefore(ports, key, ref)) files.add(name);
  return files;
}

/** What is damaged of the one before nobody goes back to. */
async function filesBefore(ports: ChunkPorts, key: AgentKey, { before }: WorkspaceRef): Promise<readonly string[]> {
  try {
    const pieces: Uint8Array[] = [];
    for await (const chunk of inOrder(ports, key, namesOf(before))) pieces.push(chunk);
    return decodeManifest(key, Buffer.concat(pieces)).chunks;
  } catch (thrown) {
    if (isGone(thrown)) return [];
    throw thrown;
  }
}

/** A manifest out of its bytes. @throws {WakebusError} `WORKSPACE_DAMAGED`. */
export function decodeManifest(key: AgentKey, bytes: Uint8Array): WorkspaceManifest {
  try {
    const { v, chunks, entries } = decode(bytes) as { v?: unknown; chunks: Uint8Array; entries: PackedEntry[] };
    if (v !== 1) throw new Error('it is of another version');
    const manifest = { chunks: namesOf(chunks), entries: entries.map(unpacked) };
    checkManifest(manifest);
    return manifest;
  } catch (thrown) {
    throw damaged(key, `its manifest is none: ${(thrown as Error).message}`);
  }
}

function packed(entry: WorkspaceEntry): PackedEntry {
  if (entry.kind === 'folder') return [1, entry.path, entry.mode];
  if (entry.kind === 'link') return [2, entry.path, entry.target];
  const { path, mode, sizeBytes, hash, parts, mtimeMs } = entry;
  const flat = parts.flatMap(({ chunk, offset, length }) => [chunk, offset, length]);
  return mtimeMs === undefined
    ? [0, path, mode, sizeBytes, hash, flat]
    : [0, path, mode, sizeBytes, hash, flat, mtimeMs];
}

function unpacked(entry: PackedEntry): WorkspaceEntry {
  if (entry[0] === 1) return { kind: 'folder', path: entry[1], mode: entry[2] };
  if (entry[0] === 2) return { kind: 'link', path: entry[1], target: entry[2] };
  const [kind, path, mode, sizeBytes, hash, flat, mtimeMs] = entry;
  if (kind !== 0) throw new Error('it has an entry of another kind');
  const parts: FilePart[] = [];
  for (let at = 0; at < flat.length; at += 3)
    parts.push({ chunk: flat[at] as number, offset: flat[at + 1] as number, length: flat[at + 2] as number });
  return { kind: 'file', path, mode, sizeBytes, hash, parts, ...(mtimeMs !== undefined && { mtimeMs }) };
}

/** @throws {Error} saying what is wrong with it. */
function checkManifest({ chunks, entries }: WorkspaceManifest): void {
  const paths = new PathCheck();
  let last = '';
  for (const entry of entries) {
    const why = paths.add(entry);
    if (why !== undefined) throw new Error(`${JSON.stringify(entry.path)}: ${why}`);
    if (entry.path <= last) throw new Error(`${JSON.stringify(entry.path)} does not stand in order`);
    last = entry.path;
    if (entry.kind !== 'link' && !isWithin(entry.mode, 0o777)) throw new Error(`${entry.path} has no mode`);
    if (entry.kind === 'file') checkFile(entry, chunks.length);
  }
}

function checkFile({ path, sizeBytes, hash, parts, mtimeMs }: FileEntry, chunks: number): void {
  if (!(hash instanceof Uint8Array) || hash.length !== 32) throw new Error(`${path} has no hash`);
  if (mtimeMs !== undefined && !Number.isFinite(mtimeMs)) throw new Error(`${path} has no time`);
  let length = 0;
  for (const part of parts) {
    const isWhole = isWithin(part.chunk, chunks - 1) && part.length > 0 && isWithin(part.length, MAX_CHUNK_BYTES);
    if (!isWhole || !isWithin(part.offset, MAX_CHUNK_BYTES)) throw new Error(`${path} has a part that is none`);
    length += part.length;
  }
  if (length !== sizeBytes) throw new Error(`${path} is not as long as its parts`);
}

function isWithin(value: unknown, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

function damaged(key: AgentKey, why: string): WakebusError<'WORKSPACE_DAMAGED'> {
  return new WakebusError('WORKSPACE_DAMAGED', { address: addressOf(key), why });
}
