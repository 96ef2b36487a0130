/**
 * Makes a folder what a manifest says: whatever is in it goes or stays as it is, and only what is not there is fetched.
 */
import { hash as digest } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  readlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {
  type ChunkPorts,
  type FileEntry,
  type WorkspaceEntry,
  type WorkspaceManifest,
  isSameEntry,
  readChunk,
} from '@wakebus/placement-node';
import { type AgentKey, WakebusError, addressOf } from '@wakebus/protocol';
import { type Found, walk } from './walk.ts';

/** Chunks on their way at once. */
const IN_FLIGHT = 8;
/** What is no longer is read at once, in bytes: some 2 ms. */
const READ_BYTES = 1024 * 1024;

/** What is known of a folder: what it was made, and by which stamps its files can be told to be so still. */
export interface Known {
  readonly manifest: WorkspaceManifest;
  readonly stamps: ReadonlyMap<string, string>;
}

interface Work {
  readonly ports: ChunkPorts;
  readonly key: AgentKey;
  readonly root: string;
}

/** Lays a manifest out. @throws {WakebusError} `CHUNK_MISSING`, `CHUNK_DAMAGED`, `WORKSPACE_DAMAGED`; what the file system throws. */
export async function layOut(work: Work, target: WorkspaceManifest, known: Known): Promise<void> {
  const { root } = work;
  const there = new Map((await walk(root, () => false)).map((found) => [found.path, found]));
  const wanted = new Map(target.entries.map((entry) => [entry.path, entry]));
  clear(root, there, wanted);
  const before = new Map(known.manifest.entries.map((entry) => [entry.path, entry]));
  const missing: FileEntry[] = [];
  for (const entry of target.entries) {
    const found = there.get(entry.path);
    if (entry.kind === 'folder') makeFolder(root, entry.path, found);
    if (entry.kind !== 'file') continue;
    const isKnown = found !== undefined && known.stamps.get(entry.path) === found.stamp;
    if (isKnown && isSameEntry(entry, before.get(entry.path))) continue;
    if (found !== undefined && hasContent(root, entry, found)) continue;
    if (found !== undefined) unlinkSync(`${root}/${entry.path}`);
    there.delete(entry.path);
    missing.push(entry);
  }
  await fetchFiles(work, target.chunks, missing);
  finish(root, target.entries, there);
}

/** Takes away what the manifest does not have, or has as something else. */
function clear(root: string, there: Map<string, Found>, wanted: ReadonlyMap<string, WorkspaceEntry>): void {
  let gone: string | undefined;
  for (const { path, kind } of there.values()) {
    const isBelow = gone !== undefined && path.startsWith(`${gone}/`);
    if (!isBelow && wanted.get(path)?.kind === kind) continue;
    there.delete(path);
    if (isBelow) continue;
    rmSync(`${root}/${path}`, { recursive: true, force: true });
    gone = path;
  }
}

/** Whether a file has the bytes that it should have: to read them here costs less than to fetch them. */
function hasContent(root: string, { path, sizeBytes, hash }: FileEntry, found: Found): boolean {
  if (found.sizeBytes !== sizeBytes || sizeBytes > READ_BYTES || found.names > 1) return false;
  return Buffer.compare(digest('sha256', readFileSync(`${root}/${path}`), 'buffer'), hash) === 0;
}

/** With the right to write into it, until all is there. */
function makeFolder(root: string, path: string, found: Found | undefined): void {
  if (found === undefined) mkdirSync(`${root}/${path}`, { mode: 0o700 });
  else if ((found.mode & 0o700) !== 0o700) chmodSync(`${root}/${path}`, found.mode | 0o700);
}

