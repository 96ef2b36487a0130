/**
 * The durable consumers of one stream: which of them a message concerns, and what their tokens do.
 */
import type { ConsumerSpec, StoredMessage } from '@wakebus/placement-node';
import type { ServerEnvironment } from './environment.ts';
import { MemoryConsumer } from './memory-consumer.ts';
import type { MemoryStream } from './memory-stream.ts';

export class ConsumerSet {
  readonly #stream: MemoryStream;
  readonly #environment: ServerEnvironment;
  readonly #consumers = new Map<string, MemoryConsumer>();
  /** Consumers by subject; filters change rarely, messages come all the time. */
  readonly #bySubject = new Map<string, MemoryConsumer[]>();

  #run = -1;

  constructor(stream: MemoryStream, environment: ServerEnvironment) {
    this.#stream = stream;
    this.#environment = environment;
    stream.listen({
      stored: (message) => this.#stored(message),
      removed: (seq, subject) => this.#removed(seq, subject),
    });
  }

  /** The consumer of a spec, made or extended where needed. */
  ensure(spec: ConsumerSpec): MemoryConsumer {
    this.#bySubject.clear();
    const present = this.#consumers.get(spec.name);
    if (present !== undefined) {
      present.extend(spec);
      return present;
    }
    const consumer = new MemoryConsumer(this.#stream, spec, this.#environment, () => (this.#run += 1));
    this.#consumers.set(spec.name, consumer);
    return consumer;
  }

  get(name: string): MemoryConsumer | undefined {
    return this.#consumers.get(name);
  }

  get names(): readonly string[] {
    return [...this.#consumers.keys()];
  }

  /** Deletes a consumer with all that it knew; those who asked it are told. */
  delete(name: string): void {
    const consumer = this.#consumers.get(name);
    this.#bySubject.clear();
    this.#consumers.delete(name);
    consumer?.vanish();
  }

  /** Forgets all of them, as a single server does when it is restarted: their state is in memory. Those who asked make them anew. */
  loseAll(): void {
    for (const name of this.names) this.delete(name);
  }

  /** The server was restarted: who was given what is not to be relied on. */
  breakRuns(): void {
    for (const consumer of this.#consumers.values()) consumer.breakRun();
  }

  ack(name: string, seq: number): void {
    if (!this.#stream.isFrozen && this.#consumers.get(name)?.hasDelivered(seq) === true) this.#stream.remove(seq);
  }

  #stored({ seq, subject }: StoredMessage): void {
    for (const consumer of this.#of(subject)) consumer.stored(seq);
  }

  #removed(seq: number, subject: string): void {
    for (const consumer of this.#of(subject)) consumer.removed(seq);
  }

  #of(subject: string): readonly MemoryConsumer[] {
    let found = this.#bySubject.get(subject);
    if (found === undefined) {
      found = [...this.#consumers.values()].filter((consumer) => consumer.matches(subject));
      this.#bySubject.set(subject, found);
    }
    return found;
  }
}
