/**
 * {@link Workspaces} as folders of this machine.
 *
 * An attempt gets a folder that nobody else has. When it has ended, the folder stays, within a budget, as what the
 * next one is made of: it is looked through, and only what differs is fetched. So nothing is copied before a write,
 * and an agent that has not changed since costs a look at each of its files. No folder is ever taken for what it was
 * without that look, so one in which somebody has written, and nothing came of it, is mended by it.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, unlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type {
  ChunkPorts,
  OpenWorkspace,
  WorkspaceRequest,
  Workspaces,
  WorkspacesOpener,
} from '@wakebus/placement-node';
import { type AgentKey, WakebusError, type WorkspaceRef } from '@wakebus/protocol';
import { removeFolder } from './folders/remove-folder.ts';
import { Tree } from './folders/tree.ts';

export interface FolderWorkspacesOptions {
  /** Folders that nobody uses are kept up to so many bytes together; beyond, those that were not used for longest go. @default 10,737,418,240 – 10 GB: a thousand agents of 10 MB */
  readonly keepBytes?: number;
}

const DEFAULT_KEEP_BYTES = 10 * 1024 * 1024 * 1024;
/** In this process: a lock file knows processes only. */
const ownFolders = new Set<string>();

/**
 * Workspaces in a folder, for `startPlacementNode({ workspaces })`. The folder is one placement node's own, and holds
 * nothing that is needed after it: its disk may be lost.
 */
export function folderWorkspaces(path: string, options: FolderWorkspacesOptions = {}): WorkspacesOpener {
  return (ports) => FolderWorkspaces.open(ports, path, options);
}

/** A folder that is kept. */
interface Kept {
  readonly folder: string;
  readonly sizeBytes: number;
}

class FolderWorkspaces implements Workspaces {
  readonly #ports: ChunkPorts;
  readonly #path: string;
  readonly #keepBytes: number;
  /** By agent, in the order of their last use. */
  readonly #kept = new Map<AgentKey, Kept>();
  #keptBytes = 0;
  #made = 0;

  private constructor(ports: ChunkPorts, path: string, keepBytes: number) {
    this.#ports = ports;
    this.#path = path;
    this.#keepBytes = keepBytes;
  }

  /** @throws {WakebusError} `INVALID_OPTION` when another process has the folder; `UNAVAILABLE` when it cannot be written. */
  static async open(
    ports: ChunkPorts,
    path: string,
    { keepBytes = DEFAULT_KEEP_BYTES }: FolderWorkspacesOptions = {},
  ): Promise<FolderWorkspaces> {
    const workspaces = new FolderWorkspaces(ports, resolve(path), keepBytes);
    await workspaces.#claim();
    return workspaces;
  }

  async open(request: WorkspaceRequest): Promise<OpenWorkspace> {
    const { key } = request;
    const tree = new Tree(this.#ports, key, await this.#takeFolder(key));
    try {
      await tree.make(request);
    } catch (thrown) {
      await tree.remove();
      throw thrown;
    }
    return new OpenFolder(tree, request, (sizeBytes, folder) => this.#keep(key, { folder, sizeBytes }));
  }

  async close(): Promise<void> {
    ownFolders.delete(this.#path);
    await unlink(join(this.#path, 'owner')).catch(() => {});
  }

  /** That of the agent's last attempt here, or a new one; under a name of its own: what that attempt left running finds nothing where it was. */
  async #takeFolder(key: AgentKey): Promise<string> {
    this.#made += 1;
    const name = `${key.slice(0, 80)}-${createHash('sha256').update(key).digest('hex').slice(0, 12)}.${this.#made}`;
    const folder = join(this.#path, 'agents', name);
    const kept = this.#kept.get(key);
    // Where it cannot be had any more, all is made anew.
    if (kept !== undefined) await rename(this.#forget(key, kept), folder).catch(() => {});
    return folder;
  }

  async #keep(key: AgentKey, kept: Kept): Promise<void> {
    const gone: string[] = [];
    const other = this.#kept.get(key);
    if (other !== undefined) gone.push(this.#forget(key, other));
    this.#kept.set(key, kept);
    this.#keptBytes += kept.sizeBytes;
    for (const [oldest, each] of this.#kept) {
      if (this.#keptBytes <= this.#keepBytes) break;
      gone.push(this.#forget(oldest, each));
    }
    await Promise.all(gone.map(removeFolder));
  }

  #forget(key: AgentKey, { folder, sizeBytes }: Kept): string {
    this.#kept.delete(key);
    this.#keptBytes -= sizeBytes;
    return folder;
  }

  /** What a process before has left is not looked at: a power cut may have left files that were never written. */
  async #claim(): Promise<void> {
    try {
      await mkdir(this.#path, { recursive: true });
      await this.#lock();
      const agents = join(this.#path, 'agents');
      await rename(agents, join(this.#path, `old-${Math.random().toString(36).slice(2)}`)).catch(() => {});
      await mkdir(agents);
      const old = (await readdir(this.#path)).filter((name) => name.startsWith('old-'));
      // Not waited for: it may be much.
      void Promise.all(old.map((name) => removeFolder(join(this.#path, name))));
    } catch (cause) {
      if (cause instanceof WakebusError) throw cause;
      throw new WakebusError('UNAVAILABLE', { what: `The folder ${this.#path}` }, { cause });
    }
  }

  async #lock(): Promise<void> {
    const lock = join(this.#path, 'owner');
    const owner = Number(await readFile(lock, 'utf8').catch(() => ''));
    const isOther = owner > 0 && owner !== process.pid && isAlive(owner);
    if (isOther || ownFolders.has(this.#path)) {
      const why = `process ${owner} has ${this.#path}; give each placement node a folder of its own`;
      throw new WakebusError('INVALID_OPTION', { option: 'workspaces', why });
    }
    ownFolders.add(this.#path);
    await writeFile(lock, String(process.pid));
  }
}

class OpenFolder implements OpenWorkspace {
  readonly #tree: Tree;
  readonly #request: WorkspaceRequest;
  readonly #onKept: (sizeBytes: number, folder: string) => Promise<void>;
  #syncing: Promise<WorkspaceRef | undefined> | undefined;

  constructor(tree: Tree, request: WorkspaceRequest, onKept: (sizeBytes: number, folder: string) => Promise<void>) {
    this.#tree = tree;
    this.#request = request;
    this.#onKept = onKept;
  }

  get path(): string {
    return this.#tree.root;
  }

  sync(): Promise<WorkspaceRef | undefined> {
    this.#syncing = this.#tree.sync(this.#request);
    return this.#syncing;
  }

  async release(): Promise<void> {
    // Whoever waited for it may have given up.
    await this.#syncing?.catch(() => {});
    try {
      await this.#tree.close();
      await this.#onKept(this.#tree.sizeBytes, this.#tree.folder);
    } catch {
      await this.discard();
    }
  }

  async discard(): Promise<void> {
    await this.#tree.remove();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}
