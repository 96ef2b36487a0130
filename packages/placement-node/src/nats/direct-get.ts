/**
 * Reads without a consumer: one message, or a batch, from whichever replica answers first.
 *
 * They are hints. A read that gets no answer throws; it never looks like an empty stream.
 */
import type { Msg } from '@nats-io/transport-node';
import type { StoredMessage } from '../ports/event-log.ts';
import { ApiError } from './api-error.ts';
import { callApi, orUnavailable, unavailable } from './jetstream-api.ts';
import type { ReplyHandler, RequestMux } from './request-mux.ts';
import { type HeaderBlock, parseHeaderBlock, withoutReadHeaders } from './wire-headers.ts';
import { ownData, readHeaders } from './wire-message.ts';

/** Most bytes of one batch: a mailbox of 256 KB events is read in some thirty rounds rather than held in memory at once. */
const BATCH_LIMIT_BYTES: number = 8 * 1024 * 1024;

const NO_DATA = new Uint8Array(0);
const NOT_FOUND = 404;
const END_OF_BATCH = 204;
/** The stream holds no such message. */
const NO_MESSAGE_FOUND = 10_037;

/** A message as a direct get answers it, before anyone needs all of it. */
export interface DirectMessage {
  readonly block: HeaderBlock;
  readonly message: Msg;
}

/** The last message under a subject. @throws {WakebusError} `UNAVAILABLE`. */
export function getLast(mux: RequestMux, stream: string, subject: string): Promise<DirectMessage | undefined> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => reject(unavailable(`The stream ${stream}`, cause));
    const onReply = (message: Msg): boolean => {
      const block = readHeaders(message);
      if (block.status === 0) resolve({ block, message });
      else if (block.status === NOT_FOUND) resolve(undefined);
      else fail(new ApiError(block.status, 0, block.description));
      return false;
    };
    mux.send(`$JS.API.DIRECT.GET.${stream}.${subject}`, NO_DATA, { onReply, onFailure: fail });
  });
}

/** Messages that match a filter from a sequence on, ascending. @throws {WakebusError} `UNAVAILABLE`. */
export function getBatch(
  mux: RequestMux,
  stream: string,
  filter: string,
  fromSeq: number,
  limit: number,
): Promise<StoredMessage[]> {
  return new Promise((resolve, reject) => {
    const request = { seq: Math.max(1, fromSeq), next_by_subj: filter, batch: limit, max_bytes: BATCH_LIMIT_BYTES };
    mux.send(
      `$JS.API.DIRECT.GET.${stream}`,
      Buffer.from(JSON.stringify(request)),
      new BatchHandler(stream, resolve, reject),
    );
  });
}

class BatchHandler implements ReplyHandler {
  readonly #stream: string;
  readonly #messages: StoredMessage[] = [];
  readonly #resolve: (messages: StoredMessage[]) => void;
  readonly #reject: (error: unknown) => void;

  constructor(stream: string, resolve: (messages: StoredMessage[]) => void, reject: (error: unknown) => void) {
    this.#stream = stream;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onReply(message: Msg): boolean {
    const block = readHeaders(message);
    if (block.status === 0) return this.#take({ block, message });
    if (block.status === NOT_FOUND) this.#resolve([]);
    else if (block.status === END_OF_BATCH && this.#follows(block)) this.#resolve(this.#messages);
    else this.onFailure(new ApiError(block.status, 0, block.description));
    return false;
  }

  onFailure(cause: Error): void {
    this.#reject(unavailable(`The stream ${this.#stream}`, cause));
  }

  #take(direct: DirectMessage): boolean {
    const follows = this.#follows(direct.block);
    if (follows) this.#messages.push(toStored(direct));
    else this.onFailure(new Error('a message of the batch was lost on the way'));
    return follows;
  }

  /** The server names the message before each one of a batch: a hole must not pass for an empty place. */
  #follows({ headers }: HeaderBlock): boolean {
    const previous = headers['Nats-Last-Sequence'];
    return previous === undefined || this.#messages.length === 0 || Number(previous) === this.#messages.at(-1)?.seq;
  }
}

/** A direct get's answer as the log's own message. */
function toStored({ block, message }: DirectMessage): StoredMessage {
  const { headers } = block;
  return {
    seq: Number(headers['Nats-Sequence']),
    subject: headers['Nats-Subject'] as string,
    headers: withoutReadHeaders(headers),
    data: ownData(message),
    storedMs: Date.parse(headers['Nats-Time-Stamp'] as string),
  };
}

interface LeaderAnswer {
  readonly message: {
    readonly subject: string;
    readonly seq: number;
    readonly hdrs?: string;
    readonly data?: string;
    readonly time: string;
  };
}

/** A message asked of the stream's leader. @throws {WakebusError} `UNAVAILABLE`. */
export function getFromLeader(
  mux: RequestMux,
  stream: string,
  query: { seq: number } | { last_by_subj: string },
): Promise<StoredMessage | undefined> {
  return orUnavailable(`The leader of the stream ${stream}`, askLeader(mux, stream, query));
}

async function askLeader(mux: RequestMux, stream: string, query: unknown): Promise<StoredMessage | undefined> {
  try {
    const { message } = await callApi<LeaderAnswer>(mux, `STREAM.MSG.GET.${stream}`, query);
    const headers =
      message.hdrs === undefined ? {} : parseHeaderBlock(Buffer.from(message.hdrs, 'base64').toString()).headers;
    const data = Uint8Array.from(Buffer.from(message.data ?? '', 'base64'));
    return { seq: message.seq, subject: message.subject, headers, data, storedMs: Date.parse(message.time) };
  } catch (error) {
    if (error instanceof ApiError && error.errorCode === NO_MESSAGE_FOUND) return undefined;
    throw error;
  }
}
