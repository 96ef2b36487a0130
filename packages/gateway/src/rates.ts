/**
 * Rates by name (a token, an address), counted by the generic cell rate algorithm: one number a name, and no
 * timer.
 *
 * @see ITU-T I.371, "Generic cell rate algorithm".
 */
import { WakebusError } from '@wakebus/protocol';

/** Names that are remembered. Beyond, those that have been quiet are forgotten, and then all: no memory without bound. */
const MOST_NAMES = 50_000;
const SECOND_MS = 1_000;

export class Rates {
  readonly #perSecond: number;
  readonly #nowMs: () => number;
  /** When a name will have paid for all that it has sent, in monotonic milliseconds. */
  readonly #paidMs = new Map<string, number>();

  /** @param perSecond - Lasting rate; a second's worth may come at once. */
  constructor(perSecond: number, nowMs: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
  }

  /** Counts one. @throws {WakebusError} `RATE_LIMITED`, and counts nothing. */
  count(name: string, who: string, perSecond: number = this.#perSecond): void {
    if (perSecond === Number.POSITIVE_INFINITY) return;
    const nowMs = this.#nowMs();
    const paidMs = Math.max(this.#paidMs.get(name) ?? 0, nowMs);
    this.#check(paidMs - nowMs, who);
    if (!this.#paidMs.has(name) && this.#paidMs.size >= MOST_NAMES) this.#forget(nowMs);
    this.#paidMs.set(name, paidMs + SECOND_MS / perSecond);
  }

  /** Whether a name has been within its rate; counts nothing. @throws {WakebusError} `RATE_LIMITED`. */
  check(name: string, who: string): void {
    this.#check((this.#paidMs.get(name) ?? 0) - this.#nowMs(), who);
  }

  #check(aheadMs: number, who: string): void {
    if (aheadMs >= SECOND_MS)
      throw new WakebusError('RATE_LIMITED', { who, retryMs: Math.ceil(aheadMs - SECOND_MS + 1) });
  }

  #forget(nowMs: number): void {
    for (const [name, paidMs] of this.#paidMs) if (paidMs <= nowMs) this.#paidMs.delete(name);
    if (this.#paidMs.size >= MOST_NAMES) this.#paidMs.clear();
  }
}
