/**
 * Agents that cannot run now: their mailbox moves to `held`, in order, so that it neither fills the
 * inbox nor keeps deliveries open. When they run again, `held` is drained before the mailbox.
 */
import { type MailboxMessage, isRunnable } from '@wakebus/core';
import {
  type AgentKey,
  type AgentRecord,
  type ParkedMessage,
  WakebusError,
  addressOf,
  decode,
  wireMessageId,
} from '@wakebus/protocol';
import type { Activation } from './activation.ts';
import { parkedMessage, storeParked } from './dead-letters.ts';
import type { Mailbox } from './mailbox.ts';
import { type NodeContext, inboxOf } from './node-context.ts';
import type { StoredMessage } from './ports/event-log.ts';

/** Held messages read at once. */
const READ_LIMIT = 256;
/** What waits for an agent that takes none is offered again after so long, in milliseconds. */
const STANDING_AGAIN_MS = 5_000;
/** The longest that it takes where a placement node cannot even wake the agent, in milliseconds. */
const REFUSED_AGAIN_MOST_MS = 60_000;

/**
 * When a message is offered again whose agent this node cannot wake, in milliseconds: later each time. Only
 * another node or an operator will change that; one that joins looks by itself, and so does whoever gets the
 * agent's next message. 50,000 messages that come every 5 s cost a third of a core, for ever.
 */
export function refusedAgainMs(deliveries: number): number {
  return Math.min(STANDING_AGAIN_MS * 2 ** (deliveries - 1), REFUSED_AGAIN_MOST_MS);
}

/** When what is left should be offered again: at the next try of a failing event, later for an agent that takes none. */
export function offeredAgainMs(record: AgentRecord, nowMs: number): number {
  return isRunnable(record) ? Math.max(0, (record.attempt?.retryMs ?? 0) - nowMs) : STANDING_AGAIN_MS;
}

/** Suspends an agent whose turn cannot be stored. @returns `false` when the commit was lost. */
export function suspend(context: NodeContext, activation: Activation, error: WakebusError): Promise<boolean> {
  return standAside(context, activation, 'suspended', error);
}

/** The agent must not go on: what its record names outside of itself is gone or damaged. @returns whether it was not lost. */
export function quarantine(context: NodeContext, activation: Activation, error: WakebusError): Promise<boolean> {
  return standAside(context, activation, 'quarantined', error);
}

function standAside(
  context: NodeContext,
  activation: Activation,
  name: 'suspended' | 'quarantined',
  error: WakebusError,
): Promise<boolean> {
  const { code, message } = error;
  context.log.warn(message, { agent: activation.key, code });
  return activation.stand({ lifecycle: { name, sinceMs: context.ports.clock.wallMs(), code, message } });
}

/** Whether an agent may take no events now: it is not runnable, or its next message has failed and waits. */
export function mayStandStill(record: AgentRecord): boolean {
  return record.attempt !== undefined || !isRunnable(record);
}

/**
 * What a session does while its agent takes no events: past the limits the mailbox moves to `held`.
 *
 * @returns `false` when the commit that passes the moved messages was lost.
 */
export async function standStill(context: NodeContext, activation: Activation, mailbox: Mailbox): Promise<boolean> {
  const { limits, ports } = context;
  const sinceMs = ports.clock.wallMs() - activation.record.lifecycle.sinceMs;
  const many = Math.max(mailbox.length, mailbox.doorbells.length) >= limits.holdAfterMessages;
  if (mailbox.length === 0) return true;
  // What an operator asks for must be heard: it cannot overtake what stands before it, so that moves aside.
  if (sinceMs >= limits.holdAfterMs || many || (await isAsked(context, activation, mailbox)))
    return moveAside(context, activation, mailbox);
  return true;
}

/** Whether a control message waits, be it behind what one read gives. */
async function isAsked(context: NodeContext, activation: Activation, mailbox: Mailbox): Promise<boolean> {
  if (mailbox.peek(READ_LIMIT).some(isControl)) return true;
  if (mailbox.length < READ_LIMIT) return false;
  const { key, record } = activation;
  const last = await inboxOf(context, key).last(context.layout.runtimeSubject(key, 'control'));
  return last !== undefined && last.seq > record.cursor;
}

/** Whether an agent takes no events, or waits for its next try, and what comes first is not one. */
export function hearsControl(record: AgentRecord, mailbox: Mailbox): boolean {
  const [head] = mailbox.peek(1);
  return head !== undefined && mayStandStill(record) && isControl(head);
}

/** Whether what stands aside is to leave it: to be processed, or thrown away. */
export function mustDrain(record: AgentRecord): boolean {
  return record.held !== undefined && (record.held.clear === true || isRunnable(record));
}

