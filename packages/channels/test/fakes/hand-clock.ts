/** A clock that moves when it is told to, step by step. */
import { setImmediate as settle } from 'node:timers/promises';
import type { ChannelClock } from '@wakebus/channels';

export class HandClock implements ChannelClock {
  now = 0;
  readonly #sleepers: Array<{ readonly atMs: number; readonly wake: () => void }> = [];

  nowMs(): number {
    return this.now;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => this.#sleepers.push({ atMs: this.now + ms, wake }));
  }

  /** Moves on step by step, letting whoever wakes do what it does. */
  async advance(ms: number): Promise<void> {
    const endMs = this.now + ms;
    for (;;) {
      await settle();
      this.#sleepers.sort((a, b) => a.atMs - b.atMs);
      const [next] = this.#sleepers;
      if (next === undefined || next.atMs > endMs) break;
      this.#sleepers.shift();
      this.now = Math.max(this.now, next.atMs);
      next.wake();
    }
    this.now = endMs;
  }
}
