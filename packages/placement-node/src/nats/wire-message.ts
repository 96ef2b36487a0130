/**
 * Reading what the client hands over: header block and payload of a received message.
 */
import type { Msg, MsgImpl } from '@nats-io/transport-node';
import { type HeaderBlock, noHeaderBlock, parseHeaderBlock } from './wire-headers.ts';

/**
 * A payload keeps its socket chunk (64 KB) alive. Below this share of the chunk it is copied, so that
 * a message that is kept costs at most four times its size.
 */
const LEAST_SHARE_OF_CHUNK = 4;
/** Small copies share slabs of this size, in bytes: an allocation for each would cost ten times the copy. A kept message keeps one slab. */
const SLAB_BYTES = 8 * 1024;
/** From this size on, in bytes, a copy gets memory of its own. */
const LARGE_BYTES = SLAB_BYTES / 4;

/** The header block of a message, read without the client's header class where the client allows it. */
export function readHeaders(message: Msg): HeaderBlock {
  const { _msg: args, _rdata: raw } = message as MsgImpl;
  if (args === undefined || raw === undefined) return readParsedHeaders(message);
  if (args.hdr <= 0) return noHeaderBlock;
  return parseHeaderBlock(Buffer.from(raw.buffer, raw.byteOffset, args.hdr).toString('utf8'));
}

/** The way that any client version has: its own header class. */
function readParsedHeaders(message: Msg): HeaderBlock {
  if (message.headers === undefined) return noHeaderBlock;
  const headers: Record<string, string> = {};
  for (const [name, values] of message.headers) headers[name] = values.at(-1) ?? '';
  return { status: message.headers.code, description: message.headers.description, headers };
}

/** The payload, free of what else came with it. Nobody writes into a chunk again, so a large part of one may stay where it is. */
export function ownData(message: Msg): Uint8Array {
  const { data } = message;
  if (data.byteLength * LEAST_SHARE_OF_CHUNK >= data.buffer.byteLength) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  return data.byteLength >= LARGE_BYTES ? new Uint8Array(data) : copyIntoSlab(data);
}

let slab = new ArrayBuffer(SLAB_BYTES);
let slabUsed = 0;

function copyIntoSlab(data: Uint8Array): Uint8Array {
  if (slabUsed + data.byteLength > SLAB_BYTES) {
    slab = new ArrayBuffer(SLAB_BYTES);
    slabUsed = 0;
  }
  const own = new Uint8Array(slab, slabUsed, data.byteLength);
  own.set(data);
  slabUsed += data.byteLength;
  return own;
}
