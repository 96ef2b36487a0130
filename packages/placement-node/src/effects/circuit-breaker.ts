/**
 * A circuit breaker: whether a target is well enough to be asked.
 *
 * closed → open, when too many of the last attempts have failed → half open, after a while: one attempt goes, and
 * what becomes of it closes the breaker or opens it for twice as long.
 *
 * Pure but for itself: it is told the time. (cockatiel's breaker reads `Date.now()`, so a simulation could not
 * hold it to the node's clock; and it only answers by running something, where an effect must know before the
 * commit that says that it is started.)
 *
 * @see Michael Nygard, "Release It!", 2nd edition, 2018, chapter 5.
 */

/** Attempts that are looked at: the last ones. */
const WINDOW = 20;
/** … if they are no older than this, in milliseconds: what failed an hour ago says nothing. */
const WINDOW_MS = 120_000;
/** It opens on no fewer attempts: bad luck comes in threes. */
const LEAST = 10;
/** … of which this share has failed. */
const FAILED_SHARE = 0.5;
/** The longest that it is open at a time, in milliseconds. */
const LONGEST_OPEN_MS = 300_000;

/** How an attempt says that its target is. `unknown`: it was stopped, which says nothing. */
export type Verdict = 'well' | 'unwell' | 'unknown';

/** An attempt, to its breaker. */
export type Ticket = object;

export class CircuitBreaker {
  readonly #openMs: number;
  #attempts: ReadonlyArray<{ readonly atMs: number; readonly isWell: boolean }> = [];
  /** Set while it is not closed: no attempt before then. */
  #untilMs: number | undefined;
  /** How often it has opened since it was closed. */
  #opened = 0;
  #probe: Ticket | undefined;

  /** @param openMs - How long it is open the first time, in milliseconds. */
  constructor(openMs: number) {
    this.#openMs = openMs;
  }

  get isClosed(): boolean {
    return this.#untilMs === undefined;
  }

  /** How long until an attempt may go, in milliseconds; 0: now. */
  waitMs(nowMs: number): number {
    if (this.#untilMs === undefined) return 0;
    if (nowMs < this.#untilMs) return this.#untilMs - nowMs;
    return this.#probe === undefined ? 0 : this.#openMs;
  }

  /** An attempt begins. {@link end} must be called for it. */
  begin(): Ticket {
    const ticket: Ticket = {};
    if (!this.isClosed) this.#probe = ticket;
    return ticket;
  }

  end(ticket: Ticket, verdict: Verdict, nowMs: number): void {
    if (!this.isClosed) return this.#judge(ticket, verdict, nowMs);
    if (verdict === 'unknown') return;
    const recent = this.#attempts.filter(({ atMs }) => nowMs - atMs < WINDOW_MS).slice(1 - WINDOW);
    this.#attempts = [...recent, { atMs: nowMs, isWell: verdict === 'well' }];
    const failed = this.#attempts.filter(({ isWell }) => !isWell).length;
    if (this.#attempts.length >= LEAST && failed >= this.#attempts.length * FAILED_SHARE) this.#open(nowMs);
  }

  /** What began before it opened says nothing new. */
  #judge(ticket: Ticket, verdict: Verdict, nowMs: number): void {
    if (ticket !== this.#probe) return;
    this.#probe = undefined;
    if (verdict === 'unwell') this.#open(nowMs);
    if (verdict !== 'well') return;
    this.#untilMs = undefined;
    this.#opened = 0;
  }

  #open(nowMs: number): void {
    this.#untilMs = nowMs + Math.min(LONGEST_OPEN_MS, this.#openMs * 2 ** this.#opened);
    this.#opened += 1;
    this.#attempts = [];
  }
}
