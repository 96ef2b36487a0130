/**
 * The cache of fetched binaries: `<cacheDir>/<version>/nats-server`.
 *
 * A binary is built up in a folder beside its place and renamed into it, so that nobody sees half of one
 * and of two processes that fetch at once the first wins.
 */
import { chmod, mkdir, mkdtemp, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { serverVersion } from './version.ts';

/**
 * Puts a binary into the cache.
 *
 * @param cacheDir - The cache; made when it is missing.
 * @param build - Leaves the binary somewhere below the folder that it is given, and returns its path.
 * @returns The binary's path in the cache.
 * @throws What `build` throws; the folder it used is gone then, and so is an empty cache.
 */
export async function addToCache(cacheDir: string, build: (folder: string) => Promise<string>): Promise<string> {
  await mkdir(cacheDir, { recursive: true });
  const workDir = await mkdtemp(join(cacheDir, '.new-'));
  try {
    const built = await build(workDir);
    await chmod(built, 0o755);
    const target = join(cacheDir, await serverVersion(built));
    await mkdir(target, { recursive: true });
    await rename(built, join(target, 'nats-server'));
    return join(target, 'nats-server');
  } finally {
    await rm(workDir, { recursive: true, force: true });
    // Not empty once there is something in it, be it another process's.
    await rmdir(cacheDir).catch(() => {});
  }
}
