/**
 * A message as the server keeps it: the headers that its publisher and the server itself wrote, and the
 * bytes that it counts against the limits of its stream.
 */
import type { AppendOptions } from '@wakebus/placement-node';
import type { Headers } from '@wakebus/protocol';

/** What a stored message takes beside its parts, in bytes: lengths, sequence, time stamp, checksum. */
const OVERHEAD_BYTES = 30;
const HEADER_LENGTH_BYTES = 4;
/** `NATS/1.0`, and the empty line at the end. */
const HEADER_FRAME_BYTES = 12;
/** `: ` and the line break of each header. */
const HEADER_LINE_BYTES = 4;

const NO_HEADERS: Headers = Object.freeze({});

/** The headers of an append, as they are stored: expectations, IDs and schedules stay in the message. */
export function storedHeaders({ expectedSubjectSeq, messageId, headers, schedule }: AppendOptions): Headers {
  if (expectedSubjectSeq === undefined && messageId === undefined && schedule === undefined)
    return headers ?? NO_HEADERS;
  return {
    ...(expectedSubjectSeq !== undefined && { 'Nats-Expected-Last-Subject-Sequence': String(expectedSubjectSeq) }),
    ...(messageId !== undefined && { 'Nats-Msg-Id': messageId }),
    ...headers,
    ...(schedule !== undefined && scheduleHeaders(schedule)),
  };
}

/** The server adds `Nats-Rollup` by itself: that is how a schedule takes the place of the one before. */
function scheduleHeaders({ atMs, target, ttlMs }: NonNullable<AppendOptions['schedule']>): Headers {
  return {
    'Nats-Schedule': `@at ${new Date(atMs).toISOString()}`,
    'Nats-Schedule-Target': target,
    'Nats-Schedule-TTL': ttlHeader(ttlMs),
    'Nats-Rollup': 'sub',
  };
}

/** A time to live in the server's notation. */
export function ttlHeader(ttlMs: number): string {
  return `${Math.max(1, Math.round(ttlMs / 1000))}s`;
}

/** Bytes of a header block. */
export function headerBytes(headers: Headers): number {
  let bytes = 0;
  for (const name in headers)
    bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name] as string) + HEADER_LINE_BYTES;
  return bytes === 0 ? 0 : bytes + HEADER_FRAME_BYTES;
}

/** Bytes of a message that count against the limits of its stream. */
export function storedBytes(subject: string, headers: Headers, data: Uint8Array): number {
  const block = headerBytes(headers);
  return OVERHEAD_BYTES + subject.length + data.length + (block === 0 ? 0 : block + HEADER_LENGTH_BYTES);
}
