/** {@link Clock} of this machine. */
import type { Clock, ClockTimer } from '../ports/clock.ts';

/** Longest delay that Node.js takes, in milliseconds; a longer one would fire at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (delayMs, callback) => new SystemTimer(delayMs, callback),
};

/** Node.js may fire a little early by the monotonic clock, and cannot wait longer than 25 days: both are waited out. */
class SystemTimer implements ClockTimer {
  readonly #dueMs: number;
  readonly #callback: () => void;
  #timer: NodeJS.Timeout;

  constructor(delayMs: number, callback: () => void) {
    this.#dueMs = performance.now() + delayMs;
    this.#callback = callback;
    this.#timer = this.#arm(delayMs);
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }

  #arm(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#fire(), Math.min(Math.ceil(delayMs), LONGEST_DELAY_MS)).unref();
  }

  #fire(): void {
    const restMs = this.#dueMs - performance.now();
    if (restMs > 0) this.#timer = this.#arm(restMs);
    else this.#callback();
  }
}
