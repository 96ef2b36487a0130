/** What all schemes of signing share: message authentication codes, comparison in constant time, and the window for replays. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Proof } from './webhook.ts';

type Encoding = 'hex' | 'base64';

/** Parts as bytes, one after the other. */
export function joined(...parts: ReadonlyArray<string | Uint8Array>): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
}

export function hmac(algorithm: string, secret: string | Uint8Array, content: Uint8Array, encoding: Encoding): string {
  return createHmac(algorithm, secret).update(content).digest(encoding);
}

/** Whether two texts are the same; takes as long whether they are or not, and whatever their lengths. */
function isSame(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

/** Whether any of the given texts is any of the right ones; all are compared. */
export function isAny(given: readonly string[], right: readonly string[]): boolean {
  const matches = right.flatMap((one) => given.map((other) => isSame(one, other)));
  return matches.includes(true);
}

/** Why a time, in seconds since the epoch, is none to believe. */
export function staleness(seconds: string, { nowMs, toleranceMs }: Proof): string | undefined {
  if (!/^\d{1,12}$/.test(seconds)) return 'it carries no time';
  const apartMs = Math.abs(nowMs - Number(seconds) * 1_000);
  return apartMs > toleranceMs ? `it was signed ${Math.round(apartMs / 1_000)} s from now` : undefined;
}

/** A fingerprint of bytes, for what has no name of its own. */
export function fingerprint(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export const WRONG = 'its signature is wrong';

function digest(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
