/**
 * Keeps outsiders out of an inbox that is nearly full, at no cost while it is not.
 *
 * The fill is asked for at most once a second, beside the sends and not before them. Only when the
 * last answer was over the limit does a send wait for a new one.
 */
import { OUTSIDE_FILL_LIMIT, WakebusError } from '@wakebus/protocol';
import type { ClientClock, InboxPort } from './ports.ts';

/** An answer counts for so long, in milliseconds. */
const FRESH_MS = 1_000;

/** What is known of one inbox. */
export class InboxFill {
  readonly #inbox: InboxPort;
  readonly #stream: string;
  readonly #clock: ClientClock;
  #fill = 0;
  #askedMs = -Infinity;
  #asking: Promise<void> | undefined;

  constructor(inbox: InboxPort, stream: string, clock: ClientClock) {
    this.#inbox = inbox;
    this.#stream = stream;
    this.#clock = clock;
  }

  /**
   * Lets a send pass: at once by `undefined`, or after a new look.
   *
   * @throws {WakebusError} `INBOX_FULL`, as a rejection.
   */
  admit(): Promise<void> | undefined {
    if (this.#clock.monotonicMs() - this.#askedMs > FRESH_MS) this.#asking ??= this.#ask();
    return this.#fill < OUTSIDE_FILL_LIMIT ? undefined : this.#lookAgain();
  }

  /** The error for an inbox that refused by itself. The next send looks again. */
  refused(): WakebusError<'INBOX_FULL'> {
    this.#fill = Math.max(this.#fill, 1);
    this.#askedMs = -Infinity;
    return this.#error();
  }

  async #lookAgain(): Promise<void> {
    await this.#asking;
    if (this.#fill >= OUTSIDE_FILL_LIMIT) throw this.#error();
  }

  /** An unanswered question keeps nobody out: the publish will tell. */
  async #ask(): Promise<void> {
    this.#askedMs = this.#clock.monotonicMs();
    try {
      this.#fill = (await this.#inbox.info()).fill;
    } catch {
      this.#fill = 0;
    } finally {
      this.#asking = undefined;
    }
  }

  #error(): WakebusError<'INBOX_FULL'> {
    return new WakebusError('INBOX_FULL', { stream: this.#stream, fill: this.#fill });
  }
}
