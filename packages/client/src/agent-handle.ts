/**
 * One agent as a client addresses it: `send`, `call`, and what operators say of its effects.
 */
import {
  type Address,
  type AgentKey,
  type ControlMessage,
  type Headers,
  MSGPACK,
  type Schedule,
  WakebusError,
  addressOf,
  checkScheduleId,
  encodeEvent,
  encodeToSend,
  header,
  isReservedEvent,
  specOfSchedule,
  splitKey,
  wireMessageId,
} from '@wakebus/protocol';
import { type ClientContext, type Compose, checkDeadline } from './client-context.ts';
import { type ControlOptions, controlAgent } from './control.ts';
import { checkMessageId } from './message-ids.ts';
import type { InboxTarget, Publication, Stored } from './publish.ts';
import { type MessageSpan, endWith, startMessageSpan } from './tracing.ts';

/** What may be said about one message. */
export interface SendOptions {
  /** The message's own name: the same ID to the same agent is one event, however often it is sent. @default a fresh one */
  readonly id?: string;
  /** Trace headers (`traceparent`, `tracestate`) in place of the active OpenTelemetry context. */
  readonly trace?: Headers;
  /** How long to try and, for a call, to wait, in milliseconds. @default 30,000 – an election of a stream's leader takes up to 9 s, a takeover 2 s */
  readonly deadlineMs?: number;
}

/** When an event is to come. */
export interface LaterOptions {
  /** So much later, in milliseconds. @default at once */
  readonly inMs?: number;
  /** At a time, in milliseconds since the epoch. @default at once */
  readonly atMs?: number;
}

/** A stored message. */
export interface SendReceipt {
  readonly messageId: string;
  /** Its sequence in the inbox. */
  readonly seq: number;
  /** The inbox had a message with this ID already; the agent sees one of them. */
  readonly duplicate: boolean;
}

/** One agent, typed by the events that it takes. Costs nothing; the agent need not exist. */
export class AgentHandle<TEvent extends { readonly type: string }> {
  readonly address: Address;
  readonly key: AgentKey;
  readonly #type: string;
  readonly #context: ClientContext;
  readonly #target: InboxTarget;

  constructor(context: ClientContext, key: AgentKey) {
    this.key = key;
    this.address = addressOf(key);
    this.#type = splitKey(key).type;
    this.#context = context;
    this.#target = context.targetOf(key);
  }

  /**
   * Sends an event. Resolves when it is stored: from then on it is processed, whatever crashes.
   *
   * One for later is stored as what an operator asks (`….s.control`), and stands among the agent's timers
   * under the message's ID until it comes; `client.timers.cancel` takes it back.
   *
   * @throws {WakebusError} `INVALID_EVENT`, `RESERVED_EVENT`, `INVALID_OPTION`, `INVALID_PAYLOAD`, `EVENT_TOO_LARGE`, `VALUE_NOT_DURABLE`:
   * nothing was sent. `INBOX_FULL`, `UNAVAILABLE`: nothing was stored, try later. `OUTCOME_UNKNOWN`: repeat it under the ID in the error.
   */
  async send(event: TEvent, options: SendOptions & LaterOptions = {}): Promise<SendReceipt> {
    const { id, span, compose: now } = this.#prepare('send', event, options);
    const compose = this.#later(event, id, options, now);
    const { seq, duplicate } = await endWith(span, this.#context.publish(this.#target, compose({})));
    return { messageId: id, seq, duplicate };
  }

  /**
   * Sends an event and waits for the agent's answer, which comes after the commit.
   *
   * Asked again under the same ID, also by another process, it gets the answer of the first time, as
   * long as the agent keeps it: until a minute after the deadline, 4 KB at most.
   *
   * @returns what the machine gave to `reply`; `undefined` when it took the event and said nothing.
   * @throws {WakebusError} as {@link send}, and `AGENT_REFUSED`, `AGENT_COMPLETED`, `AGENT_REMOVED`, `EVENT_UNKNOWN`,
   * `DEAD_LETTERED`: the agent's answer. `CALL_TIMEOUT`: stored, no answer yet. `REPLY_EXPIRED`: processed, its answer is gone.
   */
  async call<TReply = unknown>(event: TEvent, options: SendOptions = {}): Promise<TReply> {
    const { id, deadlineMs, untilMs, span, compose } = this.#prepare('call', event, options);
    const facts = { key: this.key, messageId: id, deadlineMs, untilMs };
    const publish = (publication: Publication): Promise<Stored> => this.#context.publish(this.#target, publication);
    return (await endWith(span, this.#context.exchange(facts, compose, publish))) as TReply;
  }

  /**
   * Says how an effect ended of which nobody knew (state `maybe`), or has it run again. Resolves when that is committed.
   *
   * @param id - The ID that the machine gave the effect, as {@link AgentInspection.journal} shows it.
   * @param value - Its output, or the reason for its failure.
   * @throws {WakebusError} `EFFECT_NOT_FOUND`, `AGENT_NOT_FOUND`; `AGENT_REFUSED` while the agent is suspended;
   * `CALL_TIMEOUT`, `UNAVAILABLE`, `OUTCOME_UNKNOWN`; `VALUE_NOT_DURABLE`.
   */
  async resolveEffect(
    id: string,
    as: 'done' | 'failed' | 'retry',
    value?: unknown,
    options: ControlOptions = {},
  ): Promise<void> {
    const effect = { id, as, ...(value !== undefined && { value }) };
    await controlAgent(this.#context, this.key, 'resolve', options, { effect });
  }

  /** The publication that brings the event when it is to come. */
  #later(event: TEvent, id: string, { inMs, atMs }: LaterOptions, now: Compose): Compose {
    if (inMs === undefined && atMs === undefined) return now;
    const { layout, clock } = this.#context.ports;
    const schedule: Schedule = { atMs: atMs ?? Math.ceil(clock.wallMs() + (inMs ?? 0)), event };
    specOfSchedule(schedule);
    const control: ControlMessage = { v: 1, verb: 'schedule', timer: { id: checkScheduleId(id), schedule } };
    const data = encodeToSend(control);
    return (more) => ({ ...now(more), subject: layout.runtimeSubject(this.key, 'control'), data });
  }

  #prepare(operation: 'send' | 'call', event: TEvent, options: SendOptions): PreparedMessage {
    const { ports, ids } = this.#context;
    const { type, ...fields } = event;
    if (isReservedEvent(type)) throw new WakebusError('RESERVED_EVENT', { event: type });
    const subject = ports.layout.eventSubject(this.key, type);
    const data = Object.keys(fields).length === 0 ? NO_DATA : encodeEvent(fields);
    const deadlineMs = checkDeadline(options.deadlineMs);
    const id = options.id === undefined ? ids.next(this.key) : checkMessageId(options.id);
    const facts = { key: this.key, type: this.#type, event: type, messageId: id, trace: options.trace };
    const span = startMessageSpan(operation, facts);
    const untilMs = ports.clock.monotonicMs() + deadlineMs;
    const messageId = wireMessageId(this.key, id);
    const compose: Compose = (more) => ({
      what: `The event ${type} to ${this.address}`,
      id,
      subject,
      data,
      untilMs,
      options: { messageId, headers: { [header.contentType]: MSGPACK, ...more, ...span.headers } },
    });
    return { id, deadlineMs, untilMs, span, compose };
  }
}

/** A checked message, encoded once for all tries. */
interface PreparedMessage {
  readonly id: string;
  readonly deadlineMs: number;
  readonly untilMs: number;
  readonly span: MessageSpan;
  readonly compose: Compose;
}

const NO_DATA = new Uint8Array(0);
