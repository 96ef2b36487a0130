/**
 * How many repetitions of effects may be started: a token bucket for each agent type and target.
 *
 * A target that fails everything would otherwise get a multiple of its load just when it can bear least. A
 * repetition spends, a success gives back a part of that, and when all is spent repetitions go on at a fixed
 * rate. When each one of them comes is the backoff's business.
 *
 * @see Marc Brooker, "Timeouts, retries, and backoff with jitter", The Amazon Builders' Library; the figures are
 * those of the AWS SDKs: a repetition costs five tokens, a success gives one back.
 */

/** What a repetition spends, in tokens. */
const REPETITION = 5;
/** What a success gives back, in tokens: repetitions are then a fifth of what succeeds, in the long run. */
const SUCCESS = 1;
/** With nothing left, one repetition may go so often, in milliseconds. */
const TRICKLE_MS = 1_000;

export class RetryBudget {
  readonly #most: number;
  #tokens: number;
  #atMs: number;

  /** @param most - Repetitions that may go before anything succeeds. */
  constructor(most: number, nowMs: number) {
    this.#most = most * REPETITION;
    this.#tokens = this.#most;
    this.#atMs = nowMs;
  }

  /** How long until a repetition may go, in milliseconds; 0: now. */
  waitMs(nowMs: number): number {
    this.#trickle(nowMs);
    return Math.max(0, Math.ceil(((REPETITION - this.#tokens) / REPETITION) * TRICKLE_MS));
  }

  spend(nowMs: number): void {
    this.#trickle(nowMs);
    this.#tokens -= REPETITION;
  }

  /** Something has succeeded. */
  refill(): void {
    this.#tokens = Math.min(this.#most, this.#tokens + SUCCESS);
  }

  #trickle(nowMs: number): void {
    this.#tokens = Math.min(this.#most, this.#tokens + ((nowMs - this.#atMs) / TRICKLE_MS) * REPETITION);
    this.#atMs = nowMs;
  }
}
