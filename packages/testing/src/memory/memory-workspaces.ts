/**
 * {@link Workspaces} whose folders are maps in memory: by a folder's path, an effect in a simulation asks for its files.
 *
 * Manifests and chunks are the real ones, over the store of whoever opens it.
 */
import {
  type ChunkPorts,
  type FileEntry,
  NO_FILES,
  type OpenWorkspace,
  type WorkspaceManifest,
  type WorkspaceRequest,
  WorkspaceWriter,
  type Workspaces,
  readChunk,
  readManifest,
} from '@wakebus/placement-node';
import type { WorkspaceRef } from '@wakebus/protocol';
import { createHash } from 'node:crypto';

/** A folder: text by path. */
export type MemoryFolder = Map<string, string>;

/** So short that the files of a few events are in several chunks. */
const CHUNK_BYTES = 64;
const MODE = 0o644;

/** Of this process: a path says which one, and decides nothing. */
const folders = new Map<string, MemoryFolder>();
let opened = 0;

/** The files in an open folder. @throws {Error} when it is not open any more, as a file system would. */
export function folderAt(path: string): MemoryFolder {
  const folder = folders.get(path);
  if (folder === undefined) throw new Error(`${path} is gone`);
  return folder;
}

export function memoryWorkspaces(ports: ChunkPorts): Workspaces {
  return { open: (request) => openFolder(ports, request), close: () => Promise.resolve() };
}

async function openFolder(ports: ChunkPorts, request: WorkspaceRequest): Promise<OpenWorkspace> {
  const { key, ref } = request;
  const manifest = ref === undefined ? NO_FILES : await readManifest(ports, key, ref);
  const folder: MemoryFolder = new Map();
  for (const entry of manifest.entries)
    if (entry.kind === 'file') folder.set(entry.path, await contentOf(ports, request, manifest, entry));
  opened += 1;
  const path = `memory:${opened}`;
  folders.set(path, folder);
  const close = async (): Promise<void> => void folders.delete(path);
  return { path, sync: () => putAway(ports, request, manifest, folder), release: close, discard: close };
}

async function contentOf(
  ports: ChunkPorts,
  { key }: WorkspaceRequest,
  { chunks }: WorkspaceManifest,
  { parts }: FileEntry,
): Promise<string> {
  const pieces: Uint8Array[] = [];
  for (const { chunk, offset, length } of parts)
    pieces.push((await readChunk(ports, key, chunks[chunk] as string)).subarray(offset, offset + length));
  return Buffer.concat(pieces).toString();
}

async function putAway(
  ports: ChunkPorts,
  { key, ref, spec }: WorkspaceRequest,
  manifest: WorkspaceManifest,
  folder: MemoryFolder,
): Promise<WorkspaceRef | undefined> {
  const base = { ref, manifest };
  const writer = new WorkspaceWriter(ports, { key, base, limits: spec, chunkBytes: CHUNK_BYTES });
  const before = new Map(manifest.entries.map((entry) => [entry.path, entry]));
  const fragments = writer.fragments();
  for (const [path, text] of folder) {
    const bytes = new TextEncoder().encode(text);
    const was = before.get(path);
    const hash = createHash('sha256').update(bytes).digest();
    const isKept = was?.kind === 'file' && !fragments.has(path) && Buffer.compare(was.hash, hash) === 0;
    if (isKept) writer.keepFile({ path, mode: MODE }, was);
    else await writer.addBytes({ path, mode: MODE }, bytes, hash);
  }
  return (await writer.finish()).ref;
}
