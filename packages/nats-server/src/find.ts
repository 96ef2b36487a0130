/**
 * Where the nats-server binary comes from: the first of these that has one which is new enough.
 *
 * `$NATS_SERVER` → the PATH → the cache → the pinned release → Debian's packages. What was named outright
 * is used or refused, never passed over; the others are causes in one error when nothing is found.
 */
import { access, constants, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fetchFromDebian } from './debian.ts';
import { NatsServerError } from './errors.ts';
import { fetchRelease } from './release.ts';
import { compareVersions, minimumServerVersion, serverVersion } from './version.ts';

/** Where to look for a nats-server, and where to keep a fetched one. */
export interface FindOptions {
  /** A binary to use and no other. @default `$NATS_SERVER` */
  readonly binary?: string | undefined;
  /** Folders to search. @default The PATH, then sbin and Homebrew, which a service's PATH often lacks. */
  readonly searchPath?: readonly string[];
  /** Where fetched binaries are kept. @default `$XDG_CACHE_HOME/wakebus/nats-server`, so that projects share them. */
  readonly cacheDir?: string;
  /** Whether to fetch a binary when the machine has none. @default true, as nothing outside the cache is touched. */
  readonly fetch?: boolean;
}

/** A source of binaries gives a path, or throws the cause that it has none. */
type Source = () => Promise<string>;

/**
 * Finds a nats-server on this machine, or fetches one.
 *
 * @param options - Where to look.
 * @returns The absolute path of a binary that is new enough.
 * @throws {@link NatsServerError} `SERVER_TOO_OLD` when the named binary is too old; `SERVER_NOT_FOUND`, with every cause, otherwise.
 */
export async function findNatsServer(options: FindOptions = {}): Promise<string> {
  const named = options.binary ?? process.env['NATS_SERVER'];
  if (named) return checkNamed(named);
  const cacheDir = options.cacheDir ?? defaultCacheDir();
  const sources: Source[] = [() => fromPath(options.searchPath ?? defaultSearchPath()), () => fromCache(cacheDir)];
  if (options.fetch ?? true)
    sources.push(
      () => fetchRelease(cacheDir),
      () => fetchFromDebian(cacheDir),
    );
  return firstOf(sources);
}

async function firstOf(sources: readonly Source[]): Promise<string> {
  const causes: string[] = [];
  for (const source of sources) {
    try {
      // One after the other: a later source costs more than an earlier one.
      const path = await source();
      const refusal = await refusalOf(path);
      if (!refusal) return path;
      causes.push(refusal);
    } catch (error) {
      causes.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new NatsServerError('SERVER_NOT_FOUND', notFoundMessage(causes));
}

async function checkNamed(path: string): Promise<string> {
  const version = await serverVersion(path).catch((error: unknown) => {
    throw new NatsServerError(
      'SERVER_NOT_FOUND',
      `NATS_SERVER names ${path}, which does not run (${String(error)}). Correct it, or unset it to have one found.`,
    );
  });
  if (compareVersions(version, minimumServerVersion) >= 0) return path;
  throw new NatsServerError(
    'SERVER_TOO_OLD',
    `NATS_SERVER names ${path}, version ${version}; ${minimumServerVersion} or newer is needed. Install a newer one, or unset it to have one fetched.`,
  );
}

/** Why a binary that was found will not do; nothing when it will. */
async function refusalOf(path: string): Promise<string | undefined> {
  const version = await serverVersion(path);
  return compareVersions(version, minimumServerVersion) < 0
    ? `${path} is version ${version}, older than ${minimumServerVersion}`
    : undefined;
}

async function fromPath(folders: readonly string[]): Promise<string> {
  for (const folder of folders) {
    const path = join(folder, 'nats-server');
    if (await isExecutable(path)) return path;
  }
  throw new Error('nats-server is not on the PATH');
}

async function fromCache(cacheDir: string): Promise<string> {
  const versions = await readdir(cacheDir).catch(() => []);
  for (const version of versions
    .filter((name) => /^\d/.test(name))
    .toSorted(compareVersions)
    .toReversed()) {
    const path = join(cacheDir, version, 'nats-server');
    if (await isExecutable(path)) return path;
  }
  throw new Error(`the cache ${cacheDir} holds none`);
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function defaultCacheDir(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'wakebus', 'nats-server');
}

function defaultSearchPath(): string[] {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return [...path, '/usr/local/sbin', '/usr/sbin', '/sbin', '/opt/homebrew/bin', '/usr/local/bin'];
}

function notFoundMessage(causes: readonly string[]): string {
  return [
    `No nats-server ${minimumServerVersion} or newer was found. Install one and put it on the PATH, or name it in NATS_SERVER. Tried:`,
    ...causes.map((cause) => `  - ${cause}`),
  ].join('\n');
}
