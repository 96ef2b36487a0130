/** Looking at one path: what has become of the file, told once, whoever else looks, and whoever dies. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { WakebusError, isWakebusError } from '@wakebus/protocol';
import { type Pauses, pause } from '../pauses.ts';
import { type SourceEvent, type SourceSink, keyAt, listOf } from '../source.ts';
import { type BookEntry, type FileBook, changeKey } from './file-book.ts';
import { type FileChange, type FileEntry, changeOf, renameOf } from './file-change.ts';
import type { FolderPlan } from './folder-source.ts';
import { lookAt, statOf } from './read-file.ts';

type Seen = NonNullable<FileEntry['seen']>;

export interface LookParts {
  readonly plan: FolderPlan;
  readonly sink: SourceSink;
  readonly signal: AbortSignal;
  readonly book: FileBook;
  readonly known: Map<string, Seen>;
  /** Has a path looked at once more. */
  readonly hint: (path: string) => void;
  /** Has the whole folder looked through. */
  readonly rescan: () => void;
  /** Whether everything that was there at a monotonic time, in milliseconds, has been looked at since. */
  readonly isLookedThrough: (sinceMs: number) => boolean;
}

/** Others write the same entries; each round somebody gets on. */
const MOST_ROUNDS = 50;
const MAP_PAUSES: Pauses = { firstMs: 1_000, mostMs: 60_000 };
/** Between rounds: a replica may be behind. */
const ROUND_PAUSES: Pauses = { firstMs: 5, mostMs: 250 };

export class PathLook {
  readonly #parts: LookParts;
  /** Paths that were gone when they were looked at, by when: a file that is renamed is gone before its new name is found. */
  readonly #gone = new Map<string, number>();

  constructor(parts: LookParts) {
    this.#parts = parts;
  }

  /**
   * Looks, and tells what has happened.
   *
   * @param isLate - It has been written for as long as may be: it is taken as it is.
   * @param isRemembering - What is new is not told.
   */
  async look(path: string, isLate: boolean, isRemembering: boolean): Promise<void> {
    const { book, signal } = this.#parts;
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      if (signal.aborted) return;
      if (round > 0) await pause(ROUND_PAUSES, round, signal);
      const read = await book.read(path);
      if (read.entry.owed !== undefined) {
        await this.#tell(read);
        continue;
      }
      const found = await this.#find(path, isLate);
      if (found === 'later') return;
      const next = await this.#next(read.entry, found);
      if (next === 'later') return;
      const isQuiet = isRemembering && next?.owed?.kind === 'added';
      const entry = isQuiet ? { path, ...(found && { seen: found }) } : next;
      if (entry !== undefined && !(await this.#write(read, entry))) continue;
      return this.#know(path, found);
    }
    throw new WakebusError('UNAVAILABLE', { what: `What is remembered of ${path}` });
  }

  /** Only what is told is known: while its news is on its way, no file that is gone is taken for removed. */
  #know(path: string, found: Seen | undefined): void {
    const { known } = this.#parts;
    if (found === undefined) known.delete(path);
    else known.set(path, found);
  }

