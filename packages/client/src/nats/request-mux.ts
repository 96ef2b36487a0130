/**
 * Requests over one reply subscription: a counter for a token, a map entry, and one timer for all
 * deadlines together. What a reply means is its handler's business.
 */
import { type Msg, type MsgHdrs, type NatsConnection, createInbox } from '@nats-io/transport-node';
import type { NotStored } from '../ports.ts';

/** How long a request waits, in milliseconds: an idle server answers in one, and a try that is lost should be repeated soon. */
const REQUEST_TIMEOUT_MS = 2_000;
/** Deadlines are kept in ticks of this length, in milliseconds. */
const TICK_MS = 100;
const NO_DATA = new Uint8Array(0);

/** Why a request got no reply. */
export class NoReplyError extends Error {
  override readonly name = 'NoReplyError';
  readonly why: NotStored['why'] | 'timeout' | 'disconnected';

  constructor(why: NoReplyError['why'], subject: string, options?: ErrorOptions) {
    super(`${subject}: ${why}`, options);
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
  deadlineTick: number;
}

const muxes = new WeakMap<NatsConnection, RequestMux>();

/** The requests of a connection, shared by all clients on it: it costs them one subscription, however many they are. */
export function requestMuxOf(connection: NatsConnection): RequestMux {
  const known = muxes.get(connection) ?? new RequestMux(connection);
  muxes.set(connection, known);
  return known;
}

/** One connection's requests. */
export class RequestMux {
  readonly #connection: NatsConnection;
  readonly #inbox = `${createInbox()}.`;
  readonly #pending = new Map<string, Pending>();
  #lastToken = 0;
  #tick = 0;
  #ticker: NodeJS.Timeout | undefined;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    connection.subscribe(`${this.#inbox}*`, { callback: (_error, message) => this.#dispatch(message) });
    void this.#followStatus();
  }

  /** Sends a request. Throws nothing: the handler hears of every reply, or of the failure. */
  send(subject: string, data: Uint8Array, handler: ReplyHandler, headers?: MsgHdrs): void {
    const token = (this.#lastToken += 1).toString(36);
    const deadlineTick = this.#tick + REQUEST_TIMEOUT_MS / TICK_MS + 1;
    this.#pending.set(token, { handler, subject, deadlineTick });
    this.#ticker ??= setInterval(() => this.#expire(), TICK_MS).unref();
    try {
      const options = { reply: this.#inbox + token };
      this.#connection.publish(subject, data, headers === undefined ? options : { ...options, headers });
    } catch (cause) {
      this.#pending.delete(token);
      handler.onFailure(new NoReplyError(this.#connection.isClosed() ? 'closed' : 'not-sent', subject, { cause }));
    }
  }

  /** Sends a request that has one reply. @throws {NoReplyError}. */
  request(subject: string, body?: unknown): Promise<Msg> {
    const data = body === undefined ? NO_DATA : Buffer.from(JSON.stringify(body));
    return new Promise((resolve, reject) => {
      this.send(subject, data, { onReply: (message) => (resolve(message), false), onFailure: reject });
    });
  }

  #dispatch(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length);
    const pending = this.#pending.get(token);
    if (pending === undefined) return;
    if (message.data.length === 0 && message.headers?.code === 503) {
      this.#pending.delete(token);
      pending.handler.onFailure(new NoReplyError('no-responders', pending.subject));
    } else if (readReply(pending.handler, message)) {
      pending.deadlineTick = this.#tick + REQUEST_TIMEOUT_MS / TICK_MS + 1;
    } else {
      this.#pending.delete(token);
    }
  }

  #expire(): void {
    this.#tick += 1;
    for (const [token, { handler, subject, deadlineTick }] of this.#pending) {
      if (deadlineTick > this.#tick) continue;
      this.#pending.delete(token);
      handler.onFailure(new NoReplyError('timeout', subject));
    }
    if (this.#pending.size > 0) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  /**
   * Replies do not survive a connection: whoever waits for one is told at once. What was sent while there
   * was none is told when there is one again; the client library has dropped it.
   */
  async #followStatus(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === 'disconnect' || type === 'reconnect') this.#failAll('disconnected');
    }
    this.#failAll('disconnected');
  }

  #failAll(why: NoReplyError['why']): void {
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    for (const { handler, subject } of lost) handler.onFailure(new NoReplyError(why, subject));
  }
}

/** A reply that cannot be read is a failed request: what is thrown here would end the reader of the whole connection. */
function readReply(handler: ReplyHandler, message: Msg): boolean {
  try {
    return handler.onReply(message);
  } catch (cause) {
    handler.onFailure(cause as Error);
    return false;
  }
}
