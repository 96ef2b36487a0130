/**
 * One folder of one agent, and what is known of it: beside the files stands what they were made of, and by which
 * stamps they can be told to be so still. Whatever has been done to them since, only what differs is made anew.
 */
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type ChunkPorts,
  NO_FILES,
  type WorkspaceManifest,
  type WorkspaceRequest,
  readManifest,
} from '@wakebus/placement-node';
import {
  type AgentKey,
  WakebusError,
  type WorkspaceRef,
  decode,
  encode,
  isSameWorkspace,
  isWakebusError,
} from '@wakebus/protocol';
import { type Known, layOut } from './lay-out.ts';
import { removeFolder } from './remove-folder.ts';
import { takeIn } from './take-in.ts';
import { type Found, walk } from './walk.ts';

interface Index extends Known {
  readonly ref: WorkspaceRef | undefined;
}

/** What a name takes on a disk at the least, whatever is in it. */
const ENTRY_BYTES = 4_096;
const EMPTY: Index = { ref: undefined, manifest: NO_FILES, stamps: new Map() };

export class Tree {
  /** Where the files are. */
  readonly root: string;
  readonly folder: string;
  readonly #ports: ChunkPorts;
  readonly #key: AgentKey;
  #index: Index = EMPTY;
  #sizeBytes = 0;

  constructor(ports: ChunkPorts, key: AgentKey, folder: string) {
    this.#ports = ports;
    this.#key = key;
    this.folder = folder;
    this.root = join(folder, 'files');
  }

  /** What it takes on the disk, as of its closing: ignored files and those of an attempt that failed are there as well. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Makes it what a manifest says. @throws {WakebusError} as `Workspaces.open`. */
  async make({ ref }: WorkspaceRequest): Promise<void> {
    this.#index = await this.#read();
    const target = await this.#manifestOf(ref);
    let stamps: Index['stamps'];
    try {
      stamps = await this.#layOut(target);
    } catch (thrown) {
      if (isWakebusError(thrown)) throw thrown;
      // What somebody has left there stands in the way: with nothing there, nothing does.
      await this.remove();
      this.#index = EMPTY;
      stamps = await this.#layOut(target).catch((cause: unknown) => {
        throw isWakebusError(cause) ? cause : unavailable(cause);
      });
    }
    this.#index = { ref, manifest: target, stamps };
  }

  /** @returns what the record is to name, where that is another. @throws {WakebusError} as `OpenWorkspace.sync`. */
  async sync({ spec }: WorkspaceRequest): Promise<WorkspaceRef | undefined> {
    const { ref, manifest, stamps } = this.#index;
    const nowNs = await this.#tick();
    const base = { ref, manifest };
    const taken = await takeIn({ ports: this.#ports, key: this.#key, spec, root: this.root, base, stamps });
    this.#index = { ref: taken.ref ?? ref, manifest: taken.manifest, stamps: stampsOf(taken.found, nowNs) };
    return taken.ref;
  }

  /** Writes down what is known of it, for the next one who opens it. */
  async close(): Promise<void> {
    const there = await walk(this.root, () => false);
    this.#sizeBytes = there.reduce((sum, { sizeBytes }) => sum + sizeBytes + ENTRY_BYTES, ENTRY_BYTES);
    const { ref, manifest, stamps } = this.#index;
    const path = join(this.folder, 'index');
    await writeFile(`${path}.new`, encode({ ref, manifest, stamps: [...stamps] }));
    await rename(`${path}.new`, path);
  }

  async remove(): Promise<void> {
    // Whoever still works in it does so where nobody looks any more.
    const aside = join(dirname(this.folder), `gone-${Math.random().toString(36).slice(2)}`);
    await rename(this.folder, aside).catch(() => {});
    await removeFolder(aside);
  }

  async #layOut(target: WorkspaceManifest): Promise<Index['stamps']> {
    await mkdir(this.root, { recursive: true });
    await layOut({ ports: this.#ports, key: this.#key, root: this.root }, target, this.#index);
    const found = await walk(this.root, () => false);
    return stampsOf(found, await this.#tick());
  }

  async #manifestOf(ref: WorkspaceRef | undefined): Promise<WorkspaceManifest> {
    if (ref === undefined) return NO_FILES;
    return isSameWorkspace(ref, this.#index.ref) ? this.#index.manifest : readManifest(this.#ports, this.#key, ref);
  }

  async #read(): Promise<Index> {
    try {
      const { ref, manifest, stamps } = decode(await readFile(join(this.folder, 'index'))) as {
        readonly ref: WorkspaceRef | null | undefined;
        readonly manifest: WorkspaceManifest;
        readonly stamps: Array<[string, string]>;
      };
      return { ref: ref ?? undefined, manifest, stamps: new Map(stamps) };
    } catch {
      return EMPTY;
    }
  }

  /** The time, by the clock of the file system. */
  async #tick(): Promise<bigint> {
    const path = join(this.folder, 'clock');
    await writeFile(path, '.');
    return (await stat(path, { bigint: true })).ctimeNs;
  }
}

/** A file that was changed in this very tick of the clock could be changed once more, and look as it does now: it is read again. */
function stampsOf(found: readonly Found[], nowNs: bigint): Map<string, string> {
  const still = found.filter(({ changedNs, kind }) => kind === 'file' && changedNs < nowNs);
  return new Map(still.map(({ path, stamp }) => [path, stamp]));
}

function unavailable(cause: unknown): WakebusError<'UNAVAILABLE'> {
  const { code = '' } = cause as NodeJS.ErrnoException;
  return new WakebusError('UNAVAILABLE', { what: `The disk with the workspaces (${code})` }, { cause });
}
