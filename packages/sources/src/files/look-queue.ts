/**
 * Which paths are to be looked at, and when: once they have been left alone for a while, a few at a time, and no path
 * twice at once.
 */

/** When a path is due. Times are monotonic milliseconds. */
interface Due {
  readonly firstMs: number;
  readonly dueMs: number;
}

export interface QueueLimits {
  readonly quietMs: number;
  readonly longestMs: number;
}

const LOOKS_AT_ONCE = 8;
/** Between two looks at what is due, in milliseconds: a burst of hints costs one. */
const STEP_MS = 20;

export class LookQueue {
  readonly #limits: QueueLimits;
  readonly #look: (path: string, isLate: boolean) => Promise<void>;
  readonly #onFault: (fault: unknown) => void;
  /** Paths that are not left alone yet. */
  readonly #waiting = new Map<string, Due>();
  /** Paths to be looked at, by when they were first hinted at. */
  readonly #ready = new Map<string, number>();
  readonly #busy = new Map<string, Promise<void>>();
  readonly #idle: Array<() => void> = [];
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** @param look - Told whether the path has not been left alone for as long as may be. */
  constructor(
    limits: QueueLimits,
    look: (path: string, isLate: boolean) => Promise<void>,
    onFault: (fault: unknown) => void,
  ) {
    this.#limits = limits;
    this.#look = look;
    this.#onFault = onFault;
  }

  get size(): number {
    return this.#waiting.size + this.#ready.size + this.#busy.size;
  }

  /** Something happens to a path: it is looked at when that has ended. */
  hint(path: string): void {
    if (this.#isStopped) return;
    const nowMs = performance.now();
    const { quietMs, longestMs } = this.#limits;
    const firstMs = this.#waiting.get(path)?.firstMs ?? this.#ready.get(path) ?? nowMs;
    this.#ready.delete(path);
    this.#waiting.set(path, { firstMs, dueMs: Math.min(nowMs + quietMs, firstMs + longestMs) });
    this.#timer ??= setTimeout(() => this.#step(), Math.min(quietMs, STEP_MS));
  }

  /** A path is to be looked at now. */
  now(path: string): void {
    if (this.#isStopped) return;
    this.#ready.set(path, performance.now());
    this.#begin();
  }

  /** Whether there is such a path among those that are to be looked at. */
  some(isIt: (path: string) => boolean): boolean {
    for (const paths of [this.#waiting, this.#ready, this.#busy])
      for (const path of paths.keys()) if (isIt(path)) return true;
    return false;
  }

  /** Resolves when there is nothing to look at. */
  idle(): Promise<void> {
    if (this.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Begins no more. Resolves when those that were begun have ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#waiting.clear();
    this.#ready.clear();
    await Promise.all(this.#busy.values());
    this.#sayIdle();
  }

  #step(): void {
    const nowMs = performance.now();
    for (const [path, { firstMs, dueMs }] of this.#waiting) {
      if (dueMs > nowMs) continue;
      this.#waiting.delete(path);
      this.#ready.set(path, firstMs);
    }
    this.#timer = this.#waiting.size === 0 ? undefined : setTimeout(() => this.#step(), STEP_MS);
    this.#begin();
  }

  #begin(): void {
    const nowMs = performance.now();
    for (const [path, firstMs] of this.#ready) {
      if (this.#busy.size >= LOOKS_AT_ONCE) return;
      if (this.#busy.has(path)) continue;
      this.#ready.delete(path);
      const isLate = nowMs - firstMs >= this.#limits.longestMs;
      const done = this.#look(path, isLate)
        .catch((fault: unknown) => this.#onFault(fault))
        .finally(() => this.#end(path));
      this.#busy.set(path, done);
    }
  }

  #end(path: string): void {
    this.#busy.delete(path);
    if (this.#isStopped) return;
    this.#begin();
    this.#sayIdle();
  }

  #sayIdle(): void {
    if (this.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
