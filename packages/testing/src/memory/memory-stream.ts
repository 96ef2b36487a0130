/**
 * One stream: messages under subjects, with limits, a dedupe window and expectations.
 *
 * Reads can be answered from the state of some changes ago, as a lagging replica would. Consumers,
 * schedules and sourcing are elsewhere; they listen here.
 */
import type { AppendOptions, AppendOutcome, LogInfo, StoredMessage } from '@wakebus/placement-node';
import type { Headers } from '@wakebus/protocol';
import type { ServerEnvironment } from './environment.ts';
import { MessageIds } from './message-ids.ts';
import { REFUSAL, refused } from './server-refusal.ts';
import { headerBytes, storedBytes, storedHeaders } from './stored-form.ts';
import { isLiteral, subjectTest } from './subjects.ts';

export interface StreamOptions {
  /** Messages at most; more are refused. @default none */
  readonly maxMessages?: number;
  /** Bytes at most; more are refused. @default none */
  readonly maxBytes?: number;
  /** Longest message with its headers, in bytes. @default none */
  readonly maxMessageBytes?: number;
  /** Servers that keep the stream: with one, reads are never stale and no write is in flight. @default 3 */
  readonly replicas?: 1 | 3;
  /** A second message under a subject is refused (`new`), or replaces the first (`old`). @default both are kept */
  readonly onePerSubject?: 'new' | 'old';
  /** How long a message ID is recognized, in milliseconds. @default 120,000 – the server's own default */
  readonly dedupeWindowMs?: number;
}

/** A message as it is kept, with the changes of the stream between which it was there. */
interface Kept extends StoredMessage {
  readonly messageId: string | undefined;
  readonly sizeBytes: number;
  readonly addedAt: number;
  removedAt: number;
}

/** What a listener hears of. */
export interface StreamListener {
  readonly stored?: (message: StoredMessage) => void;
  readonly removed?: (seq: number, subject: string) => void;
}

/** Changes for which removed messages are still known to stale reads. */
const REMEMBERED_CHANGES = 128;
/** For how long the replicas of a write may still be under way, in milliseconds. */
const IN_FLIGHT_MS = 50;

export class MemoryStream {
  readonly name: string;
  readonly incarnation: string;
  readonly #environment: ServerEnvironment;
  readonly #options: StreamOptions;
  readonly #messages = new Map<number, Kept>();
  readonly #bySubject = new Map<string, number[]>();
  readonly #ids: MessageIds;
  readonly #listeners: StreamListener[] = [];
  #removed: Kept[] = [];
  #lastSeq = 0;
  #bytes = 0;
  #changes = 0;
  /** Whether its disk is full: nothing is written and no write is answered, until a restart with room on the disk. */
  isFrozen: boolean = false;

