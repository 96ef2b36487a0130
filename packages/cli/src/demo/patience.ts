/** Waiting, as long as the demo is not interrupted. */
import { setTimeout as wait } from 'node:timers/promises';

/** What should happen is waited for so long, in milliseconds, before the demo goes on without it. */
const PATIENCE_MS = 25_000;
/** Between two looks, in milliseconds. */
const LOOK_MS = 50;

export class Patience {
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** @throws when the demo is interrupted. */
  async pause(ms: number): Promise<void> {
    await wait(Math.max(0, ms), undefined, { signal: this.#signal });
  }

  /**
   * Looks again and again. A look that fails (the server restarts) is one that sees nothing.
   *
   * @returns Whether it was seen in time.
   * @throws when the demo is interrupted.
   */
  async until(condition: () => Promise<boolean>): Promise<boolean> {
    for (const endMs = Date.now() + PATIENCE_MS; Date.now() < endMs; await this.pause(LOOK_MS)) {
      if (await condition().catch(() => false)) return true;
    }
    return false;
  }
}
