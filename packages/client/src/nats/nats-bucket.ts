/**
 * {@link MarkPort} and {@link KeptPort} over a NATS KV bucket, read without a consumer: whichever replica answers
 * first, where nothing fresher is asked for.
 */
import { createInbox } from '@nats-io/transport-node';
import { type Headers, WakebusError } from '@wakebus/protocol';
import type { BucketPage, BucketValue, KeptPort, MarkPort, PublishOutcome } from '../ports.ts';
import { isAbsence, readDirectPage, sequenceOf } from './direct-page.ts';
import { ApiError, callApi, orUnavailable } from './jetstream-api.ts';
import { NatsLog } from './nats-log.ts';
import type { RequestMux } from './request-mux.ts';

const NOT_FOUND = 404;
const NO_MESSAGE = 10_037;
const EXPECTED_REVISION = 'Nats-Expected-Last-Subject-Sequence';
/** How long the mark of a removed value stays: nobody waits for it to go. */
const REMOVAL_TTL = '60s';

const NO_DATA = new Uint8Array();
/** What a value that is taken away leaves behind. */
const DELETED = { 'KV-Operation': 'DEL' } as const;

export class NatsBucket implements MarkPort, KeptPort {
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

  async getFresh(key: string): Promise<BucketValue> {
    try {
      const query = { last_by_subj: this.#subject(key) };
      const { message } = await callApi<LeaderAnswer>(this.#mux, `STREAM.MSG.GET.${this.#stream}`, query);
      const lines = message.hdrs === undefined ? '' : Buffer.from(message.hdrs, 'base64').toString();
      const bytes = MARKS.test(lines) ? undefined : new Uint8Array(Buffer.from(message.data ?? '', 'base64'));
      return { bytes, revision: message.seq };
    } catch (cause) {
      if (cause instanceof ApiError && cause.errorCode === NO_MESSAGE) return { bytes: undefined, revision: 0 };
      throw this.#unavailable(cause as Error);
    }
  }

  put(key: string, bytes: Uint8Array, expectedRevision: number): Promise<PublishOutcome> {
    return this.#write(key, bytes, { [EXPECTED_REVISION]: String(expectedRevision) });
  }

  remove(key: string, expectedRevision: number): Promise<PublishOutcome> {
    const mark = { [EXPECTED_REVISION]: String(expectedRevision), ...DELETED, 'Nats-TTL': REMOVAL_TTL };
    return this.#write(key, NO_DATA, mark);
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

  async page(filter: string, after: number, limit: number): Promise<BucketPage> {
    const span = { filter: this.#subject(filter), after, limit };
    const page = await orUnavailable(`The bucket ${this.#bucket}`, readDirectPage(this.#mux, this.#stream, span));
    const entries = page.messages.map(({ subject, data, seq }) => {
      return { key: this.#key(subject), bytes: data, revision: seq };
    });
    return { entries, ...(page.next !== undefined && { next: page.next }) };
  }

  set(key: string, bytes: Uint8Array | undefined, id: string): Promise<PublishOutcome> {
    return this.#write(key, bytes ?? NO_DATA, bytes === undefined ? DELETED : {}, id);
  }

  /** A revision that is expected makes it one write; an ID of its own then keeps it from being taken for another. */
  #write(
    key: string,
    bytes: Uint8Array,
    headers: Headers,
    messageId: string = createInbox('kept'),
  ): Promise<PublishOutcome> {
    return new NatsLog(this.#mux, this.#stream).append(this.#subject(key), bytes, { messageId, headers });
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

/** Deletions and expiries leave a marker under the key. */
const MARKS = /^(KV-Operation|Nats-Marker-Reason):/im;

interface LeaderAnswer {
  readonly message: { readonly seq: number; readonly data?: string; readonly hdrs?: string };
}

interface SubjectsAnswer {
  readonly state: { readonly subjects?: Readonly<Record<string, number>> };
  readonly total?: number;
}
