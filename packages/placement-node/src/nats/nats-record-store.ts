/**
 * {@link RecordStore} over a NATS KV bucket, in the layout that every NATS client and `nats kv` reads.
 */
import type { PutOptions, PutOutcome, RecordStore, ScanPage, StoredValue, Watch } from '../ports/record-store.ts';
import { BucketWatch, listKeys } from './bucket-watch.ts';
import { getBatch, getFromLeader, getLast } from './direct-get.ts';
import { bucketStream, bucketSubject, isAbsence, kvHeader } from './kv-layout.ts';
import type { Link } from './link.ts';
import { publishAcked } from './publisher.ts';
import { HeaderLines, natsHeader } from './wire-headers.ts';
import { ownData } from './wire-message.ts';

const NO_BYTES = new Uint8Array(0);
const NEVER_WRITTEN: StoredValue = { bytes: undefined, revision: 0 };

export interface RecordStoreOptions {
  /** How long the marker of a removed key stays, in milliseconds. @default for ever, as in any KV bucket; where keys are drawn anew all the time that would be a leak */
  readonly markerTtlMs?: number;
}

export class NatsRecordStore implements RecordStore {
  readonly #link: Link;
  readonly #bucket: string;
  readonly #stream: string;
  readonly #options: RecordStoreOptions;

  constructor(link: Link, bucket: string, options: RecordStoreOptions = {}) {
    this.#link = link;
    this.#bucket = bucket;
    this.#stream = bucketStream(bucket);
    this.#options = options;
  }

  async get(key: string): Promise<StoredValue> {
    const direct = await getLast(this.#link.mux, this.#stream, bucketSubject(this.#bucket, key));
    if (direct === undefined) return NEVER_WRITTEN;
    const { headers } = direct.block;
    return {
      bytes: isAbsence(headers) ? undefined : ownData(direct.message),
      revision: Number(headers['Nats-Sequence']),
    };
  }

  async getFresh(key: string): Promise<StoredValue> {
    const stored = await getFromLeader(this.#link.mux, this.#stream, {
      last_by_subj: bucketSubject(this.#bucket, key),
    });
    if (stored === undefined) return NEVER_WRITTEN;
    return { bytes: isAbsence(stored.headers) ? undefined : stored.data, revision: stored.seq };
  }

  /** The server counts a time to live in whole seconds and drops the rest, so it is rounded up here: no lease may end early. */
  put(key: string, bytes: Uint8Array, expectedRevision: number, options?: PutOptions): Promise<PutOutcome> {
    const lines = new HeaderLines().add(natsHeader.expectedSubjectSeq, expectedRevision);
    if (options?.ttlMs !== undefined) lines.add(natsHeader.ttl, `${Math.ceil(options.ttlMs / 1000)}s`);
    return this.#write(key, bytes, lines);
  }

  remove(key: string, expectedRevision: number): Promise<PutOutcome> {
    const lines = new HeaderLines().add(natsHeader.expectedSubjectSeq, expectedRevision).add(kvHeader.operation, 'DEL');
    if (this.#options.markerTtlMs !== undefined) lines.add(natsHeader.ttl, `${this.#options.markerTtlMs}ms`);
    return this.#write(key, NO_BYTES, lines);
  }

  keys(filter: string): Promise<string[]> {
    return listKeys(this.#link, this.#bucket, filter);
  }

  async scan(fromRevision: number, limit: number): Promise<ScanPage> {
    const root = bucketSubject(this.#bucket, '');
    const messages = await getBatch(this.#link.mux, this.#stream, `${root}>`, fromRevision, limit);
    const present = messages.filter(({ headers }) => !isAbsence(headers));
    const values = present.map(({ subject, data, seq }) => ({
      key: subject.slice(root.length),
      bytes: data,
      revision: seq,
    }));
    const last = messages.at(-1);
    return { values, nextRevision: last === undefined ? undefined : last.seq + 1 };
  }

  watch(filter: string, onChange: (key: string, value: StoredValue) => void): Promise<Watch> {
    return BucketWatch.start(this.#link, this.#bucket, filter, onChange);
  }

  async #write(key: string, bytes: Uint8Array, lines: HeaderLines): Promise<PutOutcome> {
    const outcome = await publishAcked(this.#link.mux, bucketSubject(this.#bucket, key), bytes, lines.toWire());
    return outcome.kind === 'stored' ? { kind: 'stored', revision: outcome.seq } : outcome;
  }
}
