/**
 * The walk before msgpackr: what cannot be stored is refused with its place, and what MessagePack has no
 * form for is put into `Extended`.
 *
 * msgpackr writes Maps as objects, -0 as 0 and functions as nothing. A value that holds nothing of the
 * kind goes through untouched, which is the common case and costs no copy.
 */
import { WakebusError } from './errors.ts';
import { Extended, MINUS_ZERO, typedArrays } from './extended.ts';

/** Deepest nesting of a stored value. Far beyond what people write, far below what overflows a stack. */
export const MAX_STORED_DEPTH = 512;
/**
 * Most bytes, roughly: ten times the largest record, so that what is merely too large is told by its size.
 * A value that shares its parts a million times over would otherwise fill the memory.
 */
const LIMIT_BYTES = 8 * 1024 * 1024;
/** What an object or array counts for in a large value, in bytes: as much as it takes in memory, which is what such a one could fill. */
const LARGE_HOLDER_BYTES = 64;
/** What an object or array counts for besides its contents, in bytes: to walk one takes as long as to copy that many, and more. */
const HOLDER_BYTES = 8;

/** A key, an index, or how to write a place in a Map or Set. */
type Step = string | number | (() => string);

/** Walks one value. */
export class DurableWalk {
  readonly #pack: (value: unknown) => Uint8Array;
  readonly #path: Step[] = [];
  readonly #holders: object[] = [];
  #depth = 0;
  #deepest = 0;
  #nodes = 0;
  #limitBytes = LIMIT_BYTES;
  #holderBytes = HOLDER_BYTES;
  #spent = 0;

  /** @param pack - msgpackr, giving bytes that stay as they are. */
  constructor(pack: (value: unknown) => Uint8Array) {
    this.#pack = pack;
  }

  /** A walk of a value that may be large. @param limitBytes - Most bytes, roughly. */
  static ofLarge(pack: (value: unknown) => Uint8Array, limitBytes: number): DurableWalk {
    const walk = new DurableWalk(pack);
    walk.#limitBytes = limitBytes;
    walk.#holderBytes = LARGE_HOLDER_BYTES;
    return walk;
  }

  /** How deep the nesting has been so far: 0 for one object. */
  get deepest(): number {
    return this.#deepest;
  }

  /** How many bytes it comes to so far, roughly. */
  get sizeBytes(): number {
    return this.#spent;
  }

  /** Keys and elements so far. */
  get nodes(): number {
    return this.#nodes;
  }