/** Each chunk is fetched once, for all files that have a part of it. */
async function fetchFiles(work: Work, chunks: readonly string[], missing: readonly FileEntry[]): Promise<void> {
  const byChunk = new Map<number, Array<{ readonly file: FileEntry; readonly at: number; readonly part: number }>>();
  for (const file of missing) {
    let at = 0;
    for (const [part, { chunk, length }] of file.parts.entries()) {
      const pieces = byChunk.get(chunk) ?? [];
      pieces.push({ file, at, part });
      byChunk.set(chunk, pieces);
      at += length;
    }
    if (file.parts.length === 0) writeWhole(work.root, file, new Uint8Array());
  }
  const files = new LongFiles(work.root);
  const queue = [...byChunk];
  const fetchSome = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [chunk, pieces] = next;
      const bytes = await readChunk(work.ports, work.key, chunks[chunk] as string);
      for (const { file, at, part } of pieces) {
        const { offset, length } = file.parts[part] as FileEntry['parts'][number];
        if (offset + length > bytes.length) throw damaged(work.key, `${file.path} is longer than its chunk`);
        const piece = bytes.subarray(offset, offset + length);
        if (file.parts.length === 1) writeWhole(work.root, file, piece);
        else await files.write(file, piece, at);
      }
    }
  };
  try {
    await allOrFirst(Array.from({ length: IN_FLIGHT }, fetchSome), () => (queue.length = 0));
  } finally {
    await files.closeAll();
  }
}

/** Waits for all, also where one fails: nothing is left under way. */
async function allOrFirst(works: ReadonlyArray<Promise<void>>, onFailure: () => void): Promise<void> {
  for (const work of works) work.catch(onFailure);
  const failed = (await Promise.allSettled(works)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason as Error;
}

function writeWhole(root: string, { path, mode }: FileEntry, bytes: Uint8Array): void {
  // Never through a link, and never into what another has put there.
  writeFileSync(`${root}/${path}`, bytes, { flag: 'wx', mode: mode | 0o200 });
}

/** Files in several parts, each open until all of them are there. */
class LongFiles {
  readonly #root: string;
  readonly #open = new Map<string, { readonly handle: Promise<FileHandle>; left: number }>();

  constructor(root: string) {
    this.#root = root;
  }

  async write({ path, mode, parts }: FileEntry, bytes: Uint8Array, at: number): Promise<void> {
    let file = this.#open.get(path);
    if (file === undefined) {
      file = { handle: open(`${this.#root}/${path}`, 'wx', mode | 0o200), left: parts.length };
      this.#open.set(path, file);
    }
    const handle = await file.handle;
    await handle.write(bytes, 0, bytes.length, at);
    file.left -= 1;
    if (file.left > 0) return;
    this.#open.delete(path);
    await handle.close();
  }

  async closeAll(): Promise<void> {
    await Promise.allSettled([...this.#open.values()].map(async ({ handle }) => (await handle).close()));
  }
}

/** Links, times, and modes: those of folders last, as they may forbid to write into them. */
function finish(root: string, entries: readonly WorkspaceEntry[], there: ReadonlyMap<string, Found>): void {
  for (const entry of entries.toReversed()) {
    const path = `${root}/${entry.path}`;
    if (entry.kind === 'link') makeLink(path, entry.target, there.has(entry.path));
    else if (entry.kind === 'folder') chmodSync(path, entry.mode);
    else if (!there.has(entry.path) || needsMode(entry, there)) finishFile(path, entry);
  }
}

function needsMode(entry: FileEntry, there: ReadonlyMap<string, Found>): boolean {
  return there.get(entry.path)?.mode !== entry.mode || entry.mtimeMs !== undefined;
}

function finishFile(path: string, { mode, mtimeMs }: FileEntry): void {
  chmodSync(path, mode);
  if (mtimeMs !== undefined) utimesSync(path, mtimeMs / 1_000, mtimeMs / 1_000);
}

function makeLink(path: string, target: string, isThere: boolean): void {
  if (isThere && readlinkSync(path) === target) return;
  if (isThere) unlinkSync(path);
  symlinkSync(target, path);
}

function damaged(key: AgentKey, why: string): WakebusError<'WORKSPACE_DAMAGED'> {
  return new WakebusError('WORKSPACE_DAMAGED', { address: addressOf(key), why });
}
