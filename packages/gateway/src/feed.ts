/**
 * What one reader of a stream gets: commits in order and without a gap, live events beside them, for as long as
 * its token is good and it reads what it gets.
 */
import type { Observation, ObservedEvent } from '@wakebus/client';
import { isWakebusError } from '@wakebus/protocol';
import type { Call, GatewayContext } from './gateway-context.ts';

/** How often it is asked whether the reader may still read, in milliseconds: with what a token check remembers, a revocation holds within 5 s. */
const RECHECK_MS = 2_000;

/** One thing to tell a reader. */
type FeedEvent =
  | { readonly kind: 'turn'; readonly seq: number; readonly data: unknown }
  | { readonly kind: ObservedEvent['kind']; readonly data: unknown };

export interface FeedOptions {
  readonly pattern: string;
  /** From this sequence of history on. @default from now on */
  readonly after?: number;
  readonly take: (event: FeedEvent) => void;
  /** Whether the reader has taken enough of what it got. */
  readonly hasRoom: () => boolean;
  /** Resolves when it has. */
  readonly room: () => Promise<void>;
  /** It is over; `isStalled`: because the reader read nothing. Called once. */
  readonly onEnd: (isStalled: boolean) => void;
}

export class Feed {
  readonly #context: GatewayContext;
  readonly #call: Call;
  readonly #options: FeedOptions;
  readonly #ended = new AbortController();
  #observation: Observation | undefined;
  #recheck: NodeJS.Timeout | undefined;

  /** Takes one of the gateway's streams. @throws {WakebusError} `OVERLOADED`. */
  constructor(context: GatewayContext, call: Call, options: FeedOptions) {
    this.#context = context;
    this.#call = call;
    this.#options = options;
    context.streams.take();
  }

  start(): void {
    const { client, signal } = this.#context;
    signal.addEventListener('abort', this.#stop);
    this.#recheck = setInterval(() => void this.#checkAccess(), RECHECK_MS);
    this.#observation = client.observe(this.#options.pattern, ({ kind, ...data }) => {
      if (this.#options.hasRoom() && !this.#ended.signal.aborted) this.#options.take({ kind, data });
    });
    this.#follow().catch((error: unknown) => this.#fail(error));
  }

  stop(isStalled: boolean = false): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#context.signal.removeEventListener('abort', this.#stop);
    clearInterval(this.#recheck);
    this.#observation?.stop();
    this.#context.streams.give();
    this.#options.onEnd(isStalled);
  }

  readonly #stop = (): void => this.stop();

  async #follow(): Promise<void> {
    const { pattern, after } = this.#options;
    const options = { signal: this.#ended.signal, ...(after !== undefined && { after }) };
    for await (const commit of this.#context.client.follow(pattern, options)) {
      if (!(await this.#awaitRoom())) return this.stop(true);
      this.#options.take({ kind: 'turn', seq: commit.seq, data: commit });
    }
    this.stop();
  }

  /** @returns whether there is room; a reader that leaves what it gets unread is given up. */
  async #awaitRoom(): Promise<boolean> {
    if (this.#ended.signal.aborted) return false;
    if (this.#options.hasRoom()) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const onEnd = (): void => resolve(false);
    const timer = setTimeout(onEnd, this.#context.limits.stalledMs);
    this.#ended.signal.addEventListener('abort', onEnd, { once: true });
    void this.#options.room().then(() => resolve(true));
    const hasRoom = await promise;
    clearTimeout(timer);
    this.#ended.signal.removeEventListener('abort', onEnd);
    return hasRoom;
  }

  async #checkAccess(): Promise<void> {
    try {
      await this.#context.recheck(this.#call);
    } catch (error) {
      if (isWakebusError(error) && error.next === 'terminal') this.stop();
    }
  }

  #fail(error: unknown): void {
    if (!isWakebusError(error)) this.#context.log.warn('a stream has ended', { error: String(error) });
    this.stop();
  }
}
