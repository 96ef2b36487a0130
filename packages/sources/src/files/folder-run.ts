/**
 * One run of a folder source. What the system tells of a folder is taken as a hint that a path is to be looked at;
 * what has happened to it is found out by comparing the file with what is remembered.
 */
import { stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { WakebusError } from '@wakebus/protocol';
import { type FSWatcher, watch } from 'chokidar';
import type { SourceSink } from '../source.ts';
import { FileBook } from './file-book.ts';
import type { FileEntry } from './file-change.ts';
import type { FolderPlan } from './folder-source.ts';
import { isIgnored } from './ignored.ts';
import { LookQueue } from './look-queue.ts';
import { PathLook } from './path-look.ts';
import { isSame, statOf } from './read-file.ts';
import { walkFolder } from './walk-folder.ts';

export class FolderRun {
  readonly #plan: FolderPlan;
  readonly #sink: SourceSink;
  readonly #signal: AbortSignal;
  readonly #book: FileBook;
  /** Files as this process has looked at them last. */
  readonly #known = new Map<string, NonNullable<FileEntry['seen']>>();
  readonly #queue: LookQueue;
  readonly #ended: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  /** When the last look through the folder began that has ended, in monotonic milliseconds. */
  #scannedMs = -Infinity;
  #isScanning = false;
  #isScanDue = false;
  /** Whether what is found is only remembered: the first look through, where that was asked for. */
  #isRemembering = false;

  constructor(plan: FolderPlan, sink: SourceSink, signal: AbortSignal) {
    this.#plan = plan;
    this.#sink = sink;
    this.#signal = signal;
    this.#book = new FileBook(sink.state);
    this.#ended.promise.catch(() => {}); // Heard by the run, where that has not ended by itself.
    const hint = (path: string): void => this.#queue.hint(path);
    const look = new PathLook({
      plan,
      sink,
      signal,
      book: this.#book,
      known: this.#known,
      hint,
      rescan: () => this.#rescan(),
      isLookedThrough: (sinceMs) => this.#scannedMs > sinceMs && !this.#queue.some((path) => !this.#known.has(path)),
    });
    this.#queue = new LookQueue(
      plan,
      (path, isLate) => look.look(path, isLate, this.#isRemembering),
      (fault) => this.#fail(fault),
    );
  }

  health(): Readonly<Record<string, unknown>> {
    return { files: this.#known.size, toLookAt: this.#queue.size };
  }

  async run(): Promise<void> {
    await this.#checkFolder();
    const stop = (): void => this.#ended.resolve();
    this.#signal.addEventListener('abort', stop, { once: true });
    if (this.#signal.aborted) stop();
    const watcher = this.#watch();
    const rescans = setInterval(() => this.#rescan(), this.#plan.rescanMs);
    try {
      await Promise.race([this.#begin(), this.#ended.promise]);
      await this.#ended.promise;
    } finally {
      clearInterval(rescans);
      this.#signal.removeEventListener('abort', stop);
      await watcher.close();
      await this.#queue.stop();
    }
  }

  /** Takes up what is remembered, and looks through what is there. */
  async #begin(): Promise<void> {
    this.#isRemembering = this.#plan.existing === 'skip' && !(await this.#book.isBegun());
    for (const { path, seen, owed } of await this.#book.readAll()) {
      if (seen !== undefined) this.#known.set(path, seen);
      if (owed !== undefined) this.#queue.now(path);
    }
    await this.#scan();
    this.#sink.ready();
    await this.#queue.idle();
    if (this.#signal.aborted) return;
    await this.#book.begin();
    this.#isRemembering = false;
  }

  /** Scans, once more when it is under way. */
  #rescan(): void {
    this.#isScanDue = true;
    if (!this.#isScanning) this.#scanWhileDue().catch((fault: unknown) => this.#fail(fault));
  }

  async #scanWhileDue(): Promise<void> {
    this.#isScanning = true;
    try {
      while (this.#isScanDue && !this.#signal.aborted) {
        this.#isScanDue = false;
        await this.#scan();
      }
    } finally {
      this.#isScanning = false;
    }
  }

  /** Has everything looked at that is not as it was when it was last looked at. */
  async #scan(): Promise<void> {
    const beganMs = performance.now();
    await this.#checkFolder();
    const missing = new Set(this.#known.keys());
    const { folder, ignore } = this.#plan;
    for await (const path of walkFolder(folder, ignore)) {
      missing.delete(path);
      const known = this.#known.get(path);
      const stats = await statOf(join(folder, path));
      if (stats !== undefined && (known === undefined || !isSame(stats, known))) this.#queue.hint(path);
    }
    for (const path of missing) this.#queue.hint(path);
    this.#scannedMs = beganMs;
  }

  #watch(): FSWatcher {
    const { folder, ignore } = this.#plan;
    const ignored = (at: string): boolean => at !== folder && isIgnored(this.#pathOf(at), ignore);
    // What is there already is looked through by ourselves, with what is remembered at hand.
    const watcher = watch(folder, { ignoreInitial: true, ignored, followSymlinks: false, atomic: false });
    for (const event of ['add', 'change', 'unlink'] as const)
      watcher.on(event, (at: string) => this.#queue.hint(this.#pathOf(at)));
    watcher.on('error', (fault) => this.#fail(fault));
    return watcher;
  }

  #pathOf(absolute: string): string {
    return relative(this.#plan.folder, absolute).replaceAll(sep, '/');
  }

  /** A folder that is not there, as when its file system is not mounted, is not one whose files were all removed. */
  async #checkFolder(): Promise<void> {
    const { folder, name } = this.#plan;
    const found = await stat(folder).catch(() => undefined);
    if (found?.isDirectory() === true) return;
    throw new WakebusError('SOURCE_MISCONFIGURED', {
      source: name,
      what: `the folder ${folder}`,
      actual: found === undefined ? 'not there' : 'no folder',
      needed: 'a folder',
    });
  }

  #fail(fault: unknown): void {
    if (!this.#signal.aborted) this.#ended.reject(fault);
  }
}
