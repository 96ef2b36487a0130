/**
 * One durable pull consumer with a prioritized group: who gets which message, and when again.
 *
 * Acknowledging removes the message from its stream, as work-queue retention does. A late
 * acknowledgement of an old delivery counts: acknowledgements do not fence.
 */
import type { ConsumerSpec, StoredMessage } from '@wakebus/placement-node';
import { writeAckToken } from './ack-token.ts';
import type { ServerEnvironment } from './environment.ts';
import type { MemoryStream } from './memory-stream.ts';
import { type Puller, PullerSet } from './puller-set.ts';
import { subjectTest } from './subjects.ts';

interface Pending {
  deadlineMs: number;
}

/** A delivery that is repeated early comes within this time, in milliseconds. */
const EARLY_REDELIVERY_MS = 50;
/** Deliveries between two breaks of the sequence, as the real adapter counts them. */
const RUN_LENGTH = 2 ** 32;

export class MemoryConsumer {
  readonly name: string;
  readonly #stream: MemoryStream;
  readonly #environment: ServerEnvironment;
  readonly #nextRun: () => number;
  readonly #filters = new Set<string>();
  readonly #pullers: PullerSet;
  /** Messages that were never delivered, ascending. */
  #fresh: number[] = [];
  #freshHead = 0;
  /** Messages to deliver again; they go first. */
  #again: number[] = [];
  readonly #pending = new Map<number, Pending>();
  readonly #deliveries = new Map<number, number>();
  #ackWaitMs: number;
  #deliverySeq: number;
  #checkAtMs = Infinity;

  /** @param nextRun - Draws a number for an unbroken run of deliveries, higher than all before. */
  constructor(stream: MemoryStream, spec: ConsumerSpec, environment: ServerEnvironment, nextRun: () => number) {
    this.name = spec.name;
    this.#nextRun = nextRun;
    this.#deliverySeq = nextRun() * RUN_LENGTH;
    this.#stream = stream;
    this.#pullers = new PullerSet(environment);
    this.#environment = environment;
    this.#ackWaitMs = spec.ackWaitMs;
    for (const filter of spec.filters) this.#filters.add(filter);
    this.#fresh = this.#present();
  }

  /** Adds filters. Where there are new ones the consumer starts over, as the real adapter sees to: what is unacknowledged comes once more. */
  extend(spec: ConsumerSpec): void {
    this.#ackWaitMs = spec.ackWaitMs;
    if (spec.filters.every((filter) => this.#filters.has(filter))) return;
    for (const filter of spec.filters) this.#filters.add(filter);
    this.#pending.clear();
    this.#deliveries.clear();
    this.#again = [];
    this.#fresh = this.#present();
    this.#freshHead = 0;
    this.breakRun();
  }

  /** Lets the delivery sequence jump: nobody may conclude from it that nothing went elsewhere. */
  breakRun(): void {
    this.#deliverySeq = this.#nextRun() * RUN_LENGTH;
  }

  matches(subject: string): boolean {
    for (const filter of this.#filters) if (subjectTest(filter)(subject)) return true;
    return false;
  }

  join(puller: Puller): void {
    this.#pullers.add(puller);
    this.dispatch();
  }

  /** The consumer is deleted, with all that it knew. */
  vanish(): void {
    this.#pullers.forget();
  }

  leave(puller: Puller): void {
    this.#pullers.delete(puller);
  }

  /** The stream has a new message that matches. */
  stored(seq: number): void {
    this.#fresh.push(seq);
    this.dispatch();
  }

  /** The stream has lost a message: acknowledged, or purged. */
  removed(seq: number): void {
    this.#pending.delete(seq);
    this.#deliveries.delete(seq);
  }

  /** Whether a message was ever delivered; an acknowledgement of another one means nothing. */
  hasDelivered(seq: number): boolean {
    return this.#deliveries.has(seq);
  }

  working(seq: number): void {
    const pending = this.#pending.get(seq);
    if (pending !== undefined) pending.deadlineMs = this.#environment.nowMs() + this.#ackWaitMs;
  }

  nak(seq: number, delayMs: number): void {
    const pending = this.#pending.get(seq);
    if (pending === undefined) return;
    pending.deadlineMs = this.#environment.nowMs() + delayMs;
    this.#checkIn(delayMs);
  }

  /** Hands out what there is to those who ask. */
  dispatch(): void {
    for (;;) {
      if (this.#again.length === 0 && this.#freshHead === this.#fresh.length) return;
      const puller = this.#pullers.choose();
      if (puller === undefined) return;
      const message = this.#next();
      if (message === undefined) return;
      this.#hand(message, puller);
    }
  }

  /** Messages that were handed out and not acknowledged. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** All messages that match, ascending. */
  #present(): number[] {
    const seqs = [...this.#filters].flatMap((filter) => this.#stream.sequences(filter));
    return [...new Set(seqs)].toSorted((a, b) => a - b);
  }

  #next(): StoredMessage | undefined {
    while (this.#again.length > 0) {
      const message = this.#stream.get(this.#again.shift() as number);
      if (message !== undefined) return message;
    }
    while (this.#freshHead < this.#fresh.length) {
      const message = this.#stream.get(this.#fresh[this.#freshHead] as number);
      this.#freshHead += 1;
      if (this.#freshHead > 1024 && this.#freshHead * 2 > this.#fresh.length) {
        this.#fresh = this.#fresh.slice(this.#freshHead);
        this.#freshHead = 0;
      }
      if (message !== undefined) return message;
    }
    return undefined;
  }

  #hand(message: StoredMessage, puller: Puller): void {
    const { seq } = message;
    const deliveries = (this.#deliveries.get(seq) ?? 0) + 1;
    this.#deliveries.set(seq, deliveries);
    const waitMs = this.#environment.hits('redeliver') ? this.#environment.below(EARLY_REDELIVERY_MS) : this.#ackWaitMs;
    this.#pending.set(seq, { deadlineMs: this.#environment.nowMs() + waitMs });
    this.#checkIn(waitMs);
    const deliverySeq = (this.#deliverySeq += 1);
    puller.credit -= 1;
    const ackToken = writeAckToken({ stream: this.#stream.name, consumer: this.name, seq }, deliverySeq);
    if (!this.#environment.hits('deliveryLost')) puller.deliver({ ...message, deliverySeq, deliveries, ackToken });
  }

  /** One check is outstanding at a time, unless a sooner one is needed. */
  #checkIn(delayMs: number): void {
    const atMs = this.#environment.nowMs() + delayMs;
    if (atMs >= this.#checkAtMs) return;
    this.#checkAtMs = atMs;
    this.#environment.after(delayMs, 'acknowledgement wait', () => this.#check(atMs));
  }

  #check(atMs: number): void {
    if (atMs !== this.#checkAtMs) return;
    this.#checkAtMs = Infinity;
    const nowMs = this.#environment.nowMs();
    const overdue: number[] = [];
    let nextMs = Infinity;
    for (const [seq, { deadlineMs }] of this.#pending) {
      if (deadlineMs <= nowMs) overdue.push(seq);
      else nextMs = Math.min(nextMs, deadlineMs);
    }
    for (const seq of overdue) this.#pending.delete(seq);
    // Nobody promises that what comes again comes in order.
    this.#again.push(
      ...(this.#environment.hits('overtaken') ? overdue.toReversed() : overdue.toSorted((a, b) => a - b)),
    );
    if (nextMs < Infinity) this.#checkIn(nextMs - nowMs);
    this.dispatch();
  }
}
