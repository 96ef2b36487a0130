/**
 * Bytes ↔ values: MessagePack inside, by msgpackr, JSON from anyone, and the limits that keep a hostile
 * payload from costing more than it should.
 *
 * What comes back is what went in, or it is refused when written: Dates, Maps, Sets, BigInts, Errors,
 * byte and typed arrays, `undefined`, holes, NaN and -0 survive; an object that is held twice comes back
 * as two.
 */
import { Packr, RESET_BUFFER_MODE, Unpackr } from 'msgpackr/pack';
import { DurableWalk, MAX_STORED_DEPTH, className } from './durable.ts';
import { WakebusError, isWakebusError } from './errors.ts';
import { EVENT_LIMIT_BYTES } from './event-limits.ts';
import { SNAPSHOT_LIMIT_BYTES } from './snapshot-chunks.ts';
import { Extended, Packed, readExtended } from './extended.ts';

/** Deepest nesting of an event. 64 is far beyond what people write and far below what overflows a stack. */
export const MAX_DEPTH = 64;
/** Most keys and elements of one event: 100,000 decode in some 20 ms, a million would stall every neighbour. */
export const MAX_NODES = 100_000;

/** From this size on, in bytes, a value gets a buffer of its own. */
const LARGE_BYTES = 1024 * 1024;
/** Beside its contents: headers, and text that takes more bytes than letters. */
const ROOM = 1.125;
/** What msgpackr begins with, in bytes. */
const SMALL_BUFFER_BYTES = 8 * 1024;

/** Media type of MessagePack. */
export const MSGPACK = 'application/msgpack';
/** Media type of JSON. */
export const JSON_TYPE = 'application/json';

/** `int64` is what the standard's 64-bit integers become; Wakebus's own BigInts are in its extension. */
interface Limits {
  readonly depth: number;
  readonly nodes: number;
  readonly int64: 'bigint' | 'number where it is exact';
}

const STORED: Limits = { depth: MAX_STORED_DEPTH, nodes: Number.POSITIVE_INFINITY, int64: 'bigint' };
const OUTSIDE: Limits = { depth: MAX_DEPTH, nodes: MAX_NODES, int64: 'number where it is exact' };

// `msgpackr/pack` is msgpackr without its native add-on: one reader for every platform.
// `variableMapSize` means the shortest headers, and no end at 65,535 keys.
const packr = new Packr({ useRecords: false, variableMapSize: true, useToJSON: false });

// msgpackr would read its own record format from anyone, making code of the keys. Without a place to keep a structure it throws.
const structures: object[] = [];
const unpackr = new Unpackr({ useRecords: false, structures, structuredClone: false, copyBuffers: true });
Object.freeze(structures);

/**
 * A value as MessagePack. The bytes are the caller's own.
 *
 * @throws {WakebusError} `VALUE_NOT_DURABLE` with the path of a function, a class instance, a cycle or whatever else would not come back.
 */
export function encode(value: unknown): Uint8Array {
  return pack(new DurableWalk(pack).of(value));
}

/**
 * As {@link encode}, of a value that may be as large as {@link SNAPSHOT_LIMIT_BYTES}: it takes the memory of its bytes
 * once, and keeps none of it.
 *
 * @throws {WakebusError} `VALUE_NOT_DURABLE`.
 */
export function encodeLarge(value: unknown): Uint8Array {
  const walk = DurableWalk.ofLarge(pack, SNAPSHOT_LIMIT_BYTES);
  const ready = walk.of(value);
  if (walk.sizeBytes < LARGE_BYTES) return pack(ready);
  // Left to itself msgpackr would grow its buffer step by step, each time beside the one before, and keep the last.
  packr.useBuffer(allocate(Math.ceil(walk.sizeBytes * ROOM)));
  try {
    return packToSend(ready);
  } finally {
    packr.useBuffer(allocate(SMALL_BUFFER_BYTES));
  }
}

/**
 * As {@link encode}, of bytes that are sent and then dropped. They share their memory with those made about
 * the same time, which saves an allocation and a copy; whoever kept them would keep all of it.
 *
 * @throws {WakebusError} `VALUE_NOT_DURABLE`.
 */
