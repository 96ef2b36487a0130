/**
 * Pacing of one account: messages to one place keep a distance, and so do those of the whole account; whoever is told
 * to wait waits.
 *
 * It knows of its own process only. Several placement nodes that send by one account learn of each other when the
 * service says 429, which costs a message nothing but time.
 */
import type { ChannelKind } from './address.ts';
import { Busy } from './channel.ts';
import { busy } from './service.ts';

/** Time, as pacing needs it. */
export interface ChannelClock {
  nowMs(): number;
  /** Resolves after a time; rejects when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The time of this machine. */
export const systemClock: ChannelClock = {
  nowMs: () => Date.now(),
  sleep: (ms, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => reject(signal.reason as Error);
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    });
  },
};

/** Longest wait of one message, in milliseconds: an effect's slot is not held for longer, it comes again. */
const MOST_WAIT_MS = 60_000;
/** Places that are remembered before those that are free again are forgotten. */
const MOST_PLACES = 1_000;
const ACCOUNT = '';

export class Pacer {
  readonly #kind: ChannelKind;
  readonly #accountGapMs: number;
  readonly #clock: ChannelClock;
  /** When the next message may go, by place. */
  readonly #next = new Map<string, number>();

  /** @param accountGapMs - Distance of any two messages of the account, in milliseconds. */
  constructor(kind: ChannelKind, accountGapMs: number, clock: ChannelClock) {
    this.#kind = kind;
    this.#accountGapMs = accountGapMs;
    this.#clock = clock;
  }

  /**
   * Sends when it is the turn of a place, and again when the service asked for a wait.
   *
   * @param gapMs - Distance of messages to this place, in milliseconds.
   * @throws {WakebusError} `CHANNEL_BUSY` when it would wait for more than a minute; what `attempt` throws.
   */
  async send<T>(place: string, gapMs: number, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    const untilMs = this.#clock.nowMs() + MOST_WAIT_MS;
    for (;;) {
      const nowMs = this.#clock.nowMs();
      const atMs = this.#take(`:${place}`, gapMs, nowMs, untilMs);
      if (atMs > nowMs) await this.#clock.sleep(atMs - nowMs, signal);
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof Busy)) throw error;
        this.hold(error.isAccount ? undefined : place, error.retryMs);
      }
    }
  }

  /** Nothing goes to a place, or nothing at all, for so long, in milliseconds. */
  hold(place: string | undefined, forMs: number): void {
    const name = place === undefined ? ACCOUNT : `:${place}`;
    this.#next.set(name, Math.max(this.#next.get(name) ?? 0, this.#clock.nowMs() + forMs));
  }

  /**
   * Takes the next free time of a place. Of the account's times each message takes one, although it may then have to
   * wait for its place: so those to one busy place do not hold up the others.
   */
  #take(place: string, gapMs: number, nowMs: number, untilMs: number): number {
    const accountMs = Math.max(nowMs, this.#next.get(ACCOUNT) ?? 0);
    const atMs = Math.max(accountMs, this.#next.get(place) ?? 0);
    if (atMs > untilMs) throw busy(this.#kind, atMs - nowMs);
    this.#next.set(ACCOUNT, accountMs + this.#accountGapMs);
    this.#next.set(place, atMs + gapMs);
    if (this.#next.size > MOST_PLACES) this.#forget(nowMs);
    return atMs;
  }

  #forget(nowMs: number): void {
    for (const [name, atMs] of this.#next) if (atMs <= nowMs) this.#next.delete(name);
  }
}
