/**
 * Puts away what a folder holds. What has its stamp is not read, and what has its hash is not sent.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import {
  type ChunkPorts,
  type FileEntry,
  type FileFacts,
  SMALL_BYTES,
  type WorkspaceBase,
  WorkspaceWriter,
} from '@wakebus/placement-node';
import type { WorkspaceSpec } from '@wakebus/core';
import { type AgentKey, WakebusError } from '@wakebus/protocol';
import { hash as digest } from 'node:crypto';
import { ignoring } from './ignore.ts';
import { type Found, stampOf, walk } from './walk.ts';

const PIECE_BYTES = 1024 * 1024;
/** Never through a link that has come into the place of a file, and never waiting for a pipe. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface TakeIn {
  readonly ports: ChunkPorts;
  readonly key: AgentKey;
  readonly spec: WorkspaceSpec;
  readonly root: string;
  readonly base: WorkspaceBase;
  readonly stamps: ReadonlyMap<string, string>;
}

export type TakenIn = Awaited<ReturnType<WorkspaceWriter['finish']>> & { readonly found: readonly Found[] };

/** Puts it away. @throws {WakebusError} `WORKSPACE_REFUSED`, `WORKSPACE_TOO_LARGE`, `OUTCOME_UNKNOWN`. */
export async function takeIn(work: TakeIn): Promise<TakenIn> {
  const { ports, key, base, spec } = work;
  const writer = new WorkspaceWriter(ports, { key, base, limits: spec });
  try {
    const found = await addAll(writer, work);
    return { ...(await writer.finish()), found };
  } finally {
    await writer.settle();
  }
}

async function addAll(writer: WorkspaceWriter, { base, root, spec, stamps }: TakeIn): Promise<readonly Found[]> {
  const files = new Map(base.manifest.entries.flatMap((entry) => (entry.kind === 'file' ? [[entry.path, entry]] : [])));
  const found = await readable(writer, '.', () => walk(root, ignoring(spec.ignore)));
  const fragmented = writer.fragments();
  for (const each of found) {
    if (each.kind === 'folder') writer.addFolder({ path: each.path, mode: each.mode });
    else if (each.kind === 'link') writer.addLink({ path: each.path, target: readlinkSync(`${root}/${each.path}`) });
    else {
      checkFile(writer, each);
      const was = files.get(each.path);
      const facts = { path: each.path, mode: each.mode, ...(spec.times && { mtimeMs: each.mtimeMs }) };
      if (was !== undefined && stamps.get(each.path) === each.stamp && !fragmented.has(each.path))
        writer.keepFile(facts, was);
      else await addFile(writer, root, each, facts, fragmented.has(each.path) ? undefined : was);
    }
  }
  return found;
}

function checkFile(writer: WorkspaceWriter, { kind, names, path }: Found): void {
  if (kind !== 'file') throw writer.refused(path, 'it is a device, a pipe or a socket');
  if (names > 1) throw writer.refused(path, 'it is a hard link: the same file has another name');
}

async function addFile(
  writer: WorkspaceWriter,
  root: string,
  found: Found,
  facts: FileFacts,
  was: FileEntry | undefined,
): Promise<void> {
  const path = `${root}/${found.path}`;
  if (found.sizeBytes < SMALL_BYTES) {
    const bytes = await readable(writer, found.path, () => readSmall(path, found));
    if (bytes === undefined) throw writer.refused(found.path, 'it changed while it was read');
    const hash = digest('sha256', bytes, 'buffer');
    if (was !== undefined && Buffer.compare(was.hash, hash) === 0) writer.keepFile(facts, was);
    else await writer.addBytes(facts, bytes, hash);
    return;
  }
  const file = await readable(writer, found.path, () => open(path, READ));
  try {
    await writer.addStream(facts, found.sizeBytes, pieces(file));
    if (stampOf(await file.stat({ bigint: true })) !== found.stamp)
      throw writer.refused(found.path, 'it changed while it was read');
  } finally {
    await file.close();
  }
}

/** @returns nothing when it is not what was found. */
function readSmall(path: string, { stamp }: Found): Uint8Array | undefined {
  const file = openSync(path, READ);
  try {
    const bytes = readFileSync(file);
    return stampOf(fstatSync(file, { bigint: true })) === stamp ? bytes : undefined;
  } finally {
    closeSync(file);
  }
}

async function* pieces(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(PIECE_BYTES), 0, PIECE_BYTES);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/** What cannot be looked at has changed or is forbidden: in either case it is not kept, and neither is the rest. */
async function readable<T>(writer: WorkspaceWriter, path: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code === 'EIO' || code === 'EMFILE' || code === 'ENFILE')
      throw new WakebusError('UNAVAILABLE', { what: 'The disk with the workspaces' }, { cause: thrown });
    throw writer.refused(path, code === 'ENOENT' ? 'it changed while it was read' : `it cannot be read: ${message}`);
  }
}