export function encodeToSend(value: unknown): Uint8Array {
  return packToSend(new DurableWalk(pack).of(value));
}

/**
 * The fields of an event as {@link encodeToSend}, within the limits to which its reader will hold it: who sends
 * without waiting for an answer would never hear that it was given up.
 *
 * @throws {WakebusError} `VALUE_NOT_DURABLE`, `EVENT_TOO_LARGE`; `INVALID_PAYLOAD` when it is nested deeper than {@link MAX_DEPTH} or has more than {@link MAX_NODES} values.
 */
export function encodeEvent(fields: object): Uint8Array {
  const walk = new DurableWalk(pack);
  const bytes = packToSend(walk.of(fields));
  if (bytes.length > EVENT_LIMIT_BYTES)
    throw new WakebusError('EVENT_TOO_LARGE', { sizeBytes: bytes.length, limitBytes: EVENT_LIMIT_BYTES });
  if (walk.deepest >= MAX_DEPTH) throw refusal(`it is nested deeper than ${MAX_DEPTH}`);
  if (walk.nodes > MAX_NODES) throw refusal(`it has more than ${MAX_NODES} values`);
  return bytes;
}

/** A value as {@link encodeDurable} may take it: the same one where nothing in it needs help. @throws {WakebusError} `VALUE_NOT_DURABLE`. */
export function asDurable(value: unknown): unknown {
  return new DurableWalk(pack).of(value);
}

/** As {@link encodeToSend}, of a value that needs no check: made here, by {@link asDurable} or {@link listPackedOnce}. */
export function encodeDurable(value: unknown): Uint8Array {
  return packToSend(value);
}

/** What has been packed once, for as long as the object lives. */
const packedBefore = new WeakMap<object, Packed>();

/**
 * An object that is written again and again and never changed, as {@link encodeDurable} may take it: walked
 * and packed the first time only. A record's lists are mostly what they were a commit ago.
 *
 * @throws {WakebusError} `VALUE_NOT_DURABLE`.
 */
function packedOnce(value: object): unknown {
  let packed = packedBefore.get(value);
  if (packed === undefined) {
    packed = new Packed(encode(value));
    packedBefore.set(value, packed);
  }
  return packed;
}

/** Lists that were written before as they stand. A list that is made for one commit only is not worth packing as a whole. */
const listsBefore = new WeakSet<readonly object[]>();

/** A list of such objects: from its second time on in one piece. @throws {WakebusError} `VALUE_NOT_DURABLE`. */
export function listPackedOnce(list: readonly object[]): unknown {
  if (listsBefore.has(list)) return packedOnce(list);
  listsBefore.add(list);
  return list.map(packedOnce);
}

/**
 * How many bytes {@link encode} would give: a check of durability and size in one, which keeps nothing.
 *
 * @throws {WakebusError} `VALUE_NOT_DURABLE`.
 */
export function encodedSizeBytes(value: unknown): number {
  return packr.pack(new DurableWalk(pack).of(value), RESET_BUFFER_MODE).length;
}

/** The value of bytes that Wakebus wrote itself; nothing in it is shared with the bytes. @throws {WakebusError} `INVALID_PAYLOAD`. */
export function decode(bytes: Uint8Array): unknown {
  return new Reading(STORED).packed(bytes);
}

/**
 * The value of an outside payload. An empty one is `undefined`; without a content type it is JSON,
 * because that is what a person with a command line sends. Its 64-bit integers are numbers where they
 * fit, as other languages send small numbers that way.
 *
 * @throws {WakebusError} `INVALID_PAYLOAD` when it cannot be read, is nested deeper than {@link MAX_DEPTH} or has more than {@link MAX_NODES} values.
 */
export function decodePayload(bytes: Uint8Array, contentType: string | undefined): unknown {
  if (bytes.length === 0) return undefined;
  const reading = new Reading(OUTSIDE);
  return contentType?.startsWith(MSGPACK) === true ? reading.packed(bytes) : reading.of(parseJson(bytes), 0);
}

