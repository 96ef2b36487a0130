/** Something that is dear to read, for many who look: read once for all of them, and at most a tenth of the time. */

/** What was read counts for so long at least, in milliseconds. */
const FRESH_MS = 1_000;
/** Times what reading took: no more than this share of the time is spent on it. */
const REST = 10;

export class SparedRead<T> {
  readonly #read: () => Promise<T>;
  #last: { readonly value: Promise<T>; untilMs: number } | undefined;

  constructor(read: () => Promise<T>) {
    this.#read = read;
  }

  /** @throws what reading throws; it is then read anew by whoever comes next. */
  get(): Promise<T> {
    const nowMs = performance.now();
    if (this.#last !== undefined && nowMs < this.#last.untilMs) return this.#last.value;
    const entry = { value: this.#read(), untilMs: Infinity };
    this.#last = entry;
    void this.#settle(entry, nowMs);
    return entry.value;
  }

  async #settle(entry: { readonly value: Promise<T>; untilMs: number }, startMs: number): Promise<void> {
    try {
      await entry.value;
      const endMs = performance.now();
      entry.untilMs = endMs + Math.max(FRESH_MS, REST * (endMs - startMs));
    } catch {
      this.#last = undefined;
    }
  }
}
