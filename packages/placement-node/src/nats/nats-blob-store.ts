/**
 * {@link BlobStore} over a NATS object store: a chunk is an object of one message, named by its hash.
 *
 * The bytes are written before what tells of them, so what is listed is there. A chunk that is put again
 * is written again once it is old, under new sequences; a removal takes nothing above those that it was
 * listed with, and so cannot meet a writer who has come since.
 */
import { type Layout, WakebusError } from '@wakebus/protocol';
import { hashOf, packChunk, unpackChunk } from '../objects/blob-codec.ts';
import { type BlobStore, type ListedChunk, REFRESH_AFTER_MS } from '../ports/blob-store.ts';
import type { AppendOutcome, StoredMessage } from '../ports/event-log.ts';
import { ApiError } from './api-error.ts';
import { getBatch, getFromLeader, getLast } from './direct-get.ts';
import { callApi, orUnavailable } from './jetstream-api.ts';
import type { Link } from './link.ts';
import { NatsEventLog } from './nats-event-log.ts';
import { type ObjectInfo, dataSubject, infoSubject, objectInfo, objectStream } from './object-layout.ts';
import { publishAcked } from './publisher.ts';
import { systemClock } from './system-clock.ts';
import { HeaderLines, natsHeader } from './wire-headers.ts';
import { ownData } from './wire-message.ts';

/** How often a chunk whose storing was not confirmed is sent again. Its name is its hash, so that cannot double it. */
const ATTEMPTS = 3;
/** Entries of one page of a listing: some 400 bytes each. */
const PAGE = 1_000;
const STREAM_NOT_FOUND = 10_059;
const HASH = /^[0-9a-f]{64}$/;

export class NatsBlobStore implements BlobStore {
  readonly location = 'nats';
  readonly refreshAfterMs: number;
  readonly #link: Link;
  readonly #layout: Layout;
  readonly #bucket: string;
  readonly #stream: string;

  constructor(link: Link, layout: Layout, refreshAfterMs: number = REFRESH_AFTER_MS) {
    this.refreshAfterMs = refreshAfterMs;
    this.#link = link;
    this.#layout = layout;
    this.#bucket = layout.objectsBucket;
    this.#stream = objectStream(layout.objectsBucket);
  }