/** A copy: msgpackr's answer lies in a buffer that it uses again. */
function pack(value: unknown): Uint8Array {
  return new Uint8Array(packr.pack(value, RESET_BUFFER_MODE));
}

/** msgpackr's answer where it lies: in a buffer that is filled and never written again. */
function packToSend(value: unknown): Uint8Array {
  const { buffer, byteOffset, length } = packr.pack(value);
  return new Uint8Array(buffer, byteOffset, length);
}

/** Memory of the kind that msgpackr writes into: Node.js's own, where there is one. */
function allocate(sizeBytes: number): Uint8Array {
  const kind = packr.pack(null).constructor as { allocUnsafeSlow?: (sizeBytes: number) => Uint8Array };
  return kind.allocUnsafeSlow?.(sizeBytes) ?? new Uint8Array(sizeBytes);
}

/** Of a plain view: a Buffer's slices would be Buffers, and msgpackr leaves a property on what it reads. */
function unpack(bytes: Uint8Array): unknown {
  return unpackr.unpack(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw refusal(`it is not JSON; send ${MSGPACK} under its Content-Type header`, cause);
  }
}

function refusal(why: string, cause?: unknown): WakebusError<'INVALID_PAYLOAD'> {
  return new WakebusError('INVALID_PAYLOAD', { why }, { cause });
}

/** The walk after msgpackr or JSON: what was read becomes, in place, what it stands for, and is held to limits. */
class Reading {
  readonly #limits: Limits;
  #nodes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  packed(bytes: Uint8Array): unknown {
    try {
      return this.of(unpack(bytes), 0);
    } catch (cause) {
      throw isWakebusError(cause) ? cause : refusal(this.#why(cause), cause);
    }
  }

  of(value: unknown, depth: number): unknown {
    if (typeof value === 'bigint') return this.#integer(value);
    if (typeof value === 'function') throw refusal('it holds a function');
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return this.#array(value, depth);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype) return this.#fields(value as Record<string, unknown>, depth);
    if (prototype === Uint8Array.prototype || prototype === Date.prototype) return value;
    if (value instanceof Extended) return this.#extended(value, depth);
    throw refusal(`it holds an instance of ${className(value)} in a form that is not the standard's`);
  }

  #array(array: unknown[], depth: number): unknown {
    this.#count(array.length, depth);
    for (let i = 0; i < array.length; i += 1) {
      const value = array[i];
      const ready = this.of(value, depth + 1);
      if (ready !== value) array[i] = ready;
    }
    return array;
  }

  #fields(object: Record<string, unknown>, depth: number): unknown {
    const keys = Object.keys(object);
    this.#count(keys.length, depth);
    for (const key of keys) {
      const value = object[key];
      const ready = this.of(value, depth + 1);
      if (ready !== value) object[key] = ready;
    }
    return object;
  }

  /** One straight inside another would be a nesting that no depth counts, and is never written. */
  #extended(extended: Extended, depth: number): unknown {
    const [name, value] = unpack(extended.body) as [unknown, unknown];
    if (value instanceof Extended) throw refusal('it holds an extension within an extension');
    return readExtended(name, this.of(value, depth));
  }

  #integer(value: bigint): bigint | number {
    const number = Number(value);
    return this.#limits.int64 !== 'bigint' && Number.isSafeInteger(number) ? number : value;
  }

  #count(nodes: number, depth: number): void {
    this.#nodes += nodes;
    if (depth >= this.#limits.depth) throw refusal(`it is nested deeper than ${this.#limits.depth}`);
    if (this.#nodes > this.#limits.nodes) throw refusal(`it has more than ${this.#limits.nodes} values`);
  }

  #why(cause: unknown): string {
    if (/call stack|recursion/.test(String(cause))) return `it is nested deeper than ${this.#limits.depth}`;
    if (cause instanceof TypeError)
      return 'it is not of the standard; it may be in msgpackr’s own record format (extension of type 114)';
    return 'it is not MessagePack';
  }
}
