/**
 * {@link BlobStore} over a stream of the memory server, one message a chunk.
 *
 * Chunks are stored as they are: compression runs on threads, which no simulation can order.
 */
import {
  type BlobStore,
  type ListedChunk,
  type StoredMessage,
  checkChunkSize,
  checkedChunk,
  hashOf,
} from '@wakebus/placement-node';
import { WakebusError } from '@wakebus/protocol';
import { type Link, NO_ANSWER, type Operation, type OperationKind, type Way } from './environment.ts';
import type { MemoryServer } from './memory-server.ts';
import { checkPayload } from './server-refusal.ts';

export class MemoryBlobStore implements BlobStore {
  readonly location = 'memory';
  readonly refreshAfterMs: number;
  readonly #server: MemoryServer;
  readonly #link: Link;
  readonly #way: Way;

  constructor(server: MemoryServer, link: Link) {
    this.refreshAfterMs = server.refreshAfterMs;
    this.#server = server;
    this.#link = link;
    this.#way = link.toServer('objects');
  }

  async put(bytes: Uint8Array, hash: string = hashOf(bytes)): Promise<string> {
    const copy = bytes.slice();
    const { objects } = this.#server;
    checkChunkSize(copy);
    checkPayload(copy.length, this.#server.maxPayloadBytes);
    return this.#call('put chunk', 'write', () => {
      if (objects.isFrozen) return NO_ANSWER;
      const there = objects.last(hash);
      if (there !== undefined && this.#server.nowMs() - there.storedMs < this.refreshAfterMs) return hash;
      objects.append(hash, copy);
      if (there !== undefined) objects.remove(there.seq);
      return hash;
    });
  }

  async get(hash: string): Promise<Uint8Array | undefined> {
    const { objects } = this.#server;
    const read = (kind: OperationKind): Promise<StoredMessage | undefined> =>
      this.#call('get chunk', kind, (lag) => objects.last(hash, kind === 'fresh' ? 0 : lag));
    const message = (await read('read')) ?? (await read('fresh'));
    return message && checkedChunk(hash, message.data);
  }

  async *list(): AsyncGenerator<ListedChunk> {
    const { objects } = this.#server;
    const found = await this.#call('list chunks', 'read', (lag) => {
      const nowMs = this.#server.nowMs();
      return objects.read('>', 1, Number.MAX_SAFE_INTEGER, lag).map(({ subject: hash, data, storedMs, seq }) => ({
        hash,
        sizeBytes: data.length,
        ageMs: nowMs - storedMs,
        version: String(seq),
      }));
    });
    yield* found;
  }

  remove({ hash, version }: ListedChunk): Promise<boolean> {
    const { objects } = this.#server;
    return this.#call('remove chunk', 'write', () => {
      if (objects.isFrozen) return NO_ANSWER;
      if (String(objects.last(hash)?.seq) === version) objects.purge(hash);
      return objects.last(hash) === undefined;
    });
  }

  #call<T>(label: string, kind: OperationKind, atServer: Operation<T>['atServer']): Promise<T> {
    return this.#link.call<T>({
      way: kind === 'write' ? this.#way : this.#link.toServer('read objects'),
      label,
      kind,
      atServer,
      unanswered: () => {
        if (label === 'put chunk') throw new WakebusError('OUTCOME_UNKNOWN', { what: 'A chunk', id: label });
        throw new WakebusError('UNAVAILABLE', { what: 'The object store' });
      },
    });
  }
}