  async put(bytes: Uint8Array, hash: string = hashOf(bytes)): Promise<string> {
    const stored = await packChunk(bytes);
    const isNew = await this.#write(hash, dataSubject(this.#bucket, hash), stored, onlyOnce());
    if (!isNew && (await this.#isYoung(hash))) return hash;
    if (!isNew) await this.#write(hash, dataSubject(this.#bucket, hash), stored, inPlaceOfAll());
    const info = objectInfo(this.#bucket, hash, stored, systemClock.wallMs());
    await this.#write(hash, infoSubject(this.#bucket, hash), info, inPlaceOfAll());
    return hash;
  }

  async get(hash: string): Promise<Uint8Array | undefined> {
    const stored = (await this.#read(hash)) ?? (await this.#readFormer(hash));
    return stored && unpackChunk(hash, stored);
  }

  async *list(): AsyncGenerator<ListedChunk> {
    const told = new Set<string>();
    const nowMs = await this.#nowMs();
    for (let fromSeq = 1; ;) {
      const page = await getBatch(this.#link.mux, this.#stream, infoSubject(this.#bucket, '>'), fromSeq, PAGE);
      const last = page.at(-1);
      if (last === undefined) break;
      for (const message of page) {
        const chunk = chunkOf(message, nowMs);
        if (chunk === undefined) continue;
        told.add(chunk.hash);
        yield chunk;
      }
      fromSeq = last.seq + 1;
    }
    yield* this.#untold(told, nowMs);
  }

  /** @returns also `true` when only what tells of it had been left behind. */
  async remove({ hash, version }: ListedChunk): Promise<boolean> {
    const most = Number(version) + 1;
    const purge = (filter: string): Promise<unknown> =>
      callApi(this.#link.mux, `STREAM.PURGE.${this.#stream}`, { filter, seq: most });
    await orUnavailable('The object store', purge(dataSubject(this.#bucket, hash)));
    await orUnavailable('The object store', purge(infoSubject(this.#bucket, hash)));
    return (await this.#leader(dataSubject(this.#bucket, hash))) === undefined;
  }

  /** @returns whether it was stored; not when one is there that was not to be replaced. */
  async #write(hash: string, subject: string, bytes: Uint8Array, lines: HeaderLines): Promise<boolean> {
    let cause: unknown;
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const outcome: AppendOutcome = await publishAcked(this.#link.mux, subject, bytes, lines.toWire());
      if (outcome.kind === 'stored') return true;
      if (outcome.kind === 'conflict') return false;
      cause = outcome.kind === 'unknown' ? outcome.cause : new Error('the object store is full');
    }
    throw new WakebusError('OUTCOME_UNKNOWN', { what: 'A chunk', id: hash }, { cause });
  }

  /** What a stale replica answers is older than the truth: at worst a chunk is written once more. */
  async #isYoung(hash: string): Promise<boolean> {
    const direct = await getLast(this.#link.mux, this.#stream, infoSubject(this.#bucket, hash));
    if (direct === undefined) return false;
    const storedMs = Date.parse(direct.block.headers['Nats-Time-Stamp'] as string);
    return (await this.#nowMs()) - storedMs < this.refreshAfterMs;
  }

  /** By the clock of the server that leads the stream: it is the one that dates the messages. */
  async #nowMs(): Promise<number> {
    const info = callApi<{ readonly ts: string }>(this.#link.mux, `STREAM.INFO.${this.#stream}`);
    return Date.parse((await orUnavailable('The object store', info)).ts);
  }

  /** An absence must be fresh: a replica that lags has not seen a new chunk yet. */
  async #read(hash: string): Promise<Uint8Array | undefined> {
    const subject = dataSubject(this.#bucket, hash);
    const direct = await getLast(this.#link.mux, this.#stream, subject);
    return direct === undefined ? this.#leader(subject) : ownData(direct.message);
  }

  async #leader(subject: string): Promise<Uint8Array | undefined> {
    return (await getFromLeader(this.#link.mux, this.#stream, { last_by_subj: subject }))?.data;
  }

  /** Where deployments kept chunks that are older than their object store; others have no such stream. */
  async #readFormer(hash: string): Promise<Uint8Array | undefined> {
    const { formerChunksStream } = this.#layout;
    const query = { last_by_subj: this.#layout.formerChunkSubject(hash) };
    try {
      return (await getFromLeader(this.#link.mux, formerChunksStream, query))?.data;
    } catch (thrown) {
      const { cause } = thrown as { cause?: unknown };
      if (cause instanceof ApiError && cause.errorCode === STREAM_NOT_FOUND) return undefined;
      throw thrown;
    }
  }

  /** Bytes whose writer died before it could tell of them. */
  async *#untold(told: ReadonlySet<string>, nowMs: number): AsyncGenerator<ListedChunk> {
    const root = dataSubject(this.#bucket, '');
    const subjects = await new NatsEventLog(this.#link, this.#stream).subjects(dataSubject(this.#bucket, '>'));
    for (const subject of subjects.keys()) {
      const hash = subject.slice(root.length);
      if (told.has(hash) || !HASH.test(hash)) continue;
      const message = await getFromLeader(this.#link.mux, this.#stream, { last_by_subj: subject });
      if (message === undefined) continue;
      yield listed(hash, message.data.length, message, nowMs);
    }
  }
}

/** A chunk of ours; others may keep objects in the bucket as well. */
function chunkOf(message: StoredMessage, nowMs: number): ListedChunk | undefined {
  const { name, nuid, size } = JSON.parse(Buffer.from(message.data).toString()) as ObjectInfo;
  return name === nuid && HASH.test(name) ? listed(name, size, message, nowMs) : undefined;
}

function listed(hash: string, sizeBytes: number, { seq, storedMs }: StoredMessage, nowMs: number): ListedChunk {
  return { hash, sizeBytes, ageMs: nowMs - storedMs, version: String(seq) };
}

function onlyOnce(): HeaderLines {
  return new HeaderLines().add(natsHeader.expectedSubjectSeq, 0);
}

function inPlaceOfAll(): HeaderLines {
  return new HeaderLines().add(natsHeader.rollup, 'sub');
}
