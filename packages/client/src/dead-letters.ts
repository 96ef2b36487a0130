/**
 * Dead letters: messages that were given up, to look at, to send again, or to throw away.
 *
 * A replay is a new event to the agent, which counts the old one as processed. Its ID is made of the
 * letter's place in the inbox: replayed twice, by whomever, it is one event for as long as the agent
 * remembers. It carries the letter's trace on.
 */
import {
  type AgentEvent,
  type AgentKey,
  type Headers,
  MSGPACK,
  type ParkedMessage,
  WakebusError,
  addressOf,
  decodeEventName,
  encodeEvent,
  header,
  isReservedEvent,
  splitKey,
  wireMessageId,
} from '@wakebus/protocol';
import { type AuditedAction, audited, checked } from './audit.ts';
import { type ClientContext, checkDeadline } from './client-context.ts';
import type { OperatorOptions } from './control.ts';
import {
  type ParkedDetail,
  type ParkedOptions,
  type ParkedPage,
  type ParkedPlace,
  detail,
  envelopeOf,
  listParked,
  readParked,
} from './parked.ts';
import type { SendReceipt } from './agent-handle.ts';
import { endWith, startMessageSpan } from './tracing.ts';

/** An event to be sent again. */
interface Replay {
  readonly event: string;
  readonly data: Uint8Array;
  readonly contentType: string | undefined;
}

/** What {@link Client.deadLetters} offers. */
export class DeadLetters {
  readonly #context: ClientContext;
  readonly #place: ParkedPlace;

  constructor(context: ClientContext) {
    this.#context = context;
    const { deadLetters: log, layout } = context.ports;
    this.#place = { log, layout, subjectOf: (key) => layout.deadLetterSubject(key), name: 'dead letters' };
  }

  /** Lists letters, oldest first, page by page. @throws {WakebusError} `INVALID_OPTION`, `INVALID_ADDRESS`, `UNAVAILABLE`. */
  list(options: ParkedOptions = {}): Promise<ParkedPage> {
    return listParked(this.#place, options);
  }

  /** One letter with its payload and headers. @throws {WakebusError} `PARKED_NOT_FOUND`, `INVALID_OPTION`, `UNAVAILABLE`. */
  async get(id: number): Promise<ParkedDetail> {
    return detail(this.#place, id, await readParked(this.#place, id));
  }

  /**
   * Sends a letter to its agent again, as a new event, and takes it out of the dead letters. Nobody waits for
   * its answer any more. What another agent had sent comes as an event from outside.
   *
   * @throws {WakebusError} `PARKED_NOT_FOUND`; `NOT_REPLAYABLE` for what is no event; `INBOX_FULL`, `UNAVAILABLE`,
   * `OUTCOME_UNKNOWN`: the letter is still there, and may be replayed again.
   */
  async replay(id: number, options: OperatorOptions = {}): Promise<SendReceipt> {
    const parked = await readParked(this.#place, id);
    const key = parked.key as AgentKey;
    const { ports } = this.#context;
    const what = this.#actionOn(id, 'replay', parked, options);
    const replay = await checked(ports, what, () => this.#replayOf(id, parked));
    return audited(ports, what, async () => {
      const receipt = await this.#publish(key, parked, replay, options);
      await this.#place.log.remove?.(id);
      return receipt;
    });
  }

  /** Throws a letter away for good. @throws {WakebusError} `PARKED_NOT_FOUND`, `INVALID_OPTION`, `UNAVAILABLE`. */
  async discard(id: number, options: OperatorOptions = {}): Promise<void> {
    const parked = await readParked(this.#place, id);
    await audited(this.#context.ports, this.#actionOn(id, 'discard', parked, options), async () => {
      if ((await this.#place.log.remove?.(id)) !== true)
        throw new WakebusError('PARKED_NOT_FOUND', { id, where: this.#place.name });
    });
  }

  #actionOn(
    id: number,
    action: 'replay' | 'discard',
    { key, seq, code }: ParkedMessage,
    { reason, by = this.#context.operator }: OperatorOptions,
  ): AuditedAction {
    return { action, target: { key: key as AgentKey }, by, reason, facts: { letter: id, seq, code } };
  }

  #replayOf(id: number, parked: ParkedMessage): Replay {
    const { subject, data, headers, key } = parked;
    const refused = (why: string): WakebusError =>
      new WakebusError('NOT_REPLAYABLE', { id, address: addressOf(key as AgentKey), why });
    const read = this.#context.ports.layout.readInboxSubject(subject);
    if (read === undefined || read.key !== key) throw refused('it was sent to no agent');
    const replay =
      read.kind === 'event'
        ? { event: decodeEventName(read.event) ?? '', data, contentType: headers[header.contentType] }
        : read.kind === 'message'
          ? ofAgentMessage(data)
          : undefined;
    if (replay === undefined) throw refused(`it is no event, but a ${read.kind}`);
    if (replay.event === '' || isReservedEvent(replay.event))
      throw refused('its event has a name that nobody may send');
    return replay;
  }

  async #publish(
    key: AgentKey,
    { seq, headers }: ParkedMessage,
    { event, data, contentType }: Replay,
    options: OperatorOptions,
  ): Promise<SendReceipt> {
    const { layout, clock } = this.#context.ports;
    const id = `replay-${seq}`;
    const subject = layout.eventSubject(key, event);
    const untilMs = clock.monotonicMs() + checkDeadline(options.deadlineMs);
    const span = startMessageSpan('send', { key, type: splitKey(key).type, event, messageId: id, trace: headers });
    const content: Headers = contentType === undefined ? {} : { [header.contentType]: contentType };
    const stored = this.#context.publish(this.#context.targetOf(key), {
      what: `The event ${event} to ${addressOf(key)}`,
      id,
      subject,
      data,
      untilMs,
      options: { messageId: wireMessageId(key, id), headers: { ...content, ...span.headers } },
    });
    const { seq: storedSeq, duplicate } = await endWith(span, stored);
    return { messageId: id, seq: storedSeq, duplicate };
  }
}

function ofAgentMessage(data: Uint8Array): Replay | undefined {
  const event = envelopeOf(data)['event'] as AgentEvent | undefined;
  if (typeof event?.type !== 'string') return undefined;
  const { type, ...fields } = event;
  return { event: type, data: encodeEvent(fields), contentType: MSGPACK };
}
