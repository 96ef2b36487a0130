/**
 * Messages that stand outside of their mailbox: dead letters, and those that are held for an agent which
 * cannot run. Looked at page by page, without a consumer and without waking anybody.
 */
import {
  type Address,
  type AgentKey,
  type Headers,
  type Layout,
  type ParkedMessage,
  type RuntimeKind,
  STRAY_KEY,
  WakebusError,
  addressOf,
  checkAgentType,
  decode,
  decodeEventName,
  decodePayload,
  header,
  isCanonicalKey,
  parseAddress,
  readEnvelope,
} from '@wakebus/protocol';
import { readLimit, readStart } from './page-options.ts';
import type { LogMessage, LogPort } from './ports.ts';

/** What a message was to be: an event from outside, something of the runtime's, or addressed to nobody. */
export type ParkedForm = 'event' | RuntimeKind | 'stray';

/** A message that was given up, or that stands aside. Times are milliseconds since the epoch. */
export interface ParkedSummary {
  /** Names it among the dead letters, or among the held messages. */
  readonly id: number;
  readonly address: Address;
  readonly key: AgentKey;
  readonly what: ParkedForm;
  /** Name of the event, where it is one, from outside or from another agent. */
  readonly event?: string;
  /** The agent that sent it. */
  readonly from?: Address;
  /** Why: an error code, and its message. */
  readonly code: string;
  readonly message: string;
  /** How often it was tried. */
  readonly attempts: number;
  readonly atMs: number;
  /** Its sequence in the inbox. */
  readonly seq: number;
  readonly sizeBytes: number;
}

/** All of one message. */
export interface ParkedDetail extends ParkedSummary {
  /** What it carries, decoded; `undefined` where it cannot be read. */
  readonly payload: unknown;
  /** As it came. */
  readonly headers: Headers;
}

/** Which messages to list. */
export interface ParkedOptions {
  /** Only of agents of this type. @default all */
  readonly type?: string;
  /** Only of this agent: `<type>/<id>`. @default all */
  readonly agent?: string;
  /** Only those that were given up with this error code. @default all */
  readonly code?: string;
  /** Messages a page, 1 to 1,000. @default 100 – a screen or two */
  readonly pageSize?: number;
  /** From the page before. @default the beginning */
  readonly cursor?: string;
}

/** One page, oldest first. It may hold fewer than asked for, even none; without a cursor there are no more. */
export interface ParkedPage {
  readonly messages: readonly ParkedSummary[];
  readonly cursor?: string;
}

/** Messages read for one page at most: a rare code among many letters is found in steps of this size. */
const MOST_READ = 10_000;
/** Messages asked for at once. */
const READ_AT_ONCE = 256;

/** Where messages stand, and how their subjects are written. */
export interface ParkedPlace {
  readonly log: LogPort;
  readonly layout: Layout;
  readonly subjectOf: (key: AgentKey | '>') => string;
  /** For error messages: "dead letters". */
  readonly name: string;
}

/** Lists one page. @throws {WakebusError} `INVALID_OPTION`, `INVALID_ADDRESS`, `UNAVAILABLE`. */
export async function listParked(place: ParkedPlace, options: ParkedOptions): Promise<ParkedPage> {
  const limit = readLimit(options.pageSize);
  const filter = place.subjectOf(filterOf(options));
  const messages: ParkedSummary[] = [];
  let after = readStart(options.cursor);
  for (let read = 0; read < MOST_READ;) {
    const page = await place.log.read(filter, after + 1, Math.min(limit, READ_AT_ONCE));
    if (page.length === 0) return { messages };
    for (const stored of page) {
      read += 1;
      after = stored.seq;
      const summary = summarize(place.layout, stored.seq, decode(stored.data) as ParkedMessage);
      const isWanted = options.code === undefined || summary.code === options.code;
      if (isWanted && messages.push(summary) === limit) return { messages, cursor: String(after) };
    }
  }
  return { messages, cursor: String(after) };
}

function filterOf({ agent, type }: ParkedOptions): AgentKey | '>' {
  if (agent !== undefined) return parseAddress(agent);
  return type === undefined ? '>' : (`${checkAgentType(type)}.*` as AgentKey);
}

/** A message as it was stored. @throws {WakebusError} `PARKED_NOT_FOUND`, `UNAVAILABLE`. */
export async function readParked(place: ParkedPlace, id: number): Promise<ParkedMessage> {
  const stored = await storedAt(place, id);
  if (stored === undefined) throw new WakebusError('PARKED_NOT_FOUND', { id, where: place.name });
  return decode(stored.data) as ParkedMessage;
}

/** The server refuses to look for what cannot be a sequence. */
function storedAt({ log }: ParkedPlace, id: number): Promise<LogMessage | undefined> {
  if (Number.isSafeInteger(id) && id > 0) return log.get(id);
  throw new WakebusError('INVALID_OPTION', { option: 'id', why: 'write the whole number that a list shows' });
}

/** All of one message, decoded. */
export function detail({ layout }: ParkedPlace, id: number, parked: ParkedMessage): ParkedDetail {
  return { ...summarize(layout, id, parked), payload: payloadOf(layout, parked), headers: parked.headers };
}

function summarize(layout: Layout, id: number, parked: ParkedMessage): ParkedSummary {
  const { seq, code, message, attempts, atMs, data } = parked;
  const key = parked.key as AgentKey;
  return {
    id,
    address: addressOf(key),
    key,
    ...partsOf(layout, parked),
    code,
    message,
    attempts,
    atMs,
    seq,
    sizeBytes: data.length,
  };
}

function partsOf(
  layout: Layout,
  { key, subject, data }: ParkedMessage,
): Pick<ParkedSummary, 'what' | 'event' | 'from'> {
  const read = key === STRAY_KEY ? undefined : layout.readInboxSubject(subject);
  if (read === undefined) return { what: 'stray' };
  if (read.kind === 'event') return { what: 'event', event: decodeEventName(read.event) ?? read.event };
  if (read.kind !== 'message') return { what: read.kind };
  const { sender, event } = envelopeOf(data) as { sender?: AgentKey; event?: { type?: string } };
  return {
    what: 'message',
    ...(event?.type !== undefined && { event: event.type }),
    ...(sender !== undefined && isCanonicalKey(sender) && { from: addressOf(sender) }),
  };
}

/** What a message carries that is not from outside; nothing where it cannot be read. */
export function envelopeOf(data: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    return readEnvelope(data, {});
  } catch {
    return {};
  }
}

function payloadOf(layout: Layout, { subject, data, headers }: ParkedMessage): unknown {
  const kind = layout.readInboxSubject(subject)?.kind;
  if (kind !== undefined && kind !== 'event') return envelopeOf(data);
  try {
    return decodePayload(data, headers[header.contentType]);
  } catch {
    return undefined;
  }
}