  constructor(name: string, environment: ServerEnvironment, options: StreamOptions = {}) {
    this.name = name;
    this.#environment = environment;
    this.#options = options;
    this.#ids = new MessageIds(options.dedupeWindowMs);
    this.incarnation = environment.id();
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  get size(): number {
    return this.#messages.size;
  }

  listen(listener: StreamListener): void {
    this.#listeners.push(listener);
  }

  /** Appends, unless the message is too large, the expectation fails, the ID is known or the stream is full. */
  append(subject: string, data: Uint8Array, options: AppendOptions = {}): AppendOutcome {
    const headers = storedHeaders(options);
    const { messageId } = options;
    if (this.#isTooLarge(headers, data)) return refused(REFUSAL.messageTooLarge);
    const lastSeq = this.#lastSeqOf(subject);
    const settled = this.#settled(lastSeq, options);
    if (settled !== undefined) return settled;
    if (lastSeq > 0 && this.#options.onePerSubject === 'new') return { kind: 'full' };
    const sizeBytes = storedBytes(subject, headers, data);
    if (this.#isFull(sizeBytes)) return { kind: 'full' };
    if (lastSeq > 0 && this.#options.onePerSubject === 'old') this.purge(subject);
    return { kind: 'stored', seq: this.#store(subject, data, headers, messageId, sizeBytes), duplicate: false };
  }

  has(seq: number): boolean {
    return this.#messages.has(seq);
  }

  get(seq: number): StoredMessage | undefined {
    const kept = this.#messages.get(seq);
    return kept === undefined ? undefined : copyOf(kept);
  }

  /** The messages that match, ascending; on replicas, as of `lag` changes ago. */
  read(filter: string, fromSeq: number, limit: number, lag = 0): StoredMessage[] {
    const behind = this.#options.replicas === 1 ? 0 : lag;
    const asOf = this.#changes - behind;
    const found = this.#candidates(filter, behind).filter((kept) => kept.seq >= fromSeq && wasThere(kept, asOf));
    found.sort((a, b) => a.seq - b.seq);
    return found.slice(0, limit).map(copyOf);
  }

  /** Sequences of the messages that match. */
  sequences(filter: string): number[] {
    return this.#matchingSubjects(filter).flatMap((subject) => this.#bySubject.get(subject) ?? []);
  }

  last(subject: string, lag = 0): StoredMessage | undefined {
    if (lag > 0 || /[*>]/.test(subject)) return this.read(subject, 0, Number.MAX_SAFE_INTEGER, lag).at(-1);
    const kept = this.#messages.get(this.#lastSeqOf(subject));
    return kept === undefined ? undefined : copyOf(kept);
  }

  subjects(filter: string): Map<string, number> {
    const test = subjectTest(filter);
    return new Map(
      [...this.#bySubject].filter(([subject]) => test(subject)).map(([subject, seqs]) => [subject, seqs.length]),
    );
  }

  purge(filter: string): void {
    for (const subject of this.#matchingSubjects(filter)) {
      for (const seq of this.#bySubject.get(subject)?.slice() ?? []) this.remove(seq);
    }
  }

  remove(seq: number): void {
    const kept = this.#messages.get(seq);
    if (kept === undefined) return;
    this.#changes += 1;
    this.#messages.delete(seq);
    this.#bytes -= kept.sizeBytes;
    this.#unindex(kept);
    kept.removedAt = this.#changes;
    this.#removed.push(kept);
    if (this.#removed.length > 2 * REMEMBERED_CHANGES) this.#removed = this.#removed.slice(-REMEMBERED_CHANGES);
    for (const listener of this.#listeners) listener.removed?.(seq, kept.subject);
  }

  info(): LogInfo {
    const { maxMessages = Infinity, maxBytes = Infinity } = this.#options;
    const fill = Math.max(this.#messages.size / maxMessages, this.#bytes / maxBytes);
    return { incarnation: this.incarnation, lastSeq: this.#lastSeq, messages: this.#messages.size, fill };
  }

  /** What a restarted server knows of message IDs: only those of messages that are still there. */
  forgetRemovedIds(): void {
    this.#ids.clear();
    for (const { messageId, seq, storedMs } of this.#messages.values()) {
      if (messageId !== undefined) this.#ids.add(messageId, seq, storedMs);
    }
  }

  #store(
    subject: string,
    data: Uint8Array,
    headers: Headers,
    messageId: string | undefined,
    sizeBytes: number,
  ): number {
    const seq = (this.#lastSeq += 1);
    this.#changes += 1;
    const kept: Kept = {
      seq,
      subject,
      headers,
      data: data.slice(),
      storedMs: this.#environment.nowMs(),
      messageId,
      sizeBytes,
      addedAt: this.#changes,
      removedAt: 0,
    };
    this.#messages.set(seq, kept);
    this.#bytes += sizeBytes;
    const seqs = this.#bySubject.get(subject);
    if (seqs === undefined) this.#bySubject.set(subject, [seq]);
    else seqs.push(seq);
    if (messageId !== undefined) this.#ids.add(messageId, seq, kept.storedMs);
    for (const listener of this.#listeners) listener.stored?.(kept);
    return seq;
  }

  /** Replicas look at the ID first, one server at the expectation: a repetition with both is a duplicate there and a conflict here. */
  #settled(lastSeq: number, { expectedSubjectSeq, messageId }: AppendOptions): AppendOutcome | undefined {
    const isConflict = expectedSubjectSeq !== undefined && expectedSubjectSeq !== lastSeq;
    if (isConflict && this.#options.replicas === 1) return { kind: 'conflict' };
    const known = messageId === undefined ? undefined : this.#ids.find(messageId, this.#environment.nowMs());
    if (known !== undefined) return { kind: 'stored', seq: known, duplicate: true };
    return isConflict ? this.#conflict(lastSeq) : undefined;
  }

  /** While a write is in flight, replicas may refuse the next one without saying what became of the first. */
  #conflict(lastSeq: number): AppendOutcome {
    const { storedMs = -Infinity } = this.#messages.get(lastSeq) ?? {};
    const mayBeInFlight = this.#environment.nowMs() - storedMs <= IN_FLIGHT_MS;
    return mayBeInFlight && this.#environment.hits('writeInFlight')
      ? refused(REFUSAL.writeInFlight)
      : { kind: 'conflict' };
  }

  #isTooLarge(headers: Headers, data: Uint8Array): boolean {
    const { maxMessageBytes = Infinity } = this.#options;
    return data.length > maxMessageBytes || headerBytes(headers) + data.length > maxMessageBytes;
  }

  #isFull(sizeBytes: number): boolean {
    const { maxMessages = Infinity, maxBytes = Infinity } = this.#options;
    return this.#messages.size + 1 > maxMessages || this.#bytes + sizeBytes > maxBytes;
  }

  #lastSeqOf(subject: string): number {
    return this.#bySubject.get(subject)?.at(-1) ?? 0;
  }

  #unindex(kept: Kept): void {
    const seqs = this.#bySubject.get(kept.subject) as number[];
    const at = seqs.indexOf(kept.seq);
    if (seqs.length === 1) this.#bySubject.delete(kept.subject);
    else seqs.splice(at, 1);
  }

  #matchingSubjects(filter: string): string[] {
    if (isLiteral(filter)) return this.#bySubject.has(filter) ? [filter] : [];
    const test = subjectTest(filter);
    return [...this.#bySubject.keys()].filter(test);
  }

  #candidates(filter: string, lag: number): Kept[] {
    const present = this.sequences(filter).map((seq) => this.#messages.get(seq) as Kept);
    if (lag === 0) return present;
    const test = subjectTest(filter);
    return [...present, ...this.#removed.filter((kept) => test(kept.subject))];
  }
}

function wasThere(kept: Kept, asOf: number): boolean {
  return kept.addedAt <= asOf && (kept.removedAt === 0 || kept.removedAt > asOf);
}

function copyOf(kept: Kept): StoredMessage {
  return {
    seq: kept.seq,
    subject: kept.subject,
    headers: kept.headers,
    data: kept.data.slice(),
    storedMs: kept.storedMs,
  };
}
