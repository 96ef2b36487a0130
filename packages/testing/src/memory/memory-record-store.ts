/**
 * {@link RecordStore} over one bucket of the memory server, as one node reaches it.
 */
import type { PutOptions, PutOutcome, RecordStore, ScanPage, StoredValue, Watch } from '@wakebus/placement-node';
import { WakebusError } from '@wakebus/protocol';
import { type Link, NO_ANSWER, type Operation, type OperationKind, type Way } from './environment.ts';
import type { MemoryBucket } from './memory-bucket.ts';
import { MemoryWatch } from './memory-watch.ts';
import { checkPayload } from './server-refusal.ts';

const TIMED_OUT = new Error('no answer came in time');

export class MemoryRecordStore implements RecordStore {
  readonly #bucket: MemoryBucket;
  readonly #link: Link;
  readonly #maxPayloadBytes: number;
  readonly #writes: Way;
  readonly #reads: Way;

  constructor(bucket: MemoryBucket, link: Link, maxPayloadBytes: number) {
    this.#bucket = bucket;
    this.#maxPayloadBytes = maxPayloadBytes;
    this.#link = link;
    this.#writes = link.toServer(bucket.name);
    this.#reads = link.toServer(`read ${bucket.name}`);
  }

  get(key: string): Promise<StoredValue> {
    return this.#ask('get record', 'read', (lag) => this.#bucket.get(key, lag));
  }

  getFresh(key: string): Promise<StoredValue> {
    return this.#ask('get fresh record', 'fresh', (lag) => this.#bucket.get(key, lag));
  }

  async put(key: string, bytes: Uint8Array, expectedRevision: number, options?: PutOptions): Promise<PutOutcome> {
    const copy = bytes.slice();
    checkPayload(copy.length, this.#maxPayloadBytes);
    return this.#write('put record', () => this.#bucket.put(key, copy, expectedRevision, this.#link.name, options));
  }

  remove(key: string, expectedRevision: number): Promise<PutOutcome> {
    return this.#write('remove record', () => this.#bucket.remove(key, expectedRevision, this.#link.name));
  }

  keys(filter: string): Promise<string[]> {
    return this.#ask('list keys', 'fresh', () => this.#bucket.keys(filter));
  }

  scan(fromRevision: number, limit: number): Promise<ScanPage> {
    return this.#ask('scan records', 'read', (lag) => this.#bucket.scan(fromRevision, limit, lag));
  }

  watch(filter: string, onChange: (key: string, value: StoredValue) => void): Promise<Watch> {
    return MemoryWatch.start(this.#bucket, this.#link, filter, onChange);
  }

  #write(label: string, atServer: () => PutOutcome): Promise<PutOutcome> {
    return this.#link.call<PutOutcome>({
      way: this.#writes,
      label,
      kind: 'write',
      atServer: () => (this.#bucket.isFrozen ? NO_ANSWER : atServer()),
      unanswered: () => ({ kind: 'unknown', cause: TIMED_OUT }),
    });
  }

  #ask<T>(label: string, kind: OperationKind, atServer: Operation<T>['atServer']): Promise<T> {
    return this.#link.call({ way: this.#reads, label, kind, atServer, unanswered: () => this.#unavailable() });
  }

  #unavailable(): never {
    throw new WakebusError('UNAVAILABLE', { what: `The bucket ${this.#bucket.name}` });
  }
}
