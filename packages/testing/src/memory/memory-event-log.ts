/**
 * {@link EventLog} over one stream of the memory server, as one node reaches it.
 */
import type {
  AppendOptions,
  AppendOutcome,
  ConsumeOptions,
  ConsumerSpec,
  Consumption,
  EventLog,
  LogInfo,
  StoredMessage,
} from '@wakebus/placement-node';
import { WakebusError } from '@wakebus/protocol';
import { type Link, NO_ANSWER, type Operation, type OperationKind, type Way } from './environment.ts';
import { MemoryConsumption } from './memory-consumption.ts';
import type { MemoryServer } from './memory-server.ts';
import type { MemoryStream } from './memory-stream.ts';
import { checkPayload, unlessTooLarge } from './server-refusal.ts';
import { headerBytes, storedHeaders } from './stored-form.ts';

/** Most bytes of one read, as the real adapter asks for. */
const READ_LIMIT_BYTES = 8 * 1024 * 1024;
const TIMED_OUT = new Error('no answer came in time');

export class MemoryEventLog implements EventLog {
  readonly #server: MemoryServer;
  readonly #stream: MemoryStream;
  readonly #link: Link;
  readonly #way: Way;
  readonly #acks: Way;

  constructor(server: MemoryServer, stream: MemoryStream, link: Link) {
    this.#server = server;
    this.#stream = stream;
    this.#link = link;
    this.#way = link.toServer(stream.name);
    this.#acks = link.toServer('acknowledgements');
  }

  async append(subject: string, data: Uint8Array, options: AppendOptions = {}): Promise<AppendOutcome> {
    const copy = data.slice();
    checkPayload(headerBytes(storedHeaders(options)) + copy.length, this.#server.maxPayloadBytes);
    const outcome = await this.#link.call<AppendOutcome>({
      way: this.#way,
      label: 'append',
      kind: 'write',
      atServer: () => this.#unlessFrozen(() => this.#server.append(this.#stream, subject, copy, options)),
      unanswered: () => ({ kind: 'unknown', cause: TIMED_OUT }),
    });
    return unlessTooLarge(outcome, copy.length);
  }

  appendLater(subject: string, data: Uint8Array, options: AppendOptions = {}): void {
    const copy = data.slice();
    this.#link.send(this.#way, 'append later', () => {
      this.#unlessFrozen(() => this.#server.append(this.#stream, subject, copy, options));
    });
  }

  read(filter: string, fromSeq: number, limit: number): Promise<StoredMessage[]> {
    return this.#ask('read', 'read', (lag) => withinBytes(this.#stream.read(filter, fromSeq, limit, lag)));
  }

  get(seq: number): Promise<StoredMessage | undefined> {
    return this.#ask('get', 'fresh', () => this.#stream.get(seq));
  }

  last(filter: string): Promise<StoredMessage | undefined> {
    return this.#ask('last', 'fresh', (lag) => this.#stream.last(filter, lag));
  }

  subjects(filter: string): Promise<Map<string, number>> {
    return this.#ask('subjects', 'fresh', () => this.#stream.subjects(filter));
  }

  purge(filter: string): Promise<boolean> {
    return this.#link.call({
      way: this.#way,
      label: 'purge',
      kind: 'write',
      atServer: () =>
        this.#unlessFrozen(() => {
          this.#stream.purge(filter);
          return true;
        }),
      unanswered: () => false,
    });
  }

  info(): Promise<LogInfo> {
    return this.#ask('info', 'fresh', () => this.#stream.info());
  }

  consume(spec: ConsumerSpec, options: ConsumeOptions): Promise<Consumption> {
    return MemoryConsumption.join(this.#server.consumersOf(this.#stream), this.#link, spec, options);
  }

  ack(ackToken: string): void {
    this.#link.send(this.#acks, 'ack', () => this.#server.ack(ackToken));
  }

  working(ackToken: string): void {
    this.#link.send(this.#acks, 'working', () => this.#server.working(ackToken));
  }

  nak(ackToken: string, delayMs: number): void {
    this.#link.send(this.#acks, 'nak', () => this.#server.nak(ackToken, delayMs));
  }

  #unlessFrozen<T>(write: () => T): T | typeof NO_ANSWER {
    return this.#stream.isFrozen ? NO_ANSWER : write();
  }

  #ask<T>(label: string, kind: OperationKind, atServer: Operation<T>['atServer']): Promise<T> {
    return this.#link.call({
      way: this.#link.toServer(`read ${this.#stream.name}`),
      label,
      kind,
      atServer,
      unanswered: () => this.#unavailable(),
    });
  }

  #unavailable(): never {
    throw new WakebusError('UNAVAILABLE', { what: `The stream ${this.#stream.name}` });
  }
}

/** Cuts a read by size, but never to nothing. */
function withinBytes(messages: StoredMessage[]): StoredMessage[] {
  let bytes = 0;
  const end = messages.findIndex((message) => (bytes += message.data.length) > READ_LIMIT_BYTES);
  return end < 0 ? messages : messages.slice(0, Math.max(1, end));
}
