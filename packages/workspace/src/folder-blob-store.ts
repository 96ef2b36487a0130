/**
 * A {@link BlobStore} in a folder: a file a chunk, below the first two digits of its hash.
 *
 * A file is written beside its place, flushed, and then renamed into it, so that what is there is whole, also
 * after a power cut. Who puts a chunk that is there and old renews its date. A removal moves the file aside
 * before it looks at the date for the last time: renewed by then, it goes back; moved by then, whoever wants
 * to renew it does not find it, and writes it again.
 */
import type { Stats } from 'node:fs';
import { type FileHandle, link, mkdir, open, readFile, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  type BlobStore,
  type ListedChunk,
  REFRESH_AFTER_MS,
  hashOf,
  packChunk,
  unpackChunk,
} from '@wakebus/placement-node';
import { WakebusError } from '@wakebus/protocol';

export interface FolderBlobStoreOptions {
  /** @default as in every store */
  readonly refreshAfterMs?: number;
}

/** A file that is being written, and older than this, in milliseconds, is one whose writer died. */
const ABANDONED_MS = 60 * 60 * 1000;
const HASH = /^[0-9a-f]{64}$/;
/** Behind the name of a file that is being removed. */
const ASIDE = '.aside';

export class FolderBlobStore implements BlobStore {
  readonly location: string;
  readonly refreshAfterMs: number;
  readonly #folder: string;

  private constructor(folder: string, { refreshAfterMs = REFRESH_AFTER_MS }: FolderBlobStoreOptions) {
    this.#folder = folder;
    this.location = `folder ${folder}`;
    this.refreshAfterMs = refreshAfterMs;
  }

  /**
   * Opens a store; makes the folder where there is none. Several processes of one machine may use it.
   *
   * @throws {WakebusError} `UNAVAILABLE` when it cannot be written.
   */
  static async open(folder: string, options: FolderBlobStoreOptions = {}): Promise<FolderBlobStore> {
    const store = new FolderBlobStore(resolve(folder), options);
    await store.#reading(store.#tidy());
    return store;
  }

  async put(bytes: Uint8Array, hash: string = hashOf(bytes)): Promise<string> {
    try {
      if (!(await this.#renew(hash))) await this.#write(hash, await packChunk(bytes));
    } catch (cause) {
      if (cause instanceof WakebusError) throw cause;
      throw new WakebusError('OUTCOME_UNKNOWN', { what: 'A chunk', id: hash }, { cause });
    }
    return hash;
  }

  async get(hash: string): Promise<Uint8Array | undefined> {
    const path = this.#path(hash);
    // It may go aside and come back while it is looked for.
    for (const place of [path, path + ASIDE, path]) {
      const stored = await this.#reading(orAbsent(readFile(place)));
      if (stored !== undefined) return unpackChunk(hash, new Uint8Array(stored));
    }
    return undefined;
  }

  async *list(): AsyncGenerator<ListedChunk> {
    for (const part of await this.#reading(readdir(this.#folder))) {
      if (part.length !== 2) continue;
      const names = new Set(await this.#reading(readdir(join(this.#folder, part))));
      for (const name of names) {
        const hash = name.replace(ASIDE, '');
        if (!HASH.test(hash) || (name !== hash && names.has(hash))) continue;
        const found = await this.#reading(orAbsent(stat(join(this.#folder, part, name))));
        if (found === undefined) continue;
        yield { hash, sizeBytes: found.size, ageMs: Date.now() - found.mtimeMs, version: versionOf(found) };
      }
    }
  }

  remove(chunk: ListedChunk): Promise<boolean> {
    return this.#reading(this.#remove(chunk));
  }

  async #remove({ hash, version }: ListedChunk): Promise<boolean> {
    const path = this.#path(hash);
    const aside = path + ASIDE;
    await orAbsent(rename(path, aside));
    const found = await orAbsent(stat(aside));
    if (found !== undefined && versionOf(found) !== version) {
      // Where another has put it meanwhile, that one stands.
      await link(aside, path).catch((thrown: unknown) => ignore(thrown, 'EEXIST', 'ENOENT'));
      await orAbsent(unlink(aside));
      return false;
    }
    await orAbsent(unlink(aside));
    return (await orAbsent(stat(path))) === undefined;
  }

  /** @returns whether the chunk is there, and young from now on. */
  async #renew(hash: string): Promise<boolean> {
    const path = this.#path(hash);
    const file = await orAbsent(open(path, 'r+'));
    if (file === undefined) return false;
    try {
      const before = await file.stat();
      if (Date.now() - before.mtimeMs < this.refreshAfterMs) return true;
      const now = new Date();
      await file.utimes(now, now);
      await file.sync();
      // It may have been moved aside in between, and been looked at before it was renewed.
      return (await orAbsent(stat(path)))?.ino === before.ino;
    } finally {
      await file.close();
    }
  }

  async #write(hash: string, stored: Uint8Array): Promise<void> {
    const part = join(this.#folder, hash.slice(0, 2));
    if ((await mkdir(part, { recursive: true })) !== undefined) await flush(this.#folder);
    const written = join(this.#folder, 'writing', `${hash}.${process.pid}.${Math.random().toString(36).slice(2)}`);
    const file = await open(written, 'wx');
    await filled(file, stored);
    await rename(written, this.#path(hash));
    await flush(part);
  }

  /** What a writer left that died is no chunk, and nobody's. */
  async #tidy(): Promise<void> {
    const writing = join(this.#folder, 'writing');
    await mkdir(writing, { recursive: true });
    for (const name of await readdir(writing)) {
      const path = join(writing, name);
      const found = await orAbsent(stat(path));
      if (found !== undefined && Date.now() - found.mtimeMs > ABANDONED_MS) await rm(path, { force: true });
    }
  }

  #path(hash: string): string {
    return join(this.#folder, hash.slice(0, 2), hash);
  }

  async #reading<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (cause) {
      if (cause instanceof WakebusError) throw cause;
      throw new WakebusError('UNAVAILABLE', { what: `The ${this.location}` }, { cause });
    }
  }
}

async function filled(file: FileHandle, bytes: Uint8Array): Promise<void> {
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A rename is kept once the folder is. */
async function flush(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function versionOf({ ino, mtimeMs }: Stats): string {
  return `${ino} ${mtimeMs}`;
}

async function orAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (thrown) {
    ignore(thrown, 'ENOENT');
    return undefined;
  }
}

function ignore(thrown: unknown, ...codes: readonly string[]): void {
  if (!codes.includes((thrown as NodeJS.ErrnoException).code ?? '')) throw thrown as Error;
}
