/** Stored messages of a stream, page by page, read without a consumer: whichever replica answers first. */
import type { Msg } from '@nats-io/transport-node';
import type { ReplyHandler, RequestMux } from './request-mux.ts';

/** Most bytes of one page: records may have 768 KB each. */
const PAGE_LIMIT_BYTES = 8 * 1024 * 1024;
const NOT_FOUND = 404;
const END_OF_BATCH = 204;
/** A replica that was just started may not serve direct gets yet. */
const FIRST_SEQUENCE = 1;

/** Messages in the order of their sequences. `next`: sequence to go on after; absent when there is no more. */
export interface DirectPage {
  readonly messages: ReadonlyArray<{ readonly subject: string; readonly data: Uint8Array; readonly seq: number }>;
  readonly next?: number;
}

/** Reads the messages under a filter with sequences above `after`, without those that say that a key is absent. */
export function readDirectPage(
  mux: RequestMux,
  stream: string,
  { filter, after, limit }: { readonly filter: string; readonly after: number; readonly limit: number },
): Promise<DirectPage> {
  return new Promise((resolve, reject) => {
    const seq = Math.max(FIRST_SEQUENCE, after + 1);
    const request = { seq, next_by_subj: filter, batch: limit, max_bytes: PAGE_LIMIT_BYTES };
    mux.send(`$JS.API.DIRECT.GET.${stream}`, Buffer.from(JSON.stringify(request)), new PageHandler(resolve, reject));
  });
}

/** Gathers one page. A message that was lost on the way must not pass for the end. */
class PageHandler implements ReplyHandler {
  readonly #resolve: (page: DirectPage) => void;
  readonly #fail: (cause: Error) => void;
  readonly #messages: Array<{ subject: string; data: Uint8Array; seq: number }> = [];
  #last = 0;

  constructor(resolve: (page: DirectPage) => void, fail: (cause: Error) => void) {
    this.#resolve = resolve;
    this.#fail = fail;
  }

  onReply(message: Msg): boolean {
    const status = message.headers?.code ?? 0;
    if (status === 0) return this.#take(message);
    if (status === NOT_FOUND) this.#resolve({ messages: [] });
    else if (status === END_OF_BATCH && this.#follows(message)) this.#end(message);
    else this.onFailure(new Error(message.headers?.description ?? `status ${status}`));
    return false;
  }

  onFailure(cause: Error): void {
    this.#fail(cause);
  }

  #take(message: Msg): boolean {
    if (!this.#follows(message)) {
      this.onFailure(new Error('a message of the page was lost on the way'));
      return false;
    }
    this.#last = sequenceOf(message);
    const subject = message.headers?.get('Nats-Subject') ?? '';
    if (!isAbsence(message)) this.#messages.push({ subject, data: message.data.slice(), seq: this.#last });
    return true;
  }

  #follows(message: Msg): boolean {
    const previous = message.headers?.get('Nats-Last-Sequence') ?? '';
    return previous === '' || this.#last === 0 || Number(previous) === this.#last;
  }

  #end(message: Msg): void {
    const more = Number(message.headers?.get('Nats-Num-Pending') ?? 0) > 0;
    this.#resolve({ messages: this.#messages, ...(more && { next: this.#last }) });
  }
}

export function sequenceOf(message: Msg): number {
  return Number(message.headers?.get('Nats-Sequence') ?? 0);
}

/** Deletions and expiries of a bucket leave a marker under the key. */
export function isAbsence(message: Msg): boolean {
  return message.headers?.has('KV-Operation') === true || message.headers?.has('Nats-Marker-Reason') === true;
}