  /** The value itself where msgpackr would bring it back, else a copy that it does. @throws {WakebusError} `VALUE_NOT_DURABLE`. */
  of(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        this.#spend(value.length);
        return isOddText(value) ? this.#extended('Text', JSON.stringify(value)) : value;
      case 'number':
        return value === 0 && 1 / value < 0 ? MINUS_ZERO : value;
      case 'bigint':
        return this.#extended('BigInt', value.toString(16));
      case 'object':
        return value === null ? value : this.#object(value);
      case 'function':
      case 'symbol':
        throw this.#refusal(whyNot(value));
      default:
        return value;
    }
  }

  #object(value: object): unknown {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.#fields(value as Record<string, unknown>);
    if (prototype === Array.prototype) return this.#array(value as unknown[]);
    return this.#special(value);
  }

  #fields(object: Record<string, unknown>): unknown {
    const keys = Object.keys(object);
    const depth = this.#enter(object, keys.length);
    let copy: Record<string, unknown> | undefined;
    let hasOddKey = false;
    for (const key of keys) {
      this.#path[depth] = key;
      if (isOddKey(key)) hasOddKey = true;
      const value = object[key];
      const ready = this.of(value);
      if (ready !== value) (copy ??= { ...object })[key] = ready;
    }
    this.#depth = depth;
    const whole = copy ?? object;
    return hasOddKey ? this.#extended('Object', this.#flat(whole)) : whole;
  }

  #array(array: readonly unknown[]): unknown {
    const depth = this.#enter(array, array.length);
    const holes: number[] = [];
    let copy: unknown[] | undefined;
    for (let i = 0; i < array.length; i += 1) {
      this.#path[depth] = i;
      const value = array[i];
      const ready = this.of(value);
      if (ready !== value) (copy ??= [...array])[i] = ready;
      else if (value === undefined && !(i in array)) holes.push(i);
    }
    this.#depth = depth;
    const whole = copy ?? array;
    return holes.length === 0 ? whole : this.#extended('Sparse', [holes.length, ...holes, ...whole]);
  }

  /** By class and not by `instanceof`: what a subclass adds would be lost. Errors and Buffers are known to lose theirs. */
  #special(value: object): unknown {
    if (value instanceof Uint8Array) return this.#bytes(value);
    if (value instanceof Error) return this.#error(value);
    switch (value.constructor) {
      case Date:
        return Number.isNaN((value as Date).getTime()) ? this.#extended('Date') : value;
      case Map:
        return this.#map(value as Map<unknown, unknown>);
      case Set:
        return this.#set(value as Set<unknown>);
      case ArrayBuffer:
        return this.#extended('ArrayBuffer', this.#bytes(new Uint8Array(value as ArrayBuffer)));
      default:
        return this.#rare(value);
    }
  }

  /** Typed arrays, and plain values of another realm. */
  #rare(value: object): unknown {
    const type = typedArrays.find((known) => known === value.constructor);
    if (type !== undefined) {
      const { buffer, byteOffset, byteLength } = value as ArrayBufferView;
      return this.#extended(type.name, this.#bytes(new Uint8Array(buffer, byteOffset, byteLength)));
    }
    const isArray = Array.isArray(value);
    if (isArray && value.constructor.name === 'Array') return this.#array(value);
    if (!isArray && Object.getPrototypeOf(Object.getPrototypeOf(value)) === null)
      return this.#fields(value as Record<string, unknown>);
    throw this.#refusal(whyNot(value));
  }

  /** Own fields first, so that one called `name` or `message` cannot replace the error's. No stack: it names the code of another day. */
  #error(error: Error): Extended {
    const { stack: _, ...fields } = Object.fromEntries<unknown>(Object.entries(error));
    if ('cause' in error) fields['cause'] = error.cause;
    if (error instanceof AggregateError) fields['errors'] = error.errors;
    const { name, message } = error as { name: unknown; message: unknown };
    const flat = Object.entries({ ...fields, name: String(name), message: String(message) }).flat();
    const step = (i: number): string => flat[i - (i % 2)] as string;
    return this.#extended('Error', this.#list(error, flat, step));
  }

  #map(map: ReadonlyMap<unknown, unknown>): Extended {
    const flat = [...map].flat();
    const step = (i: number) => (): string => (i % 2 === 0 ? `.keys(${i / 2})` : `.get(${keyText(flat[i - 1])})`);
    return this.#extended('Map', this.#list(map, flat, step));
  }

  #set(set: ReadonlySet<unknown>): Extended {
    return this.#extended('Set', this.#list(set, [...set], elementStep));
  }

  /** Keys and values in turn, of fields that are ready. */
  #flat(fields: object): unknown[] {
    return Object.entries(fields).flatMap(([key, value]: [string, unknown]) => [this.of(key), value]);
  }

  #list(holder: object, parts: readonly unknown[], step: (i: number) => Step): unknown[] {
    const depth = this.#enter(holder, parts.length);
    const ready = parts.map((part, i) => {
      this.#path[depth] = step(i);
      return this.of(part);
    });
    this.#depth = depth;
    return ready;
  }

  #bytes(bytes: Uint8Array): Uint8Array {
    this.#spend(bytes.length);
    return bytes;
  }

  #extended(name: string, value?: unknown): Extended {
    const extended = new Extended(this.#pack(value === undefined ? [name] : [name, value]));
    this.#spend(extended.body.length);
    return extended;
  }

  #spend(sizeBytes: number): void {
    this.#spent += sizeBytes;
    if (this.#spent > this.#limitBytes)
      throw this.#refusal('the whole is many times larger than a record, or shares its parts over and over');
  }

  #enter(holder: object, size: number): number {
    const depth = this.#depth;
    this.#spend(size + this.#holderBytes);
    this.#nodes += size;
    if (depth > this.#deepest) this.#deepest = depth;
    this.#holders[depth] = holder;
    if (depth >= MAX_STORED_DEPTH) throw this.#tooDeep();
    this.#depth = depth + 1;
    return depth;
  }

  /** To look for a cycle at each step would cost more than to run into it. */
  #tooDeep(): Error {
    const closes = this.#holders.findIndex((holder, i) => this.#holders.indexOf(holder) < i);
    if (closes > 0) return notDurable(this.#path.slice(0, closes), 'it refers back to something that holds it');
    return notDurable(this.#path.slice(0, 8), `it is nested deeper than ${MAX_STORED_DEPTH}`);
  }

  #refusal(why: string): Error {
    return notDurable(this.#path.slice(0, this.#depth), why);
  }
}

/** UTF-8 has no lone surrogates, and a decoder drops a byte order mark. */
function isOddText(text: string): boolean {
  return text.charCodeAt(0) === 0xfeff || !text.isWellFormed();
}

/** msgpackr renames `__proto__`. */
function isOddKey(key: string): boolean {
  return key === '__proto__' || isOddText(key);
}

function elementStep(i: number): Step {
  return () => `.values(${i})`;
}

function keyText(key: unknown): string {
  return typeof key === 'string' || typeof key === 'number' ? JSON.stringify(key) : className(key);
}

function whyNot(value: unknown): string {
  if (typeof value === 'function')
    return `it is a function${value.name === '' ? '' : ` (${value.name})`}; keep data in the context and code in the machine`;
  if (typeof value === 'symbol') return 'it is a symbol, which has no meaning after a sleep; use a string';
  if (value instanceof Promise)
    return 'it is a promise; wait for it outside of the machine and send the result as an event';
  if (value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef)
    return 'it holds its contents weakly; use a Map or a Set';
  if (typeof value === 'object' && value !== null && 'sessionId' in value && 'send' in value)
    return 'it is a reference to a running actor; keep an address (<type>/<id>) instead';
  return `it is an instance of ${className(value)}; store its data in a plain object`;
}

/** The name of a value's class, for people. */
export function className(value: unknown): string {
  const name: unknown = (value as object | null)?.constructor?.name;
  return typeof name === 'string' && name !== '' ? name : 'a class';
}

function notDurable(steps: readonly Step[], why: string): WakebusError<'VALUE_NOT_DURABLE'> {
  const path = steps.map(stepText).join('').replace(/^\./, '');
  return new WakebusError('VALUE_NOT_DURABLE', { path: path === '' ? 'the top' : path, why });
}

function stepText(step: Step): string {
  if (typeof step === 'function') return step();
  if (typeof step === 'number') return `[${step}]`;
  return /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
}
