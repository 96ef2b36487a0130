/** Durable values as JSON, for people and programs that read nothing else. One way only: what JSON does not know becomes the nearest thing that it knows. */

/** A value as JSON: BigInts as text, bytes as base64, Maps as objects, Sets as lists. `undefined` is `null`. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, replaceDurable, indent) ?? 'null';
}

function replaceDurable(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return btoa(Array.from(value, (byte) => String.fromCharCode(byte)).join(''));
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  if (value instanceof Error) return { name: value.name, message: value.message };
  return value;
}