  async #find(path: string, isLate: boolean): Promise<Seen | 'later' | undefined> {
    const { plan, known, hint, sink } = this.#parts;
    const found = await lookAt(join(plan.folder, path), known.get(path)).catch((error: unknown) => {
      // One that may not be read must not keep the others waiting; the next look through comes by again.
      sink.warn('a file cannot be read, and is left out for now', { path, error: String(error) });
    });
    if (found === undefined) return 'later';
    if (found.kind === 'gone') return undefined;
    if (found.kind === 'steady' || isLate) return found.file;
    hint(path);
    return 'later';
  }

  /** The entry after what has happened; nothing when nothing has. */
  async #next({ path, seen }: FileEntry, found: Seen | undefined): Promise<FileEntry | 'later' | undefined> {
    const owed = changeOf(path, seen, found);
    if (owed?.kind !== 'removed') this.#gone.delete(path);
    if (owed === undefined) return undefined;
    if (owed.kind === 'removed' && !(await this.#isRemoved(path))) return 'later';
    return { path, ...(found && { seen: found }), owed };
  }

  /** A file that is gone is removed once all that is there has been looked at: none of it is the same file. */
  async #isRemoved(path: string): Promise<boolean> {
    const { plan, hint, rescan, isLookedThrough } = this.#parts;
    const nowMs = performance.now();
    const goneMs = this.#gone.get(path);
    if (goneMs === undefined) {
      this.#gone.set(path, nowMs);
      rescan();
    }
    if (goneMs === undefined || (!isLookedThrough(goneMs) && nowMs - goneMs < plan.longestMs)) {
      hint(path);
      return false;
    }
    await stat(plan.folder); // Without the folder nothing is known of its files: this ends the run.
    this.#gone.delete(path);
    return true;
  }

  /** @returns whether it is done: written and told, and no other process was faster. */
  async #write({ revision }: BookEntry, next: FileEntry): Promise<boolean> {
    const { book } = this.#parts;
    const { path, seen, owed } = next;
    const from = owed?.kind === 'added' && seen !== undefined ? await this.#movedFrom(path, seen) : undefined;
    if (from !== undefined && seen !== undefined) return this.#rename(from, path, seen);
    const written = await book.write(next, revision);
    if (written === undefined) return false;
    if (owed !== undefined) await this.#tell({ entry: next, revision: written });
    return true;
  }

  /** Where the same file, with the same bytes, was before. */
  async #movedFrom(path: string, { inode, hash }: Seen): Promise<string | undefined> {
    const { plan, known } = this.#parts;
    for (const [other, file] of known) {
      if (other === path || file.inode !== inode || file.hash !== hash) continue;
      if ((await statOf(join(plan.folder, other))) === undefined) return other;
    }
    return undefined;
  }

  /** The old name owes the rename: so whoever looks at either name, and whoever comes after a crash, ends it. */
  async #rename(from: string, path: string, seen: Seen): Promise<boolean> {
    const { book, known } = this.#parts;
    const { entry, revision } = await book.read(from);
    // Somebody has told already that it is gone: what is here is a new file.
    if (entry.seen === undefined && entry.owed === undefined) {
      known.delete(from);
      return false;
    }
    if (entry.owed !== undefined) {
      await this.#tell({ entry, revision });
      return false;
    }
    const owing: FileEntry = { path: from, seen, owed: renameOf(path, from, seen) };
    const written = await book.write(owing, revision);
    if (written !== undefined) await this.#tell({ entry: owing, revision: written });
    return false;
  }

  /** Tells what an entry owes, and writes that it is told. */
  async #tell({ entry, revision }: BookEntry): Promise<void> {
    const { book, known } = this.#parts;
    const { path, seen, owed } = entry;
    if (owed === undefined) return;
    const isRename = owed.kind === 'renamed';
    if (isRename && seen !== undefined) await this.#takeOver(owed.path, seen);
    await this.#bring(owed, changeKey(entry, revision));
    if (isRename) known.delete(path);
    await book.write({ path, ...(seen !== undefined && !isRename && { seen }) }, revision);
  }

  /** The new name of a file is known from now on. */
  async #takeOver(path: string, seen: Seen): Promise<void> {
    const { book, known } = this.#parts;
    const { entry, revision } = await book.read(path);
    if (entry.seen === undefined && entry.owed === undefined) await book.write({ path, seen }, revision);
    known.set(path, seen);
  }

  async #bring(change: FileChange, key: string): Promise<void> {
    const { sink } = this.#parts;
    const mapped = await this.#map(change);
    if (mapped instanceof Error) return this.#refuse(change, key, mapped.message, this.#parts.plan.tries);
    if (mapped.length === 0) sink.ignored();
    try {
      for (const [at, event] of mapped.entries()) await sink.send(event, keyAt(key, at));
    } catch (error) {
      if (!isWakebusError(error) || error.next !== 'terminal') throw error;
      await this.#refuse(change, key, error.message, 1);
    }
  }

  async #map(change: FileChange): Promise<readonly SourceEvent[] | Error> {
    const { plan, signal, sink } = this.#parts;
    for (let tries = 1; ; tries += 1) {
      try {
        return listOf(plan.map(change));
      } catch (error) {
        const why = error instanceof Error ? error : new Error(String(error));
        if (tries >= plan.tries) return why;
        sink.warn('a change of a file could not be mapped, and is tried again', {
          path: change.path,
          error: why.message,
        });
      }
      await pause(MAP_PAUSES, tries - 1, signal);
      if (signal.aborted)
        throw new WakebusError('SOURCE_FAILED', { source: plan.name, why: 'it was stopped in between' });
    }
  }

  #refuse(change: FileChange, key: string, why: string, attempts: number): Promise<void> {
    const data = Buffer.from(JSON.stringify(change));
    return this.#parts.sink.refuse({ key, why, attempts, data, from: change.path });
  }
}
