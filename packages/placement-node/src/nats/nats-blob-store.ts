/**
 * {@link BlobStore} over a stream: one message a chunk, under its hash.
 */
import { createHash } from 'node:crypto';
import { type Layout, WakebusError } from '@wakebus/protocol';
import type { BlobStore } from '../ports/blob-store.ts';
import { getLast } from './direct-get.ts';
import type { Link } from './link.ts';
import { publishAcked } from './publisher.ts';
import { HeaderLines, natsHeader } from './wire-headers.ts';
import { ownData } from './wire-message.ts';

/** How often a chunk whose storing was not confirmed is sent again. Its name is its hash, so that cannot double it. */
const ATTEMPTS = 3;

export class NatsBlobStore implements BlobStore {
  readonly #link: Link;
  readonly #layout: Layout;

  constructor(link: Link, layout: Layout) {
    this.#link = link;
    this.#layout = layout;
  }

  async put(bytes: Uint8Array): Promise<string> {
    const hash = hashOf(bytes);
    const onlyOnce = new HeaderLines().add(natsHeader.expectedSubjectSeq, 0).toWire();
    let cause: unknown;
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const outcome = await publishAcked(this.#link.mux, this.#layout.chunkSubject(hash), bytes, onlyOnce);
      if (outcome.kind === 'stored' || outcome.kind === 'conflict') return hash;
      cause = outcome.kind === 'unknown' ? outcome.cause : new Error('the store of chunks is full');
    }
    throw new WakebusError('OUTCOME_UNKNOWN', { what: 'A chunk', id: hash }, { cause });
  }

  async get(hash: string): Promise<Uint8Array | undefined> {
    const direct = await getLast(this.#link.mux, this.#layout.chunksStream, this.#layout.chunkSubject(hash));
    if (direct === undefined) return undefined;
    const bytes = ownData(direct.message);
    if (hashOf(bytes) === hash) return bytes;
    throw new WakebusError('RECORD_DAMAGED', { address: hash, why: 'the bytes of this chunk do not have its hash' });
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
