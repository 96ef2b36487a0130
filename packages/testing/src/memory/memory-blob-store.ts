/**
 * {@link BlobStore} over the chunks stream of the memory server.
 */
import { createHash } from 'node:crypto';
import type { BlobStore, StoredMessage } from '@wakebus/placement-node';
import { WakebusError } from '@wakebus/protocol';
import { type Link, NO_ANSWER, type Way } from './environment.ts';
import type { MemoryServer } from './memory-server.ts';
import { checkPayload } from './server-refusal.ts';

export class MemoryBlobStore implements BlobStore {
  readonly #server: MemoryServer;
  readonly #link: Link;
  readonly #way: Way;

  constructor(server: MemoryServer, link: Link) {
    this.#server = server;
    this.#link = link;
    this.#way = link.toServer('chunks');
  }

  async put(bytes: Uint8Array): Promise<string> {
    const copy = bytes.slice();
    checkPayload(copy.length, this.#server.maxPayloadBytes);
    const hash = hashOf(copy);
    return this.#link.call({
      way: this.#way,
      label: 'put chunk',
      kind: 'write',
      atServer: () => {
        if (this.#server.chunks.isFrozen) return NO_ANSWER;
        this.#server.chunks.append(this.#server.layout.chunkSubject(hash), copy, { expectedSubjectSeq: 0 });
        return hash;
      },
      unanswered: () => {
        throw new WakebusError('OUTCOME_UNKNOWN', { what: 'A chunk', id: hash });
      },
    });
  }

  async get(hash: string): Promise<Uint8Array | undefined> {
    const message = await this.#link.call<StoredMessage | undefined>({
      way: this.#way,
      label: 'get chunk',
      kind: 'read',
      atServer: (lag) => this.#server.chunks.last(this.#server.layout.chunkSubject(hash), lag),
      unanswered: () => {
        throw new WakebusError('UNAVAILABLE', { what: 'The store of chunks' });
      },
    });
    if (message === undefined || hashOf(message.data) === hash) return message?.data;
    throw new WakebusError('RECORD_DAMAGED', { address: hash, why: 'the bytes of this chunk do not have its hash' });
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
