/**
 * What JavaScript has and MessagePack lacks, in one extension: type 0x57, whose body is a MessagePack array
 * of a name and, with most names, a value. What needs it is found by `durable.ts`.
 *
 * The number and the names are stored in records: they never change and are never used again.
 */
import { addExtension } from 'msgpackr/pack';

/** A packed name and value. msgpackr steps over it by its length: what is inside costs nothing before it is wanted. */
export class Extended {
  readonly body: Uint8Array;

  constructor(body: Uint8Array) {
    this.body = body;
  }
}

/** A value that is MessagePack already: written as it stands, without a header, and so read as what it was. */
export class Packed extends Extended {}

/** The standard's float, which msgpackr reads but does not write. */
export const MINUS_ZERO: Packed = new Packed(new Uint8Array([0xcb, 0x80, 0, 0, 0, 0, 0, 0, 0]));

/** Like msgpackr's own extensions it is given a place to write without a header; that is not in msgpackr's types. */
function packExtended(extended: Extended, allocate: Allocate): Uint8Array | undefined {
  if (!(extended instanceof Packed)) return extended.body;
  const { target, position } = allocate(extended.body.length);
  target.set(extended.body, position);
  return undefined;
}

type Allocate = (sizeBytes: number) => { readonly target: Uint8Array; readonly position: number };

addExtension({
  Class: Extended,
  type: 0x57,
  pack: packExtended as (extended: Extended) => Uint8Array,
  unpack: (body: Uint8Array) => new Extended(body),
});

type TypedArrayClass = new (buffer: ArrayBuffer) => ArrayBufferView;

/** Stored under the names of their classes. Bytes themselves (`Uint8Array`) are the standard's binary. */
export const typedArrays: readonly TypedArrayClass[] = [
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
];

/** Errors that come back as what they were; any other comes back as `Error` under its own name. */
const errorClasses = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError];

/** What stands under each name. Entries are keys and values in turn; text is JSON, which escapes what UTF-8 cannot say. */
const readers = new Map<unknown, (value: unknown) => unknown>([
  ['Date', () => new Date(Number.NaN)],
  ['BigInt', toBigint],
  ['Text', (json) => String(JSON.parse(String(json)))],
  ['Object', (flat) => Object.fromEntries(entries(flat))],
  ['Map', (flat) => new Map(entries(flat))],
  ['Set', (elements) => new Set(list(elements))],
  ['Sparse', (elements) => toSparse(list(elements))],
  ['Error', (flat) => toError(Object.fromEntries(entries(flat)))],
  ['ArrayBuffer', buffer],
  ...typedArrays.map((type) => [type.name, (bytes: unknown) => new type(buffer(bytes))] as const),
]);

/** The value that stands under a name. @throws when no writer would have put it there. */
export function readExtended(name: unknown, value: unknown): unknown {
  const reader = readers.get(name);
  if (reader === undefined) throw new Error(`the extension ${String(name)} is unknown here`);
  return reader(value);
}

/** Hexadecimal: decimal digits take the square of their number. */
function toBigint(hex: unknown): bigint {
  const [, minus, digits] = /^(-?)([0-9a-f]+)$/.exec(String(hex)) ?? [];
  return minus === '-' ? -BigInt(`0x${digits}`) : BigInt(`0x${digits}`);
}

function list(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error('an extension without its list');
}

function entries(flat: unknown): Array<[string, unknown]> {
  const pairs: Array<[string, unknown]> = [];
  const parts = list(flat);
  for (let i = 0; i < parts.length; i += 2) pairs.push([parts[i] as string, parts[i + 1]]);
  return pairs;
}

/** msgpackr has copied the bytes already, into memory of their own. */
function buffer(bytes: unknown): ArrayBuffer {
  if (bytes instanceof Uint8Array) return bytes.buffer as ArrayBuffer;
  throw new Error('an extension without its bytes');
}

/** How many holes there are, where, and all elements. */
function toSparse([count, ...rest]: unknown[]): unknown[] {
  const elements = rest.slice(Number(count));
  for (const hole of rest.slice(0, Number(count))) Reflect.deleteProperty(elements, Number(hole));
  return elements;
}

/** Its stack is its first line: the code that it names may be another by now. */
function toError({ name, message, ...fields }: Record<string, unknown>): Error {
  const type = errorClasses.find((known) => known.name === name) ?? Error;
  const error = name === 'AggregateError' ? new AggregateError([], String(message)) : new type(String(message));
  const hidden = { ...(error.name !== name && { name: String(name) }), stack: `${String(name)}: ${String(message)}` };
  for (const [field, value] of Object.entries({ ...fields, ...hidden })) {
    const enumerable = !(field in hidden) && field !== 'cause' && !(field === 'errors' && field in error);
    Object.defineProperty(error, field, { value, writable: true, enumerable, configurable: true });
  }
  return error;
}
