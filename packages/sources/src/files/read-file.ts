/** Looking at one file: what it is, and the hash of its bytes. */
import { createHash } from 'node:crypto';
import { type Stats, createReadStream } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { FileEntry } from './file-change.ts';

type Seen = NonNullable<FileEntry['seen']>;

/** What a look has found. `unsteady`: it was written meanwhile, and these may be neither its old bytes nor its new ones. */
export type Look = { readonly kind: 'gone' } | { readonly kind: 'steady' | 'unsteady'; readonly file: Seen };

const GONE: Look = { kind: 'gone' };
const ABSENT: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR']);

/** Looks. What is no plain file is not there. @param known - As it was when its hash was last taken. */
export async function lookAt(path: string, known: Seen | undefined): Promise<Look> {
  const before = await statOf(path);
  if (before === undefined) return GONE;
  if (known !== undefined && isSame(before, known)) return { kind: 'steady', file: known };
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
  } catch (error) {
    if (isAbsent(error)) return GONE;
    throw error;
  }
  const file = { ...factsOf(before), hash: hash.digest('hex') };
  const after = await statOf(path);
  if (after === undefined) return GONE;
  return { kind: isSame(after, file) ? 'steady' : 'unsteady', file };
}

/** A plain file's facts but its bytes, or nothing. */
export async function statOf(path: string): Promise<Stats | undefined> {
  try {
    const stats = await lstat(path);
    return stats.isFile() ? stats : undefined;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Whether a file was not written since its hash was taken. */
export function isSame(stats: Stats, { sizeBytes, mtimeMs, inode }: Omit<Seen, 'hash'>): boolean {
  return stats.size === sizeBytes && stats.mtimeMs === mtimeMs && stats.ino === inode;
}

function factsOf({ size, mtimeMs, ino }: Stats): Omit<Seen, 'hash'> {
  return { sizeBytes: size, mtimeMs, inode: ino };
}

function isAbsent(error: unknown): boolean {
  return ABSENT.has((error as NodeJS.ErrnoException).code);
}
