/**
 * Headers on the wire: written straight into bytes, and read back into a plain map.
 *
 * The client's own header class canonicalizes and copies every name; on a commit path that sends one
 * or two short headers it costs more than the rest of the publish.
 */
import type { MsgHdrs } from '@nats-io/transport-node';
import type { Headers } from '@wakebus/protocol';

/** Headers that the server reads, and the one that it writes into a message which a stream fetched from another. */
export const natsHeader = {
  expectedSubjectSeq: 'Nats-Expected-Last-Subject-Sequence',
  ttl: 'Nats-TTL',
  /** `sub`: the message takes the place of all others under its subject. */
  rollup: 'Nats-Rollup',
  schedule: 'Nats-Schedule',
  scheduleTarget: 'Nats-Schedule-Target',
  scheduleTtl: 'Nats-Schedule-TTL',
  source: 'Nats-Stream-Source',
} as const;

/** Headers that the server adds to what a direct get returns. The message itself never had them. */
const addedByReads: ReadonlySet<string> = new Set([
  'Nats-Stream',
  'Nats-Subject',
  'Nats-Sequence',
  'Nats-Time-Stamp',
  'Nats-Num-Pending',
  'Nats-Last-Sequence',
  'Nats-UpTo-Sequence',
]);

const VERSION_LINE = 'NATS/1.0';
const NO_HEADERS: Headers = Object.freeze({});
const BREAKS = /[\r\n]/;
const BAD_NAME = /[\r\n:]/;

/** Lines of a header block, collected before they are encoded once. */
export class HeaderLines {
  #text = VERSION_LINE;

  /** Adds a header. Line breaks become spaces, so that a value from outside cannot start a header of its own. */
  add(name: string, value: string | number): this {
    const safe = typeof value === 'string' && BREAKS.test(value) ? value.replaceAll(/[\r\n]+/g, ' ') : value;
    this.#text += `\r\n${name}: ${safe}`;
    return this;
  }

  addAll(headers: Headers): this {
    for (const name in headers) {
      this.add(BAD_NAME.test(name) ? name.replaceAll(/[\r\n:]+/g, '-') : name, headers[name] as string);
    }
    return this;
  }

  /** What the client's `publish` takes: of its header class it calls nothing but `encode`. */
  toWire(): MsgHdrs | undefined {
    if (this.#text.length === VERSION_LINE.length) return undefined;
    // Out of Node.js's pool: an allocation for each block would cost more than its text.
    const bytes = Buffer.from(`${this.#text}\r\n\r\n`);
    return { encode: () => bytes } as unknown as MsgHdrs;
  }
}

/** A header block, read. */
export interface HeaderBlock {
  /** The status code of the first line, 0 where it has none. */
  readonly status: number;
  /** Text after the status code. */
  readonly description: string;
  /** Where a name occurs twice the last one counts: the server appends its own behind what a publisher may have forged. */
  readonly headers: Headers;
}

/** The block of a message without headers. */
export const noHeaderBlock: HeaderBlock = { status: 0, description: '', headers: NO_HEADERS };

/** Reads a header block from its text. */
export function parseHeaderBlock(text: string): HeaderBlock {
  let end = text.indexOf('\r\n');
  const first = text.slice(VERSION_LINE.length, end).trim();
  const headers: Record<string, string> = {};
  for (let start = end + 2; (end = text.indexOf('\r\n', start)) > start; start = end + 2) {
    const colon = text.indexOf(':', start);
    if (colon > start && colon < end) headers[text.slice(start, colon)] = text.slice(colon + 1, end).trim();
  }
  return { status: first === '' ? 0 : Number.parseInt(first, 10), description: first.slice(4), headers };
}

/** The headers that a message was stored with, out of those that a direct get returned. */
export function withoutReadHeaders(headers: Headers): Headers {
  const own: Record<string, string> = {};
  let any = false;
  for (const name in headers) {
    if (addedByReads.has(name)) continue;
    own[name] = headers[name] as string;
    any = true;
  }
  return any ? own : NO_HEADERS;
}