/** Nobody has died of a message that is new to everybody, is thrown away, or only asks something of the runtime. */
export function mayHaveKilled(
  record: AgentRecord,
  mailbox: Mailbox,
  head: MailboxMessage | undefined,
  fromHeld: boolean,
): head is MailboxMessage {
  if (head === undefined || mailbox.isFresh(head.seq) || (fromHeld && record.held?.clear === true)) return false;
  return !(mayStandStill(record) && isControl(head));
}

/** Whether a message is one to the runtime about the agent, not one to the agent. */
function isControl(message: MailboxMessage): boolean {
  return message.subject.endsWith('.s.control');
}

async function moveAside(context: NodeContext, activation: Activation, mailbox: Mailbox): Promise<boolean> {
  const { record } = activation;
  const inHand = mailbox.peek(READ_LIMIT);
  const firstControl = inHand.findIndex(isControl);
  const messages = firstControl < 0 ? inHand : inHand.slice(0, firstControl);
  const last = messages.at(-1);
  if (last === undefined) return true;
  const reason = {
    code: record.lifecycle.code ?? 'HELD',
    message: record.lifecycle.message ?? record.lifecycle.name,
    attempts: record.attempt?.count ?? 0,
  };
  for (const message of messages) {
    await storeParked(
      context,
      context.ports.held,
      context.layout.heldSubject(activation.key),
      parkedMessage(context, activation.key, message, reason),
    );
  }
  const held = { cursor: record.cursor, ...record.held, upTo: last.seq };
  // The latest time, and not the last one: servers that led one after the other may have clocks that differ.
  const cursorMs = Math.max(record.cursorMs, ...messages.map(({ storedMs }) => storedMs));
  if (!(await activation.stand({ cursor: last.seq, cursorMs, held }))) return false;
  mailbox.advance(last.seq);
  const { handOver } = activation;
  mailbox.acknowledge(last.seq, handOver.needsWitness, (seq) => handOver.isDone(seq));
  await mailbox.fill();
  return mailbox.length === 0 || firstControl >= 0 ? true : moveAside(context, activation, mailbox);
}

/** Held messages, and where in the stream they begin: what stands before that has been drained. */
interface HeldPage {
  readonly messages: readonly MailboxMessage[];
  readonly fromSeq: number;
}

/**
 * The next held messages of an agent, as they stood in its mailbox.
 *
 * @param fromSeq - Of the page before, so that a long drain does not read everything again for each turn.
 * @throws {WakebusError} `UNAVAILABLE`, also when the record says that there are some and none is found.
 */
export async function readHeld(
  context: NodeContext,
  key: AgentKey,
  record: AgentRecord,
  fromSeq: number,
): Promise<HeldPage> {
  const { cursor = 0, upTo = 0 } = record.held ?? {};
  for (let next = fromSeq; ;) {
    const stored = await context.ports.held.read(context.layout.heldSubject(key), next, READ_LIMIT);
    const messages = stored.map(unpark);
    const first = messages.findIndex(({ seq }) => seq > cursor && seq <= upTo);
    const at = stored[first]?.seq;
    if (at !== undefined)
      return { messages: messages.slice(first).filter(({ seq }) => seq > cursor && seq <= upTo), fromSeq: at };
    const last = stored.at(-1);
    if (last === undefined) throw new WakebusError('UNAVAILABLE', { what: `The held messages of ${addressOf(key)}` });
    next = last.seq + 1;
  }
}

function unpark({ data, storedMs }: StoredMessage): MailboxMessage {
  const parked = decode(data) as ParkedMessage;
  return { seq: parked.seq, subject: parked.subject, headers: parked.headers, data: parked.data, storedMs };
}

/**
 * Puts what the runtime itself needs back into the mailbox, before the commit that throws the rest away: timers
 * and results of effects are known by their generations when they come twice.
 *
 * @throws {WakebusError} `UNAVAILABLE`: nothing may be thrown away yet.
 */
export async function keepRuntimeMessages(
  context: NodeContext,
  key: AgentKey,
  messages: readonly MailboxMessage[],
): Promise<void> {
  const inbox = inboxOf(context, key);
  for (const { seq, subject, headers, data } of messages) {
    const kind = context.layout.readInboxSubject(subject)?.kind;
    if (kind !== 'timer' && kind !== 'effect') continue;
    const own = Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('Nats-')));
    const outcome = await inbox.append(subject, data, { headers: own, messageId: wireMessageId(key, `again-${seq}`) });
    if (outcome.kind !== 'stored') throw new WakebusError('UNAVAILABLE', { what: `The inbox of ${addressOf(key)}` });
  }
}
