/**
 * Requests over one shared reply subscription, with as little per request as a publish allows: a
 * counter for a token, a map entry, and one timer for all deadlines together.
 *
 * It knows nothing of JetStream; what a reply means is its handler's business.
 */
import type { Msg, MsgHdrs, PermissionViolationError } from '@nats-io/transport-node';
import type { Link } from './link.ts';
import { readHeaders } from './wire-message.ts';

/** How long a request waits unless told otherwise, in milliseconds: twice what a leader election on a healthy network takes, and short enough to retry within a lease. */
const REQUEST_TIMEOUT_MS = 2_000;

/** Deadlines are kept in ticks of this length, in milliseconds. A process that was stopped loses one tick, not every request whose answer already waits in its socket. */
const TICK_MS = 50;

const NO_DATA = new Uint8Array(0);
const NO_RESPONDERS = 503;

/** Why a request got no reply. */
class NoReplyError extends Error {
  override readonly name = 'NoReplyError';
  readonly why: 'timeout' | 'no-responders' | 'disconnected';

  constructor(why: NoReplyError['why'], subject: string) {
    super(`${subject}: ${why}`);
    this.why = why;
  }
}

/** What takes the replies of one request. */
export interface ReplyHandler {
  /** @returns whether more replies will follow. */
  onReply(message: Msg): boolean;
  onFailure(cause: Error): void;
}

interface Pending {
  readonly handler: ReplyHandler;
  readonly subject: string;
  readonly ticks: number;
  deadline: number;
}

/** What a request may set. */
export interface RequestOptions {
  readonly headers?: MsgHdrs | undefined;
  /** In milliseconds; for several replies, between any two. @default {@link REQUEST_TIMEOUT_MS} */
  readonly timeoutMs?: number;
}

/** One connection's requests. */
export class RequestMux {
  readonly #link: Link;
  readonly #inbox: string;
  readonly #pending = new Map<string, Pending>();
  #lastToken = 0;
  #tick = 0;
  #ticker: NodeJS.Timeout | undefined;

  constructor(link: Link) {
    this.#link = link;
    this.#inbox = `${link.newInbox()}.`;
    link.subscribe(`${this.#inbox}*`, (message) => this.#dispatch(message));
    link.events.onDisconnect(() => this.#failAll());
    // What was sent in between may have been dropped by the client; waiting for it would cost its whole timeout.
    link.events.onReconnect(() => this.#failAll());
    link.events.onRefusal((refusal) => this.#failRefused(refusal));
  }

  /** Sends a request; the handler hears of every reply, or of the failure. Throws nothing for a broken connection. */
  send(subject: string, data: Uint8Array, handler: ReplyHandler, options?: RequestOptions): void {
    const token = (this.#lastToken += 1).toString(36);
    const ticks = Math.ceil((options?.timeoutMs ?? REQUEST_TIMEOUT_MS) / TICK_MS) + 1;
    this.#pending.set(token, { handler, subject, ticks, deadline: this.#tick + ticks });
    this.#ticker ??= setInterval(() => this.#expire(), TICK_MS).unref();
    try {
      this.#link.connection.publish(subject, data, {
        reply: this.#inbox + token,
        headers: options?.headers as MsgHdrs,
      });
    } catch (error) {
      this.#pending.delete(token);
      handler.onFailure(error as Error);
    }
  }

  /** Sends a request that has one reply. @throws {NoReplyError} or what the client throws. */
  request(subject: string, data: Uint8Array | string = NO_DATA, options?: RequestOptions): Promise<Msg> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    return new Promise((resolve, reject) => {
      this.send(subject, bytes, { onReply: (message) => (resolve(message), false), onFailure: reject }, options);
    });
  }

  #dispatch(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length);
    const pending = this.#pending.get(token);
    if (pending === undefined) return;
    if (message.data.length === 0 && readHeaders(message).status === NO_RESPONDERS) {
      this.#pending.delete(token);
      pending.handler.onFailure(new NoReplyError('no-responders', pending.subject));
    } else if (pending.handler.onReply(message)) {
      pending.deadline = this.#tick + pending.ticks;
    } else {
      this.#pending.delete(token);
    }
  }

  #expire(): void {
    this.#tick += 1;
    for (const [token, pending] of this.#pending) {
      if (pending.deadline > this.#tick) continue;
      this.#pending.delete(token);
      pending.handler.onFailure(new NoReplyError('timeout', pending.subject));
    }
    if (this.#pending.size > 0) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  /** Answers cannot come any more: replies do not survive a connection. */
  #failAll(): void {
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    for (const { handler, subject } of lost) handler.onFailure(new NoReplyError('disconnected', subject));
  }

  /** The server tells what it refuses by subject only, and never as an answer. */
  #failRefused(refusal: PermissionViolationError): void {
    for (const [token, { handler, subject }] of this.#pending) {
      if (subject !== refusal.subject && refusal.operation === 'publish') continue;
      this.#pending.delete(token);
      handler.onFailure(refusal);
    }
  }
}
