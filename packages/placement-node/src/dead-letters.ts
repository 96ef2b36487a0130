/**
 * Dead letters: messages that are given up, stored before the commit that passes them.
 *
 * Their ID is (agent, sequence): the crash between the two stores the same letter again, once.
 */
import type { Inbound, MailboxMessage, PendingDeadLetter } from '@wakebus/core';
import {
  type AgentKey,
  type ParkedMessage,
  WakebusError,
  addressOf,
  attribute,
  encode,
  header,
  span,
  wireMessageId,
} from '@wakebus/protocol';
import { deadLettered } from './incidents.ts';
import type { NodeContext } from './node-context.ts';
import { delay } from './ports/clock.ts';
import type { AppendOutcome, EventLog } from './ports/event-log.ts';
import type { RunningSpan } from './telemetry/running-span.ts';

/** Between two tries, in milliseconds. */
const RETRY_MS = 250;

/**
 * Stores the letters.
 *
 * @param messages - The messages of the turn that gave them up.
 * @param turn - That turn.
 * @throws {WakebusError} `UNAVAILABLE` when this node may no longer act.
 */
export async function storeDeadLetters(
  context: NodeContext,
  key: AgentKey,
  letters: readonly PendingDeadLetter[],
  messages: readonly MailboxMessage[],
  turn: RunningSpan | undefined,
): Promise<void> {
  for (const { code, message, attempts, inbound } of letters) {
    const original = messages.find(({ seq }) => seq === inbound.seq) ?? waitedOriginal(context, key, inbound);
    const parked = parkedMessage(context, key, original, { code, message, attempts });
    // Not the letter's own words: they may quote what the machine was given.
    context.log.warn(`message ${inbound.seq} of ${addressOf(key)} is given up`, {
      agent: key,
      code,
      seq: inbound.seq,
      attempts,
    });
    const running = context.telemetry.start(span.deadLetter, key, [turn?.carrier ?? original.headers]);
    running.set({ [attribute.attempt]: attempts });
    const subject = context.layout.deadLetterSubject(key);
    const stored = await storeParked(context, context.ports.deadLetters, subject, parked);
    const traceparent = running.carrier?.['traceparent'] ?? original.headers['traceparent'];
    const { storedMs } = original;
    await context.incidents.tell(deadLettered(key, { ...parked, storedMs, letter: stored.seq, traceparent }));
    running.end({ code });
  }
}

/** A message that had waited in the record, for an earlier one or at the gate: its bytes in the mailbox are long acknowledged. */
function waitedOriginal({ layout }: NodeContext, key: AgentKey, inbound: Inbound): MailboxMessage {
  const { seq, headers, storedMs } = inbound;
  if (inbound.kind !== 'event') {
    const data = inbound.kind === 'message' ? encode(inbound.message) : new Uint8Array();
    return { seq, subject: layout.runtimeSubject(key, 'message'), headers, data, storedMs };
  }
  const { type, ...payload } = inbound.event;
  // Written anew, whatever it was when it came.
  const { [header.contentType]: _was, ...others } = headers;
  return { seq, subject: layout.eventSubject(key, type), headers: others, data: encode(payload), storedMs };
}

/** A mailbox message as it is kept outside of the mailbox: payload and headers unchanged. */
export function parkedMessage(
  context: NodeContext,
  key: string,
  message: MailboxMessage,
  reason: Pick<ParkedMessage, 'code' | 'message' | 'attempts'>,
): ParkedMessage {
  const { seq, subject, headers, data } = message;
  return { v: 1, key, seq, subject, headers, data, atMs: context.ports.clock.wallMs(), ...reason };
}

/**
 * Appends a parked message until it is stored.
 *
 * @param messageId - Under which it is stored once. @default (agent, sequence)
 * @throws {WakebusError} `UNAVAILABLE` when this node may no longer act.
 */
export async function storeParked(
  context: NodeContext,
  log: EventLog,
  subject: string,
  parked: ParkedMessage,
  messageId: string = wireMessageId(parked.key, String(parked.seq)),
): Promise<Extract<AppendOutcome, { kind: 'stored' }>> {
  while (context.membership.mayAct()) {
    const outcome = await log.append(subject, encode(parked), { messageId });
    if (outcome.kind === 'stored') return outcome;
    await delay(context.ports.clock, RETRY_MS);
  }
  throw new WakebusError('UNAVAILABLE', { what: 'The lease of this placement node' });
}
