/**
 * Reading one mailbox message: what it asks of the agent, checked before any machine sees it.
 *
 * Sender, number, generation and attempt are believed only on runtime subjects. A message that cannot be read
 * becomes `invalid` with a typed error, never an exception: it goes to the dead letters, and the
 * mailbox goes on.
 */
import {
  type AgentEvent,
  type AgentKey,
  type AgentMessage,
  type ControlMessage,
  type EffectResult,
  type Headers,
  type Layout,
  type TimerFire,
  WakebusError,
  callerMessageId,
  decodeEventName,
  decodePayload,
  header,
  isWakebusError,
  readAgentMessage,
  readControl,
  readEffectResult,
  readTimerFire,
} from '@wakebus/protocol';
import { isReserved } from '../event-check.ts';

/** Who waits for an answer, and until when (milliseconds since the epoch). */
export interface ReplyAddress {
  readonly subject: string;
  readonly deadlineMs: number;
}

interface InboundBase {
  readonly seq: number;
  readonly headers: Headers;
  readonly sizeBytes: number;
  readonly storedMs: number;
  /** The caller's own message ID, without the address that our clients put before it. */
  readonly messageId?: string;
  readonly reply?: ReplyAddress;
}

/** One mailbox message, read. */
export type Inbound =
  | (InboundBase & { readonly kind: 'event'; readonly event: AgentEvent })
  | (InboundBase & { readonly kind: 'message'; readonly message: AgentMessage })
  | (InboundBase & { readonly kind: 'timer'; readonly fire: TimerFire })
  | (InboundBase & { readonly kind: 'effect'; readonly result: EffectResult })
  | (InboundBase & { readonly kind: 'control'; readonly control: ControlMessage })
  | (InboundBase & { readonly kind: 'invalid'; readonly error: WakebusError });

/** Inbound messages of one kind. */
export type InboundOf<K extends Inbound['kind']> = Extract<Inbound, { kind: K }>;

/** The event that a message brings, where it is one. */
export function eventIn(inbound: InboundOf<'event' | 'message'>): AgentEvent;
export function eventIn(inbound: Inbound): AgentEvent | undefined;
export function eventIn(inbound: Inbound): AgentEvent | undefined {
  if (inbound.kind === 'message') return inbound.message.event;
  return inbound.kind === 'event' ? inbound.event : undefined;
}

/** What of a stored message is read here. */
export interface MailboxMessage {
  readonly seq: number;
  readonly subject: string;
  readonly headers: Headers;
  readonly data: Uint8Array;
  readonly storedMs: number;
}

/** A call without a deadline of its own is answered for so long, in milliseconds: the clients' default. */
const DEFAULT_DEADLINE_MS = 30_000;

/** Reads a message of the mailbox of `key`. */
export function readInbound(layout: Layout, key: AgentKey, message: MailboxMessage): Inbound {
  const base = readBase(key, message);
  try {
    return readBody(layout, base, message);
  } catch (thrown) {
    if (isWakebusError(thrown)) return { ...base, kind: 'invalid', error: thrown };
    throw thrown;
  }
}

function readBase(key: AgentKey, message: MailboxMessage): InboundBase {
  const { headers } = message;
  const wireId = headers[header.messageId];
  const subject = headers[header.reply];
  return {
    seq: message.seq,
    headers,
    sizeBytes: message.data.length,
    storedMs: message.storedMs,
    ...(wireId !== undefined && { messageId: callerMessageId(key, wireId) }),
    ...(subject !== undefined &&
      isPlainSubject(subject) && { reply: { subject, deadlineMs: deadlineOf(headers, message.storedMs) } }),
  };
}

function readBody(layout: Layout, base: InboundBase, message: MailboxMessage): Inbound {
  const read = layout.readInboxSubject(message.subject);
  switch (read?.kind) {
    case 'event':
      return { ...base, kind: 'event', event: readEvent(read.event, message) };
    case 'message':
      return { ...base, kind: 'message', message: readAgentMessage(message.data) };
    case 'timer':
      return { ...base, kind: 'timer', fire: readTimerFire(message.data) };
    case 'effect':
      return { ...base, kind: 'effect', result: readEffectResult(message.data) };
    case 'control':
      return { ...base, kind: 'control', control: readControl(message.data) };
    default:
      throw new WakebusError('INVALID_EVENT', {
        event: message.subject,
        why: 'its subject is none that this version knows',
      });
  }
}

function readEvent(tokens: string, message: MailboxMessage): AgentEvent {
  const type = decodeEventName(tokens);
  if (type === undefined)
    throw new WakebusError('INVALID_EVENT', { event: tokens, why: 'its name is not escaped as the protocol asks' });
  if (isReserved(type)) throw new WakebusError('RESERVED_EVENT', { event: type });
  const payload = decodePayload(message.data, message.headers[header.contentType]);
  if (payload === undefined || payload === null) return { type };
  // An object's fields become the event's own; its `type` gives way to the subject, which is what was addressed.
  if (typeof payload === 'object' && !Array.isArray(payload) && !ArrayBuffer.isView(payload))
    return { ...payload, type };
  return { type, data: payload };
}

function deadlineOf(headers: Headers, storedMs: number): number {
  const given = Number(headers[header.deadline]);
  return Number.isFinite(given) && given > 0 ? given : storedMs + DEFAULT_DEADLINE_MS;
}

/** An outsider chooses this subject: it must not be a wildcard, a runtime subject or the server's own. */
function isPlainSubject(subject: string): boolean {
  return subject.startsWith('_INBOX.') && subject.length <= 256 && !/[\s*>]/.test(subject);
}
