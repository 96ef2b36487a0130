/** The message IDs that a stream recognizes: those of the last while, and no others. */

/** The server's own default. */
const DEFAULT_WINDOW_MS = 120_000;

export class MessageIds {
  readonly #windowMs: number;
  /** In the order of their age. */
  readonly #ids = new Map<string, { readonly seq: number; readonly atMs: number }>();

  /** @param windowMs - How long an ID is recognized, in milliseconds. */
  constructor(windowMs: number = DEFAULT_WINDOW_MS) {
    this.#windowMs = windowMs;
  }

  /** The sequence of the message that came under an ID, while that is recognized. */
  find(id: string, nowMs: number): number | undefined {
    for (const [old, { atMs }] of this.#ids) {
      if (atMs >= nowMs - this.#windowMs) break;
      this.#ids.delete(old);
    }
    return this.#ids.get(id)?.seq;
  }

  add(id: string, seq: number, atMs: number): void {
    this.#ids.set(id, { seq, atMs });
  }

  clear(): void {
    this.#ids.clear();
  }
}
