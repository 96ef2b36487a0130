/**
 * The door: events that an agent's gate refuses for what they are, before anything of the agent is read.
 *
 * Only for agents that are not in memory here, and only events from outside: a message between agents has
 * its number in a chain, which the record must learn of. The turn asks the same rules again, so that an event
 * which another node took from the mailbox meanwhile was let in by the same gate.
 */
import {
  type AnyAgentDefinition,
  type Inbound,
  type MailboxMessage,
  gateEvent,
  hasDoor,
  judgeAtDoor,
  readInbound,
} from '@wakebus/core';
import {
  type AgentKey,
  type HistoryEntry,
  type ReplyBody,
  addressOf,
  encode,
  errorJson,
  splitKey,
} from '@wakebus/protocol';
import type { Mailbox } from '../mailbox.ts';
import { type NodeContext, inboxOf } from '../node-context.ts';
import type { Delivery } from '../ports/event-log.ts';
import { noteAtDoor } from '../telemetry/gate-span.ts';

/** A message with what acknowledges its delivery. */
type Delivered = MailboxMessage & Pick<Delivery, 'ackToken'>;

/** An event that is refused, and why. */
interface Refusal {
  readonly inbound: Extract<Inbound, { kind: 'event' }>;
  readonly rule: string;
  readonly reason: string;
}

/** Turns an event away, if its agent's gate says so. @returns whether it has. */
export function turnAway(context: NodeContext, key: AgentKey, delivery: Delivered): boolean {
  const definition = context.definitions.get(splitKey(key).type);
  const refusal = definition === undefined ? undefined : refusalOf(context, key, definition, delivery);
  if (refusal === undefined) return false;
  const { type } = splitKey(key);
  context.telemetry.gated.add(1, { type, rule: refusal.rule, verdict: 'drop', source: 'event' });
  answer(context, key, refusal);
  const entry = entryOf(context, refusal);
  for (const event of entry.events) noteAtDoor(context, key, event, refusal.inbound.headers);
  const written = context.history?.write(key, entry) ?? Promise.resolve();
  void written.then(() => inboxOf(context, key).ack(delivery.ackToken));
  return true;
}

/**
 * The message by which a new agent may be born: the first that the door lets in. A refused one may be gone
 * before the record is written, and its birth would then look like a lost record.
 */
export function birthSeq(
  context: NodeContext,
  key: AgentKey,
  definition: AnyAgentDefinition,
  messages: readonly MailboxMessage[],
): number | undefined {
  return messages.find((message) => refusalOf(context, key, definition, message) === undefined)?.seq;
}

/** Turns away everything that is in hand of an agent for which nothing else has come. What is not in hand comes again. */
export function turnAllAway(context: NodeContext, key: AgentKey, mailbox: Mailbox): void {
  const messages = new Map(mailbox.peek(Number.MAX_SAFE_INTEGER).map((message) => [message.seq, message]));
  for (const { seq, ackToken } of mailbox.takeDoorbells(Number.MAX_SAFE_INTEGER)) {
    const message = messages.get(seq);
    if (message === undefined || !turnAway(context, key, { ...message, ackToken }))
      inboxOf(context, key).nak(ackToken, 0);
  }
}

function refusalOf(
  { layout }: NodeContext,
  key: AgentKey,
  { gate }: AnyAgentDefinition,
  message: MailboxMessage,
): Refusal | undefined {
  if (!hasDoor(gate) || layout.readInboxSubject(message.subject)?.kind !== 'event') return undefined;
  const inbound = readInbound(layout, key, message);
  if (inbound.kind !== 'event') return undefined;
  const refusal = judgeAtDoor(gate, gateEvent(inbound));
  return refusal === undefined ? undefined : { inbound, ...refusal };
}

function answer({ ports }: NodeContext, key: AgentKey, { inbound: { event, reply }, rule, reason }: Refusal): void {
  if (reply === undefined) return;
  const facts = { address: addressOf(key), event: event.type, rule, reason };
  const body: ReplyBody = { ok: false, error: errorJson('EVENT_GATED', facts) };
  ports.messenger.publish(reply.subject, encode(body));
}

/** What history says of it. Turn 0: there was none, and nothing of the agent was read. */
function entryOf({ nodeId, ports }: NodeContext, { inbound, rule, reason }: Refusal): HistoryEntry {
  const { seq, event, messageId } = inbound;
  const gate = { rule, verdict: 'drop', reason } as const;
  return {
    v: 1,
    commit: `gate.${seq}`,
    turn: 0,
    node: nodeId,
    epoch: 0,
    atMs: ports.clock.wallMs(),
    lifecycle: 'asleep',
    events: [{ seq, type: event.type, ...(messageId !== undefined && { id: messageId }), gate }],
    state: undefined,
    outputs: [`drop by gate ${rule}`],
  };
}
