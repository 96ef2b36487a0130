/** One run of a stream source: deliveries in, events out, acknowledgements back. */
import {
  type ConsumerMessages,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import { type Headers, WakebusError, header, isWakebusError } from '@wakebus/protocol';
import { type SourceEvent, type SourceSink, keyAt, listOf } from '../source.ts';
import { type Reading, rememberPlace, settleConsumer } from './consumer.ts';
import { type StreamMessage, headerOf, readStreamMessage } from './stream-message.ts';
import type { StreamPlan } from './stream-source.ts';

/** How often it is written down up to where all is done, in milliseconds. */
const PLACE_EVERY_MS = 5_000;
/** Before a message is mapped again, in milliseconds; then twice as long each time. */
const MAP_AGAIN_MS = 1_000;
const MOST_MAP_AGAIN_MS = 60_000;

export class StreamRun {
  readonly #plan: StreamPlan;
  readonly #sink: SourceSink;
  readonly #signal: AbortSignal;
  /** What is being brought in, by delivery. */
  readonly #underWay = new Map<JsMsg, Promise<void>>();
  /** The last event of each agent that is under way. */
  readonly #tails = new Map<string, Promise<unknown>>();
  #reading: Reading | undefined;
  #seq = 0;
  #fault: unknown;
  #messages: ConsumerMessages | undefined;

  constructor(plan: StreamPlan, sink: SourceSink, signal: AbortSignal) {
    this.#plan = plan;
    this.#sink = sink;
    this.#signal = signal;
  }

  health(): Readonly<Record<string, unknown>> {
    return { consumer: this.#reading?.consumer, lastSeq: this.#seq, underWay: this.#underWay.size };
  }

  async run(): Promise<void> {
    const { connection } = this.#sink;
    const jsm = await jetstreamManager(connection, { checkAPI: false });
    const reading = await settleConsumer(jsm, this.#plan, this.#sink);
    this.#reading = reading;
    const consumer = await jetstream(connection).consumers.get(this.#plan.stream, reading.consumer);
    const messages = await consumer.consume({ max_messages: this.#plan.inFlight, abort_on_missing_resource: true });
    this.#messages = messages;
    const stop = (): void => void messages.close();
    this.#signal.addEventListener('abort', stop, { once: true });
    const alive = setInterval(() => this.#sayAlive(), this.#plan.ackWaitMs / 3);
    const placing = setInterval(() => void this.#remember(jsm, reading), PLACE_EVERY_MS);
    try {
      if (this.#signal.aborted) stop();
      this.#sink.ready();
      for await (const delivery of messages) this.#accept(delivery);
    } finally {
      clearInterval(placing);
      this.#signal.removeEventListener('abort', stop);
      await Promise.all(this.#underWay.values());
      clearInterval(alive);
    }
    await connection.flush();
    await this.#remember(jsm, reading);
    if (this.#fault !== undefined) throw this.#fault;
    if (!this.#signal.aborted) throw this.#failed('its consumer has ended');
  }

  #accept(delivery: JsMsg): void {
    // At the end what has come and was not begun goes back at once, for whoever reads next.
    if (this.#signal.aborted || this.#fault !== undefined) return delivery.nak();
    this.#seq = delivery.seq;
    const done = this.#take(delivery)
      .catch((fault: unknown) => this.#fail(delivery, fault))
      .finally(() => this.#underWay.delete(delivery));
    this.#underWay.set(delivery, done);
  }

  async #take(delivery: JsMsg): Promise<void> {
    const message = readStreamMessage(delivery);
    const mapped = this.#map(delivery, message);
    if (mapped instanceof Error) return this.#unmapped(delivery, message, mapped);
    const { events, key } = mapped;
    if (events.length === 0) this.#sink.ignored();
    try {
      await Promise.all(events.map((event, at) => this.#inOrder(event, keyAt(key, at), traceOf(message.headers))));
      delivery.ack();
    } catch (error) {
      if (!isWakebusError(error) || error.next !== 'terminal') throw error;
      await this.#refuse(delivery, message, error.message);
    }
  }

  #map(
    delivery: JsMsg,
    message: StreamMessage,
  ): { readonly events: readonly SourceEvent[]; readonly key: string } | Error {
    const { map, key, replay } = this.#plan;
    try {
      const own = key?.(message) ?? this.#keyOf(delivery);
      return { events: listOf(map(message)), key: replay === undefined ? own : `${replay}:${own}` };
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Events for one agent are stored in the order in which they came. */
  #inOrder(event: SourceEvent, key: string, trace: Headers | undefined): Promise<unknown> {
    const { agent } = event;
    const before = this.#tails.get(agent) ?? Promise.resolve();
    const stored = before.then(() => this.#sink.send(event, key, trace));
    const tail = stored.catch(() => {});
    this.#tails.set(agent, tail);
    void tail.then(() => this.#tails.get(agent) === tail && this.#tails.delete(agent));
    return stored;
  }

  /** A mapping that throws may be mended, or may have asked something that is down: it is tried again for a while. */
  async #unmapped(delivery: JsMsg, message: StreamMessage, error: Error): Promise<void> {
    const { deliveryCount } = delivery.info;
    if (deliveryCount >= this.#plan.tries) return this.#refuse(delivery, message, error.message);
    const { seq, subject } = message;
    this.#sink.warn('a message could not be mapped, and comes again', { seq, subject, error: error.message });
    delivery.nak(Math.min(MOST_MAP_AGAIN_MS, MAP_AGAIN_MS * 2 ** (deliveryCount - 1)));
  }

  async #refuse(delivery: JsMsg, { seq, subject, headers, data }: StreamMessage, why: string): Promise<void> {
    const attempts = delivery.info.deliveryCount;
    await this.#sink.refuse({ key: this.#keyOf(delivery), why, attempts, data, headers, from: subject, seq });
    delivery.term('no event could be made of it');
  }

  /** Sequences begin anew in a stream that was made anew. */
  #keyOf({ seq }: JsMsg): string {
    return `${(this.#reading?.bornMs ?? 0).toString(36)}-${seq}`;
  }

  /** A source that is stopped hands back what it has not stored; any other fault ends the run. */
  #fail(delivery: JsMsg, fault: unknown): void {
    delivery.nak();
    if (this.#signal.aborted) return;
    this.#fault ??= fault;
    void this.#messages?.close();
  }

  #sayAlive(): void {
    for (const delivery of this.#underWay.keys()) delivery.working();
  }

  async #remember(jsm: JetStreamManager, reading: Reading): Promise<void> {
    try {
      await rememberPlace(jsm, this.#plan, this.#sink, reading);
    } catch {
      // Next time: it is only for the case that the consumer goes.
    }
  }

  #failed(why: string): WakebusError<'SOURCE_FAILED'> {
    return new WakebusError('SOURCE_FAILED', { source: this.#sink.name, why });
  }
}

function traceOf(headers: Headers): Headers | undefined {
  const traceparent = headerOf(headers, header.traceparent);
  if (traceparent === undefined) return undefined;
  const tracestate = headerOf(headers, header.tracestate);
  return { [header.traceparent]: traceparent, ...(tracestate !== undefined && { [header.tracestate]: tracestate }) };
}
