/**
 * {@link BucketPort} over a NATS KV bucket, read without a consumer: whichever replica answers first.
 */
import type { Msg } from '@nats-io/transport-node';
import { WakebusError } from '@wakebus/protocol';
import type { BucketPort, BucketPage, BucketValue } from '../ports.ts';
import { callApi, orUnavailable } from './jetstream-api.ts';
import type { ReplyHandler, RequestMux } from './request-mux.ts';

/** Most bytes of one page: records may have 768 KB each. */
const PAGE_LIMIT_BYTES = 8 * 1024 * 1024;
const NOT_FOUND = 404;
const END_OF_BATCH = 204;
/** A replica that was just started may not serve direct gets yet. */
const FIRST_SEQUENCE = 1;

export class NatsBucket implements BucketPort {
  readonly #mux: RequestMux;
  readonly #bucket: string;

  constructor(mux: RequestMux, bucket: string) {
    this.#mux = mux;
    this.#bucket = bucket;
  }

  async get(key: string): Promise<BucketValue> {
    const message = await orUnavailable(
      `The bucket ${this.#bucket}`,
      this.#mux.request(`$JS.API.DIRECT.GET.${this.#stream}.${this.#subject(key)}`),
    );
    const status = message.headers?.code ?? 0;
    if (status === NOT_FOUND) return { bytes: undefined, revision: 0 };
    if (status !== 0) throw this.#unavailable(new Error(message.headers?.description));
    return { bytes: isAbsence(message) ? undefined : message.data.slice(), revision: sequenceOf(message) };
  }

  /** The server answers in pages of 100,000 subjects. Deleted keys are left out: each needs a look of its own, so they come with those present. */
  async keys(filter: string): Promise<string[]> {
    const found: string[] = [];
    const request = { subjects_filter: this.#subject(filter) };
    for (let total = Infinity; found.length < total;) {
      const answer = await orUnavailable(
        `The bucket ${this.#bucket}`,
        callApi<SubjectsAnswer>(this.#mux, `STREAM.INFO.${this.#stream}`, { ...request, offset: found.length }),
      );
      const page = Object.keys(answer.state.subjects ?? {});
      for (const subject of page) found.push(this.#key(subject));
      total = page.length === 0 ? 0 : (answer.total ?? 0);
    }
    return found;
  }

  page(filter: string, after: number, limit: number): Promise<BucketPage> {
    return new Promise((resolve, reject) => {
      const request = {
        seq: Math.max(FIRST_SEQUENCE, after + 1),
        next_by_subj: this.#subject(filter),
        batch: limit,
        max_bytes: PAGE_LIMIT_BYTES,
      };
      const fail = (cause: Error): void => reject(this.#unavailable(cause));
      const handler = new PageHandler((subject) => this.#key(subject), resolve, fail);
      this.#mux.send(`$JS.API.DIRECT.GET.${this.#stream}`, Buffer.from(JSON.stringify(request)), handler);
    });
  }

  get #stream(): string {
    return `KV_${this.#bucket}`;
  }

  #subject(key: string): string {
    return `$KV.${this.#bucket}.${key}`;
  }

  #key(subject: string): string {
    return subject.slice(`$KV.${this.#bucket}.`.length);
  }

  #unavailable(cause: Error): WakebusError<'UNAVAILABLE'> {
    return new WakebusError('UNAVAILABLE', { what: `The bucket ${this.#bucket}` }, { cause });
  }
}

interface SubjectsAnswer {
  readonly state: { readonly subjects?: Readonly<Record<string, number>> };
  readonly total?: number;
}

/** Gathers one page. A message that was lost on the way must not pass for the end. */
class PageHandler implements ReplyHandler {
  readonly #keyOf: (subject: string) => string;
  readonly #resolve: (page: BucketPage) => void;
  readonly #fail: (cause: Error) => void;
  readonly #entries: Array<{ key: string; bytes: Uint8Array; revision: number }> = [];
  #last = 0;

  constructor(keyOf: (subject: string) => string, resolve: (page: BucketPage) => void, fail: (cause: Error) => void) {
    this.#keyOf = keyOf;
    this.#resolve = resolve;
    this.#fail = fail;
  }

  onReply(message: Msg): boolean {
    const status = message.headers?.code ?? 0;
    if (status === 0) return this.#take(message);
    if (status === NOT_FOUND) this.#resolve({ entries: [] });
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
    const key = this.#keyOf(message.headers?.get('Nats-Subject') ?? '');
    if (!isAbsence(message)) this.#entries.push({ key, bytes: message.data.slice(), revision: this.#last });
    return true;
  }

  #follows(message: Msg): boolean {
    const previous = message.headers?.get('Nats-Last-Sequence') ?? '';
    return previous === '' || this.#last === 0 || Number(previous) === this.#last;
  }

  #end(message: Msg): void {
    const more = Number(message.headers?.get('Nats-Num-Pending') ?? 0) > 0;
    this.#resolve({ entries: this.#entries, ...(more && { next: this.#last }) });
  }
}

function sequenceOf(message: Msg): number {
  return Number(message.headers?.get('Nats-Sequence') ?? 0);
}

/** Deletions and expiries leave a marker under the key. */
function isAbsence(message: Msg): boolean {
  return message.headers?.has('KV-Operation') === true || message.headers?.has('Nats-Marker-Reason') === true;
}
