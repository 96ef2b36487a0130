/** An object store in a folder, and machines that lay agents' files out of it. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type WorkspaceOptions, defineAgent } from '@wakebus/core';
import { type BlobStore, type OpenWorkspace, type Workspaces } from '@wakebus/placement-node';
import { type AgentKey, type WorkspaceRef } from '@wakebus/protocol';
import { createMachine } from 'xstate';
import { FolderBlobStore, folderWorkspaces } from '../src/mod.ts';

export const key = 'clerk.ada' as AgentKey;
const machine = createMachine({});

export function specOf(workspace: WorkspaceOptions = {}) {
  const { workspace: spec } = defineAgent({ type: 'clerk', machine, workspace });
  if (spec === undefined) throw new Error('there is no workspace');
  return spec;
}

/** Counts what is fetched and stored. */
export class Counting implements BlobStore {
  gets: string[] = [];
  puts: string[] = [];
  /** Called before each chunk is stored. */
  onPut: (hash: string) => Promise<void> | void = () => {};
  readonly #store: BlobStore;

  constructor(store: BlobStore) {
    this.#store = store;
  }

  get location() {
    return this.#store.location;
  }

  get refreshAfterMs() {
    return this.#store.refreshAfterMs;
  }

  async put(bytes: Uint8Array, hash?: string) {
    await this.onPut(hash ?? '');
    this.puts.push(hash ?? '');
    return this.#store.put(bytes, hash);
  }

  get(hash: string) {
    this.gets.push(hash);
    return this.#store.get(hash);
  }

  list() {
    return this.#store.list();
  }

  remove(chunk: Parameters<BlobStore['remove']>[0]) {
    return this.#store.remove(chunk);
  }

  forget() {
    this.gets = [];
    this.puts = [];
  }
}

/** Only looks again at a chunk that is missing ask for it: without waiting. */
export const clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer: (_delayMs: number, run: () => void) => {
    const timer = setImmediate(run);
    return { cancel: () => clearImmediate(timer) };
  },
};

/** Made anew for each test. */
export let folder: string;
export let objects: Counting;
export let workspaces: Workspaces;
let others = 0;

/** Where the folders of the last machine are. */
export function lastMachine(): string {
  return join(folder, `machine-${others}`);
}

export async function begin(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'wakebus-workspaces-'));
  objects = new Counting(await FolderBlobStore.open(join(folder, 'chunks')));
  workspaces = await elsewhere();
}

export function end(): Promise<void> {
  return rm(folder, { recursive: true, force: true });
}

/** Another machine over the same object store. */
export function elsewhere(keepBytes?: number): Promise<Workspaces> {
  others += 1;
  const options = keepBytes === undefined ? {} : { keepBytes };
  return folderWorkspaces(join(folder, `machine-${others}`), options)({ chunks: objects, clock });
}

export function open(
  ref?: WorkspaceRef,
  on: Workspaces = workspaces,
  options?: WorkspaceOptions,
): Promise<OpenWorkspace> {
  return on.open({ key, ref, spec: specOf(options) });
}

/** An attempt, from its folder to its manifest. */
export async function attempt(
  work: (path: string) => unknown,
  ref?: WorkspaceRef,
  { on = workspaces, ...options }: WorkspaceOptions & { readonly on?: Workspaces } = {},
): Promise<WorkspaceRef | undefined> {
  const workspace = await open(ref, on, options);
  try {
    await work(workspace.path);
    return await workspace.sync();
  } finally {
    await workspace.release();
  }
}

export async function made(work: (path: string) => unknown, ref?: WorkspaceRef): Promise<WorkspaceRef> {
  const next = await attempt(work, ref);
  if (next === undefined) throw new Error('nothing has changed');
  return next;
}

/** Everything in a folder, as it looks from outside. */
export async function seen(path: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const each of await readdir(path, { recursive: true, withFileTypes: true })) {
    const at = join(each.parentPath, each.name);
    const { mode } = each.isSymbolicLink() ? { mode: 0 } : await stat(at);
    const content = each.isFile()
      ? createHash('sha256')
          .update(await readFile(at))
          .digest('hex')
          .slice(0, 12)
      : '';
    found[at.slice(path.length + 1)] = `${each.isSymbolicLink() ? 'link' : (mode & 0o777).toString(8)} ${content}`;
  }
  return found;
}

export async function many(path: string, files = 40, bytes = 3_000): Promise<void> {
  await mkdir(join(path, 'notes/old'), { recursive: true });
  for (let i = 0; i < files; i += 1)
    await writeFile(join(path, i % 2 === 0 ? 'notes' : 'notes/old', `${i}.md`), `${i} `.repeat(bytes / 3));
}

/** Bytes that nothing compresses or finds twice. */
export function noise(bytes: number, seed = 1): Buffer {
  const blocks: Buffer[] = [];
  for (let i = 0; i * 32 < bytes; i += 1) blocks.push(createHash('sha256').update(`${seed} ${i}`).digest());
  return Buffer.concat(blocks).subarray(0, bytes);
}

export async function all(): Promise<string[]> {
  const found: string[] = [];
  for await (const { hash } of objects.list()) found.push(hash);
  return found.toSorted();
}
