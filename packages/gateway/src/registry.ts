/**
 * The agent types that have been started, as placement nodes registered them: all that a gateway knows of agents,
 * as it has none of their code.
 */
import { type RegisteredType, WakebusError, decode, isWakebusError } from '@wakebus/protocol';
import type { Kv } from './nats/kv.ts';

/** How long what was read counts, in milliseconds: a type that is new is seen after that. */
const FRESH_MS = 5_000;

export class Registry {
  readonly #bucket: Kv;
  #read: { readonly atMs: number; readonly types: Promise<ReadonlyMap<string, RegisteredType>> } | undefined;

  constructor(bucket: Kv) {
    this.#bucket = bucket;
  }

  /** All types by name. @throws {WakebusError} `UNAVAILABLE`. */
  types(): Promise<ReadonlyMap<string, RegisteredType>> {
    const nowMs = performance.now();
    if (this.#read === undefined || nowMs - this.#read.atMs > FRESH_MS) {
      const types = this.#readAll();
      this.#read = { atMs: nowMs, types };
      types.catch(() => (this.#read = undefined));
    }
    return this.#read.types;
  }

  /** The statechart of a type. @returns `undefined` where none is stored. @throws {WakebusError} `UNAVAILABLE`. */
  async chart(type: string): Promise<unknown> {
    const stored = await this.#bucket.get(`charts.${type}`);
    return stored === undefined ? undefined : decode(stored.bytes);
  }

  async #readAll(): Promise<ReadonlyMap<string, RegisteredType>> {
    const values = await this.#bucket.all('types.*');
    const entries = [...values.values()].flatMap(({ bytes }) => readEntry(bytes) ?? []);
    return new Map(entries.toSorted((a, b) => (a.type < b.type ? -1 : 1)).map((entry) => [entry.type, entry]));
  }
}

/** An entry of a newer Wakebus may look otherwise: then there is one type less to describe. */
function readEntry(bytes: Uint8Array): RegisteredType | undefined {
  try {
    const entry = decode(bytes) as RegisteredType;
    return typeof entry?.type === 'string' && Array.isArray(entry.events) ? entry : undefined;
  } catch (error) {
    if (isWakebusError(error)) return undefined;
    throw error;
  }
}

/** What is answered about a type that nobody has started, or that the caller may not see. */
export function unknownType(type: string): WakebusError<'ROUTE_UNKNOWN'> {
  return new WakebusError('ROUTE_UNKNOWN', { method: 'GET', path: `/types/${type}` });
}
