/**
 * What has been seen of the files of a folder: one value a path in the source's state, shared by all processes that
 * watch it.
 *
 * Each change is written down as owed before it is told, by a write that expects what was read: of two processes
 * that see it one writes it. Whoever reads an entry that owes something tells it, under the revision of that entry
 * as its key; so it is told once, whoever dies.
 */
import { fingerprint } from '../bus.ts';
import type { SourceState } from '../source-state.ts';
import type { FileEntry } from './file-change.ts';

/** An entry, with the revision that a write expects. */
export interface BookEntry {
  readonly entry: FileEntry;
  readonly revision: number;
}

const BEGUN = 'begun';
const READS_AT_ONCE = 64;

export class FileBook {
  readonly #state: SourceState;

  constructor(state: SourceState) {
    this.#state = state;
  }

  /** @throws {WakebusError} `UNAVAILABLE`. */
  async read(path: string): Promise<BookEntry> {
    const { value, revision } = await this.#state.get<FileEntry>(keyOf(path));
    return { entry: value ?? { path }, revision };
  }

  /** @returns the new revision, or nothing when another process was faster. @throws {WakebusError} `UNAVAILABLE`. */
  write({ path, seen, owed }: FileEntry, expected: number): Promise<number | undefined> {
    const isEmpty = seen === undefined && owed === undefined;
    const value = isEmpty ? undefined : { path, ...(seen && { seen }), ...(owed && { owed }) };
    return this.#state.put(keyOf(path), value, expected);
  }

  /** Everything that is in it. @throws {WakebusError} `UNAVAILABLE`. */
  async readAll(): Promise<FileEntry[]> {
    const keys = (await this.#state.keys()).filter((key) => key !== BEGUN);
    const entries: FileEntry[] = [];
    for (let i = 0; i < keys.length; i += READS_AT_ONCE) {
      const part = keys.slice(i, i + READS_AT_ONCE);
      const values = await Promise.all(part.map((key) => this.#state.get<FileEntry>(key)));
      for (const { value } of values) if (value !== undefined) entries.push(value);
    }
    return entries;
  }

  /** Whether the folder has been looked through before. @throws {WakebusError} `UNAVAILABLE`. */
  async isBegun(): Promise<boolean> {
    return (await this.#state.get(BEGUN)).value !== undefined;
  }

  /** @throws {WakebusError} `UNAVAILABLE`. */
  async begin(): Promise<void> {
    const { value, revision } = await this.#state.get(BEGUN);
    if (value === undefined) await this.#state.put(BEGUN, { v: 1, atMs: Date.now() }, revision);
  }
}

/** What a change is told under: no other has the same, nor would one in a bucket that was made anew. */
export function changeKey({ path, owed }: FileEntry, revision: number): string {
  return `${fingerprint(`${path}\0${owed?.hash ?? ''}\0${owed?.mtimeMs ?? 0}`)}-${revision}`;
}

function keyOf(path: string): string {
  return fingerprint(path);
}
