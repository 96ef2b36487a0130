/**
 * One stream: messages under subjects, with limits, a dedupe window and expectations.
 *
 * Reads can be answered from the state of some changes ago, as a lagging replica would. Consumers,
 * schedules and sourcing are elsewhere; they listen here.
 */
import type { AppendOptions, AppendOutcome, LogInfo, StoredMessage } from '@wakebus/placement-node';
import type { ServerEnvironment } from './environment.ts';
import { MessageIds } from './message-ids.ts';
import { isLiteral, subjectTest } from './subjects.ts';

export interface StreamOptions {
  /** Messages at most; more are refused. @default none */
  readonly maxMessages?: number;
  /** Bytes at most; more are refused. @default none */
  readonly maxBytes?: number;
  /** A second message under a subject is refused (`new`), or replaces the first (`old`). @default both are kept */
  readonly onePerSubject?: 'new' | 'old';
  /** How long a message ID is recognized, in milliseconds. @default 120,000 – the server's own default */
  readonly dedupeWindowMs?: number;
}

/** A message as it is kept, with the changes of the stream between which it was there. */
interface Kept extends StoredMessage {
  readonly messageId: string | undefined;
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

  /** Appends, unless the ID is known, the expectation fails or the stream is full – looked at in the server's order. */
  append(subject: string, data: Uint8Array, options: AppendOptions = {}): AppendOutcome {
    const known =
      options.messageId === undefined ? undefined : this.#ids.find(options.messageId, this.#environment.nowMs());
    if (known !== undefined) return { kind: 'stored', seq: known, duplicate: true };
    const lastSeq = this.#lastSeqOf(subject);
    if (options.expectedSubjectSeq !== undefined && options.expectedSubjectSeq !== lastSeq) return { kind: 'conflict' };
    if (lastSeq > 0 && this.#options.onePerSubject === 'new') return { kind: 'full' };
    if (this.#isFull(subject, data)) return { kind: 'full' };
    if (lastSeq > 0 && this.#options.onePerSubject === 'old') this.purge(subject);
    return { kind: 'stored', seq: this.#store(subject, data, options), duplicate: false };
  }

  has(seq: number): boolean {
    return this.#messages.has(seq);
  }

  get(seq: number): StoredMessage | undefined {
    const kept = this.#messages.get(seq);
    return kept === undefined ? undefined : copyOf(kept);
  }

  /** The messages that match, ascending; `lag` changes ago. */
  read(filter: string, fromSeq: number, limit: number, lag = 0): StoredMessage[] {
    const asOf = this.#changes - lag;
    const found = this.#candidates(filter, lag).filter((kept) => kept.seq >= fromSeq && wasThere(kept, asOf));
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
    this.#bytes -= sizeOf(kept.subject, kept.data);
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

  #store(subject: string, data: Uint8Array, options: AppendOptions): number {
    const seq = (this.#lastSeq += 1);
    this.#changes += 1;
    const { messageId, headers = {} } = options;
    const kept: Kept = {
      seq,
      subject,
      headers: messageId === undefined ? headers : { ...headers, 'Nats-Msg-Id': messageId },
      data: data.slice(),
      storedMs: this.#environment.nowMs(),
      messageId,
      addedAt: this.#changes,
      removedAt: 0,
    };
    this.#messages.set(seq, kept);
    this.#bytes += sizeOf(subject, data);
    const seqs = this.#bySubject.get(subject);
    if (seqs === undefined) this.#bySubject.set(subject, [seq]);
    else seqs.push(seq);
    if (messageId !== undefined) this.#ids.add(messageId, seq, kept.storedMs);
    for (const listener of this.#listeners) listener.stored?.(kept);
    return seq;
  }

  #isFull(subject: string, data: Uint8Array): boolean {
    const { maxMessages = Infinity, maxBytes = Infinity } = this.#options;
    return this.#messages.size + 1 > maxMessages || this.#bytes + sizeOf(subject, data) > maxBytes;
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

function sizeOf(subject: string, data: Uint8Array): number {
  return subject.length + data.length;
}
