/**
 * Removes a folder with all that is in it: also what a program has made read-only, as caches of packages are.
 */
import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What cannot be removed stays: whoever starts on this disk next tries again. */
export async function removeFolder(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    await unlock(path).catch(() => {});
    await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

/** Gives back the right to take things out of every folder. Follows no link. */
async function unlock(path: string): Promise<void> {
  await chmod(path, 0o700);
  for (const each of await readdir(path, { withFileTypes: true }))
    if (each.isDirectory()) await unlock(join(path, each.name));
}
