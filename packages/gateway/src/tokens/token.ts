/**
 * Tokens as text and as they are kept: `wbt_<id>.<secret>`, of which only the ID and a hash of the secret are stored.
 *
 * The secret is 256 random bits, so that a plain SHA-256 is as good as a slow hash: there is nothing to guess.
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Grant, Verb } from '../access.ts';

const ID_BYTES = 8;
const SECRET_BYTES = 32;
const TOKEN = /^wbt_([0-9a-f]{16})\.([A-Za-z0-9_-]{43})$/;
const DUMMY = new Uint8Array(32);

/** One live or expired secret of a token. */
export interface TokenSecret {
  readonly hash: Uint8Array;
  readonly issuedMs: number;
  /** It ends by rotation. */
  readonly untilMs?: number;
}

/** A token as the bucket keeps it. Times are milliseconds since the epoch. */
export interface TokenRecord {
  readonly v: 1;
  readonly id: string;
  /** What it is for, in its issuer's words. */
  readonly name?: string;
  /** An address, `<type>/*`, or `*`. */
  readonly target: string;
  readonly verbs: readonly Verb[];
  /** Requests a second. */
  readonly perSecond?: number;
  readonly createdMs: number;
  readonly expiresMs?: number;
  readonly revokedMs?: number;
  /** The newest first, two at most. */
  readonly secrets: readonly TokenSecret[];
}

/** A fresh secret: what its holder gets, and what is kept of it. */
export interface FreshSecret {
  readonly token: string;
  readonly secret: TokenSecret;
}

export function drawTokenId(): string {
  return randomBytes(ID_BYTES).toString('hex');
}

export function drawSecret(id: string, nowMs: number): FreshSecret {
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { token: `wbt_${id}.${secret}`, secret: { hash: hashOf(secret), issuedMs: nowMs } };
}

/** The two parts of a token's text, or `undefined` when it is none. */
export function parseToken(text: string): { readonly id: string; readonly secret: string } | undefined {
  const [, id, secret] = TOKEN.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** Why a token is not good now; nothing when it is. Takes as long for an unknown token as for a wrong secret. */
export function faultOf(record: TokenRecord | undefined, secret: string, nowMs: number): string | undefined {
  const given = hashOf(secret);
  const live = (record?.secrets ?? []).filter(({ untilMs = Infinity }) => nowMs < untilMs);
  const matches = [{ hash: DUMMY }, ...live].map((kept) => timingSafeEqual(kept.hash, given));
  if (record === undefined || !matches.includes(true)) return 'its token is not known';
  if (record.revokedMs !== undefined) return 'its token was revoked';
  if (record.expiresMs !== undefined && nowMs >= record.expiresMs) return 'its token has expired';
  return undefined;
}

/** What a good token allows. */
export function grantOf({ id, target, verbs, perSecond }: TokenRecord): Grant {
  return { id, target, verbs, ...(perSecond !== undefined && { perSecond }) };
}

function hashOf(secret: string): Uint8Array {
  return hash('sha256', secret, 'buffer');
}
