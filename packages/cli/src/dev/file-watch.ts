/**
 * Calls back when one of some files changes, once for a burst of changes.
 *
 * Folders are watched, not files: editors save by renaming a new file into place.
 */
import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** A burst ends after so long without a change, in milliseconds: formatters write a file a second time. */
const QUIET_MS = 80;

export class FileWatch {
  readonly #onChange: () => void;
  readonly #folders = new Map<string, { readonly watcher: FSWatcher; readonly names: Set<string> }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Watches these files too. */
  add(files: readonly string[]): void {
    for (const file of files) this.#namesIn(dirname(file)).add(basename(file));
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const { watcher } of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  #namesIn(folder: string): Set<string> {
    const known = this.#folders.get(folder);
    if (known !== undefined) return known.names;
    const names = new Set<string>();
    const watcher = watch(folder, (_event, name) => {
      if (name !== null && names.has(name)) this.#changed();
    });
    watcher.on('error', () => watcher.close()); // The folder was removed: what it held cannot be loaded either.
    this.#folders.set(folder, { watcher, names });
    return names;
  }

  #changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onChange, QUIET_MS);
  }
}
