/** Reading what stands in an address's data, or in a delivery: it comes from outside, and becomes part of URLs. */
import { WakebusError } from '@wakebus/protocol';
import type { ChannelKind } from './address.ts';

/** A field of something that may be anything. */
export function fieldOf(value: unknown, ...path: readonly string[]): unknown {
  let at = value;
  for (const name of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[name];
  }
  return at;
}

/** A text that is not empty. */
export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const text = fieldOf(value, ...path);
  return typeof text === 'string' && text !== '' ? text : undefined;
}

/** A whole number. */
export function wholeAt(value: unknown, ...path: readonly string[]): number | undefined {
  const number = fieldOf(value, ...path);
  return Number.isSafeInteger(number) ? (number as number) : undefined;
}

/** Fields that are there: those without a value are left out. */
export function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as { [K in keyof T]: Exclude<T[K], undefined> };
}

/** A field of an address's data that must look like this. @throws {WakebusError} `INVALID_OPTION`. */
export function placeField(kind: ChannelKind, data: unknown, name: string, pattern: RegExp): string {
  const value = optionalPlaceField(kind, data, name, pattern);
  if (value !== undefined) return value;
  throw wrongPlace(kind, name);
}

/** The same where it may be left out. @throws {WakebusError} `INVALID_OPTION`. */
export function optionalPlaceField(
  kind: ChannelKind,
  data: unknown,
  name: string,
  pattern: RegExp,
): string | undefined {
  const value = fieldOf(data, name);
  if (value === undefined) return undefined;
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text === 'string' && pattern.test(text)) return text;
  throw wrongPlace(kind, name);
}

function wrongPlace(kind: ChannelKind, name: string): WakebusError<'INVALID_OPTION'> {
  return new WakebusError('INVALID_OPTION', { option: `to.data.${name}`, why: `it is no such thing of ${kind}` });
}
