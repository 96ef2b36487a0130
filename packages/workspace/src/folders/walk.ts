/**
 * Looks at everything in a folder, and reads none of it.
 *
 * By calls that wait, in short bursts: for a look that the kernel answers out of its memory, a journey to another
 * thread takes ten times as long as the look.
 */
import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

/** After so many looks others get their turn: some 2 ms. */
const BURST = 256;

/** What is there under a path. */
export interface Found {
  /** From the folder, with slashes. */
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly mode: number;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** How many names the same file has. */
  readonly names: number;
  /** Changes when anything about it is written, its content and its mode among it. */
  readonly stamp: string;
  /** When it was changed last in any way, by the clock of its file system, in nanoseconds. */
  readonly changedNs: bigint;
}

/** Everything in a folder, in the order of the paths. @throws what the file system throws; what vanishes meanwhile is `ENOENT`; `ENOTDIR` also for a link in the folder's place. */
export async function walk(root: string, isIgnored: (path: string) => boolean): Promise<Found[]> {
  if (!lstatSync(root).isDirectory()) throw Object.assign(new Error('it is no folder any more'), { code: 'ENOTDIR' });
  const found: Found[] = [];
  const folders = [''];
  let looks = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of readdirSync(folder === '' ? root : `${root}/${folder}`)) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (isIgnored(path)) continue;
      const each = foundAt(root, path);
      found.push(each);
      if (each.kind === 'folder') folders.push(path);
      looks += 1;
      if (looks % BURST === 0) await setImmediate();
    }
  }
  return found.toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

/** What is there under one path. */
function foundAt(root: string, path: string): Found {
  const stat = lstatSync(`${root}/${path}`, { bigint: true });
  const { mode, size, nlink, ctimeNs, mtimeNs } = stat;
  return {
    path,
    kind: kindOf(stat),
    mode: Number(mode) & 0o777,
    sizeBytes: Number(size),
    mtimeMs: Number(mtimeNs / 1_000_000n),
    names: Number(nlink),
    stamp: stampOf(stat),
    changedNs: ctimeNs,
  };
}

/** What a file is told from another state of itself by. The time of the last change of its inode nobody can set. */
export function stampOf({ ino, size, mode, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${ino} ${size} ${mode} ${mtimeNs} ${ctimeNs}`;
}

function kindOf(stat: BigIntStats): Found['kind'] {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'folder';
  return stat.isSymbolicLink() ? 'link' : 'other';
}
