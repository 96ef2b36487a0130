/**
 * Agent addresses: how an outside name becomes a subject token and a bucket key, and back.
 *
 * This is the one place that turns outside text into tokens. The server stores `*`, `>`, spaces and
 * empty tokens as they come, so whatever has not passed through here must not reach a subject.
 */
import { WakebusError } from './errors.ts';

/** An agent's address as people write it: `<type>/<id>`, both in plain text. */
export type Address = string & { readonly __brand: 'Address' };

/** An agent's address as NATS sees it: `<type>.<id token>`, the bucket key and the middle of every subject. */
export type AgentKey = string & { readonly __brand: 'AgentKey' };

/** Longest token in bytes after escaping: keys and subjects stay far below the server's 4 KB control line. */
export const MAX_TOKEN_BYTES = 200;

const TYPE_PATTERN = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const PLAIN_PATTERN = /^[A-Za-z0-9_-]+$/;
const TOKEN_PATTERN = /^(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+$/;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Turns any text into one subject token: bytes of its NFC UTF-8 form outside `[A-Za-z0-9_-]` become `=XX`.
 *
 * @throws {WakebusError} `INVALID_ADDRESS` when the text is empty, ill-formed Unicode, or longer than {@link MAX_TOKEN_BYTES} once escaped.
 */
export function encodeToken(text: string): string {
  if (text.length <= MAX_TOKEN_BYTES && PLAIN_PATTERN.test(text)) return text;
  if (text === '') throw new WakebusError('INVALID_ADDRESS', { address: text, why: 'a part of it is empty' });
  if (!text.isWellFormed())
    throw new WakebusError('INVALID_ADDRESS', {
      address: text.toWellFormed().slice(0, 80),
      why: 'it is not well-formed Unicode',
    });
  let token = '';
  for (const byte of encoder.encode(text.normalize('NFC'))) {
    const character = String.fromCharCode(byte);
    token += PLAIN_PATTERN.test(character) ? character : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  if (token.length > MAX_TOKEN_BYTES) {
    throw new WakebusError('INVALID_ADDRESS', {
      address: `${text.slice(0, 40)}…`,
      why: `it takes ${token.length} bytes as a token, over ${MAX_TOKEN_BYTES}`,
    });
  }
  return token;
}

/**
 * The text behind a token; the inverse of {@link encodeToken}.
 *
 * @returns `undefined` when the token is not what {@link encodeToken} would have written: two spellings
 * of one ID would otherwise be two agents.
 */
export function decodeToken(token: string): string | undefined {
  if (token.length > MAX_TOKEN_BYTES) return undefined;
  if (PLAIN_PATTERN.test(token)) return token;
  if (!TOKEN_PATTERN.test(token)) return undefined;
  const bytes: number[] = [];
  for (let i = 0; i < token.length; i += 1) {
    const escaped = token[i] === '=';
    bytes.push(escaped ? Number.parseInt(token.slice(i + 1, i + 3), 16) : token.charCodeAt(i));
    if (escaped) i += 2;
  }
  try {
    const text = decoder.decode(Uint8Array.from(bytes));
    return encodeToken(text) === token ? text : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Checks the name of an agent type. Types are chosen by authors, not by outside input, so they are
 * never escaped: what is written in code is what stands in subjects and permissions.
 *
 * @throws {WakebusError} `INVALID_ADDRESS`.
 */
export function checkAgentType(type: string): string {
  if (TYPE_PATTERN.test(type)) return type;
  throw new WakebusError('INVALID_ADDRESS', {
    address: type.slice(0, 80),
    why: 'an agent type is a letter followed by up to 63 of A-Z a-z 0-9 _ -',
  });
}

/** The key of the agent `id` of a type. @throws {WakebusError} `INVALID_ADDRESS`. */
export function agentKey(type: string, id: string): AgentKey {
  return `${checkAgentType(type)}.${encodeToken(id)}` as AgentKey;
}

/**
 * Reads an address as people write it. Only the first slash separates: IDs may hold more of them.
 *
 * @throws {WakebusError} `INVALID_ADDRESS`.
 */
export function parseAddress(address: string): AgentKey {
  const slash = address.indexOf('/');
  if (slash < 0)
    throw new WakebusError('INVALID_ADDRESS', {
      address: address.slice(0, 80),
      why: 'it has no slash; write <type>/<id>',
    });
  return agentKey(address.slice(0, slash), address.slice(slash + 1));
}

/** The address behind a key, for people. A key that no encoder wrote is shown as it stands. */
export function addressOf(key: AgentKey): Address {
  const { type, idToken } = splitKey(key);
  return `${type}/${decodeToken(idToken) ?? idToken}` as Address;
}

/** The two tokens of a key. */
export function splitKey(key: AgentKey): { readonly type: string; readonly idToken: string } {
  const dot = key.indexOf('.');
  return { type: key.slice(0, dot), idToken: key.slice(dot + 1) };
}

/** Under which key the dead letters stand that are of no agent. */
export const STRAY_KEY = 'invalid.address' as AgentKey;

/** The agent of a whole type, `<type>/*`: it hands what its schedules bring on to every agent of the type. */
export function typeAgentKey(type: string): AgentKey {
  return agentKey(type, '*');
}

/** Whether a key is that of a whole type's agent. */
export function isTypeAgent(key: AgentKey): boolean {
  return key.endsWith('.=2A');
}

/** Whether tokens taken from a stored subject name an agent that an encoder could have named. */
export function isCanonicalKey(key: string): key is AgentKey {
  const dot = key.indexOf('.');
  return dot > 0 && TYPE_PATTERN.test(key.slice(0, dot)) && decodeToken(key.slice(dot + 1)) !== undefined;
}

/** An event name as subject tokens: dots separate, each part is one token (`issue.opened` stays readable). */
export function encodeEventName(name: string): string {
  if (name.length > MAX_TOKEN_BYTES)
    throw new WakebusError('INVALID_EVENT', {
      event: `${name.slice(0, 40)}…`,
      why: `its name is longer than ${MAX_TOKEN_BYTES} characters`,
    });
  if (/^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/.test(name)) return name;
  if (name.split('.').includes(''))
    throw new WakebusError('INVALID_EVENT', { event: name, why: 'a part of its name is empty' });
  return name.split('.').map(encodeToken).join('.');
}

/** The event name behind subject tokens, or `undefined` when no encoder could have written them. */
export function decodeEventName(tokens: string): string | undefined {
  if (PLAIN_PATTERN.test(tokens)) return tokens;
  const parts = tokens.split('.').map(decodeToken);
  return parts.includes(undefined) ? undefined : parts.join('.');
}

/**
 * FNV-1a, 32 bits, over the key's two tokens joined without a separator.
 *
 * @see The server's `partition()` subject mapping, which hashes its wildcards in just this way; a test
 * compares the two on a real server.
 */
export function partitionOf(key: AgentKey, partitions: number): number {
  let hash = 0x811c9dc5;
  const dot = key.indexOf('.');
  for (let i = 0; i < key.length; i += 1) {
    if (i !== dot) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0) % partitions;
}
