/**
 * A chunk in its stored form, and back: compressed with zstd where that helps, and as it is where not.
 *
 * Nothing marks which of the two it is: what has the hash is the chunk itself, and anything else must be a
 * zstd frame of it. So `nats object get` or a download gives what `zstd -d` takes, or the bytes.
 */
import { hash as digest } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { WakebusError } from '@wakebus/protocol';

/** Longest chunk, in bytes: with its headers it fits a server's default message limit of 1 MiB, however it is stored. */
export const MAX_CHUNK_BYTES: number = 1_000_000;
/** Below this size, in bytes, a frame's header outweighs what it saves. */
const WORTH_COMPRESSING_BYTES = 256;
/** A compressed form must be so much smaller: reading it costs time whenever the agent wakes. */
const WORTH_KEEPING_SHARE = 0.9;
const ZSTD_MAGIC = 0xfd2fb528;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** The name of a chunk: its sha256, in hex. */
export function hashOf(bytes: Uint8Array): string {
  return digest('sha256', bytes, 'hex');
}

/** @throws {WakebusError} `EVENT_TOO_LARGE` for what is longer than a chunk may be. */
export function checkChunkSize({ length: sizeBytes }: Uint8Array): void {
  if (sizeBytes > MAX_CHUNK_BYTES)
    throw new WakebusError('EVENT_TOO_LARGE', { sizeBytes, limitBytes: MAX_CHUNK_BYTES });
}

/** A chunk as it is stored. @throws {WakebusError} `EVENT_TOO_LARGE`. */
export async function packChunk(bytes: Uint8Array): Promise<Uint8Array> {
  checkChunkSize(bytes);
  if (bytes.length < WORTH_COMPRESSING_BYTES) return bytes;
  const packed = await compress(bytes);
  return packed.length < bytes.length * WORTH_KEEPING_SHARE ? packed : bytes;
}

/** The chunk behind its stored form. @throws {WakebusError} `CHUNK_DAMAGED` when it does not have the hash. */
export async function unpackChunk(hash: string, stored: Uint8Array): Promise<Uint8Array> {
  if (hashOf(stored) === hash) return stored;
  const bytes = isFrame(stored) ? await unpackFrame(hash, stored) : stored;
  return checkedChunk(hash, bytes);
}

/** Bytes that have the hash. @throws {WakebusError} `CHUNK_DAMAGED`. */
export function checkedChunk(hash: string, bytes: Uint8Array): Uint8Array {
  if (hashOf(bytes) !== hash)
    throw new WakebusError('CHUNK_DAMAGED', { chunk: hash, why: 'its bytes have another hash' });
  return bytes;
}

/** Of no more than a chunk may have: a damaged or a hostile frame must not fill the memory. */
async function unpackFrame(chunk: string, stored: Uint8Array): Promise<Uint8Array> {
  try {
    return await decompress(stored, { maxOutputLength: MAX_CHUNK_BYTES });
  } catch (cause) {
    throw new WakebusError('CHUNK_DAMAGED', { chunk, why: 'its bytes cannot be decompressed' }, { cause });
  }
}

function isFrame(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) === ZSTD_MAGIC;
}
