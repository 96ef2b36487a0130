/**
 * The project's own release, pinned by SHA-256: what was reviewed is what runs.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { addToCache } from './cache.ts';

const execute = promisify(execFile);

const releaseVersion = '2.15.0';

/** SHA-256 of each archive, by the platform as Node.js names it. */
const archives: Readonly<Record<string, { readonly name: string; readonly sha256: string }>> = {
  'linux-x64': { name: 'linux-amd64', sha256: '5d2c51caca950333aba84911df7d377f826f3a59ec36061c6539105084f65c92' },
  'linux-arm64': { name: 'linux-arm64', sha256: 'cdc208f5a3f42963a52b6ab06ef65626bb870315dc936e26ba571780c6351112' },
  'darwin-arm64': { name: 'darwin-arm64', sha256: 'e1c4e22d70bd44abfa0bcb3c16f7cf0c66f648c2e728c58924e8a1ce88913cc8' },
  'darwin-x64': { name: 'darwin-amd64', sha256: '5bd8b59ca5bf93fab3da2c5843cf564cd6e2e291e22ae3b861746e7ebe259b95' },
};

/** How long the download of 7 MB may take, in milliseconds: two minutes are a slow mobile line. */
const downloadTimeoutMs = 120_000;

/**
 * Downloads the pinned release into the cache.
 *
 * @param cacheDir - Where fetched binaries are kept.
 * @returns The binary's path.
 * @throws Error with the cause: no release for this platform, no network, or another hash than expected.
 */
export async function fetchRelease(cacheDir: string): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  const archive = archives[platform];
  if (!archive) throw new Error(`there is no pinned release for ${platform}`);
  const folder = `nats-server-v${releaseVersion}-${archive.name}`;
  const url = `https://github.com/nats-io/nats-server/releases/download/v${releaseVersion}/${folder}.tar.gz`;
  const bytes = await download(url);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== archive.sha256)
    throw new Error(`${url} has the SHA-256 ${sha256}, not the pinned ${archive.sha256}: refused`);
  return addToCache(cacheDir, async (workDir) => {
    const path = join(workDir, 'release.tar.gz');
    await writeFile(path, bytes);
    await execute('tar', ['-xzf', path, '-C', workDir, `${folder}/nats-server`]);
    return join(workDir, folder, 'nats-server');
  });
}

async function download(url: string): Promise<Uint8Array> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(downloadTimeoutMs) });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(`${url} could not be downloaded: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause: error,
    });
  }
}
