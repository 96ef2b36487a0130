/** {@link InboxPort}, {@link LogPort} and {@link HistoryPort} over one JetStream stream. */
import type { Msg } from '@nats-io/transport-node';
import { type Headers, WakebusError } from '@wakebus/protocol';
import type { HistoryPort, InboxPort, LogMessage, LogPort, PublishOutcome } from '../ports.ts';
import { readDirectPage, sequenceOf } from './direct-page.ts';
import { headerBlock } from './header-block.ts';
import { ApiError, type ApiErrorBody, callApi, orUnavailable } from './jetstream-api.ts';
import type { ReplyHandler, RequestMux } from './request-mux.ts';

const NOT_FOUND = 404;
/** Removed by another, or expired. */
const NOTHING_THERE: ReadonlySet<number> = new Set([10_037, 10_043]);
const MESSAGE_TOO_LARGE = 10_054;
/** Limits of the account (10002, 10028, 10047) and of the server (10023). */
const OUT_OF_SPACE: ReadonlySet<number> = new Set([10_002, 10_023, 10_028, 10_047]);
/** Something else stands under the subject than the writer expects (10071), or is being written just now (10164). */
const OVERTAKEN: ReadonlySet<number> = new Set([10_071, 10_164]);
/** The limits of the stream itself, when the text says so. */
const STORE_FAILED = 10_077;

interface StreamInfo {
  readonly config: { readonly max_msgs: number; readonly max_bytes: number };
  readonly state: {
    readonly messages: number;
    readonly bytes: number;
    readonly last_seq: number;
    readonly subjects?: Readonly<Record<string, number>>;
  };
}

export class NatsLog implements InboxPort, LogPort, HistoryPort {
  readonly #mux: RequestMux;
  readonly #stream: string;

  constructor(mux: RequestMux, stream: string) {
    this.#mux = mux;
    this.#stream = stream;
  }

  append(subject: string, data: Uint8Array, options: { headers: Headers; messageId: string }): Promise<PublishOutcome> {
    return new Promise((resolve, reject) => {
      const handler = new PubAckHandler(data.length, resolve, reject);
      this.#mux.send(subject, data, handler, headerBlock(options.messageId, options.headers));
    });
  }

  async info(): Promise<{ readonly fill: number; readonly lastSeq: number }> {
    const { config, state } = await this.#info();
    const byCount = config.max_msgs > 0 ? state.messages / config.max_msgs : 0;
    const bySize = config.max_bytes > 0 ? state.bytes / config.max_bytes : 0;
    return { fill: Math.max(byCount, bySize), lastSeq: state.last_seq };
  }

  async subjects(filter: string): Promise<ReadonlyMap<string, number>> {
    const { state } = await this.#info({ subjects_filter: filter });
    return new Map(Object.entries(state.subjects ?? {}));
  }

  async read(filter: string, fromSeq: number, limit: number): Promise<readonly LogMessage[]> {
    const page = readDirectPage(this.#mux, this.#stream, { filter, after: fromSeq - 1, limit });
    return (await orUnavailable(`The stream ${this.#stream}`, page)).messages;
  }

  async get(seq: number): Promise<LogMessage | undefined> {
    const found = this.#mux.request(`$JS.API.DIRECT.GET.${this.#stream}`, { seq });
    const message = await orUnavailable(`The stream ${this.#stream}`, found);
    const status = message.headers?.code ?? 0;
    const subject = message.headers?.get('Nats-Subject') ?? '';
    if (status === 0) return { seq: sequenceOf(message), subject, data: message.data.slice() };
    if (status === NOT_FOUND) return undefined;
    const cause = new Error(message.headers?.description);
    throw new WakebusError('UNAVAILABLE', { what: `The stream ${this.#stream}` }, { cause });
  }

  async remove(seq: number): Promise<boolean> {
    try {
      await callApi(this.#mux, `STREAM.MSG.DELETE.${this.#stream}`, { seq, no_erase: true });
      return true;
    } catch (cause) {
      if (cause instanceof ApiError && NOTHING_THERE.has(cause.errorCode)) return false;
      throw new WakebusError('UNAVAILABLE', { what: `The stream ${this.#stream}` }, { cause });
    }
  }

  #info(request?: { readonly subjects_filter: string }): Promise<StreamInfo> {
    const answer = callApi<StreamInfo>(this.#mux, `STREAM.INFO.${this.#stream}`, request);
    return orUnavailable(`The stream ${this.#stream}`, answer);
  }
}

interface PubAck {
  readonly seq: number;
  readonly duplicate?: boolean;
  readonly error?: ApiErrorBody;
}

class PubAckHandler implements ReplyHandler {
  readonly #sizeBytes: number;
  readonly #resolve: (outcome: PublishOutcome) => void;
  readonly #reject: (error: unknown) => void;

  constructor(sizeBytes: number, resolve: (outcome: PublishOutcome) => void, reject: (error: unknown) => void) {
    this.#sizeBytes = sizeBytes;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onReply(message: Msg): boolean {
    const ack = message.json<PubAck>();
    if (ack.error === undefined) {
      this.#resolve({ kind: 'stored', seq: ack.seq, duplicate: ack.duplicate === true });
    } else if (ack.error.err_code === MESSAGE_TOO_LARGE) {
      this.#refuseSize(new ApiError(ack.error));
    } else {
      this.#resolve(outcomeOf(new ApiError(ack.error)));
    }
    return false;
  }

  onFailure(cause: Error): void {
    if (String(cause.cause).includes('max_payload')) this.#refuseSize(cause);
    else this.#resolve({ kind: 'unknown', cause });
  }

  #refuseSize(cause: Error): void {
    const facts = { sizeBytes: this.#sizeBytes, limitBytes: this.#sizeBytes - 1 };
    this.#reject(new WakebusError('EVENT_TOO_LARGE', facts, { cause }));
  }
}

function outcomeOf(error: ApiError): PublishOutcome {
  if (OVERTAKEN.has(error.errorCode)) return { kind: 'conflict' };
  const isFull =
    OUT_OF_SPACE.has(error.errorCode) || (error.errorCode === STORE_FAILED && error.message.includes('maximum'));
  return isFull ? { kind: 'full' } : { kind: 'unknown', cause: error };
}
