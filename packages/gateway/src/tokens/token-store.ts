/** Tokens in their bucket: issued, listed, rotated, revoked. Every change is a compare-and-set. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Layout, WakebusError, decode, encode } from '@wakebus/protocol';
import { type Verb, checkTarget, verbs as allVerbs } from '../access.ts';
import { Kv } from '../nats/kv.ts';
import { type TokenRecord, type TokenSecret, drawSecret, drawTokenId } from './token.ts';

/** What a new token is to allow. */
export interface TokenWish {
  /** An address, `<type>/*`, or `*`. */
  readonly target: string;
  readonly verbs: readonly Verb[];
  readonly name?: string;
  /** Requests a second. @default no limit of its own */
  readonly perSecond?: number;
  /** How long it is good for, in milliseconds. @default until it is revoked */
  readonly lifetimeMs?: number;
}

/** A token that was just made. Its text is shown once and kept nowhere. */
export interface IssuedToken {
  readonly token: string;
  readonly record: TokenRecord;
}

/** How long the old secret stays good after a rotation, in milliseconds: a day, in which everyone gets the new one. */
export const DEFAULT_OVERLAP_MS = 86_400_000;
/** Tries of one change: the only rivals are other operators. */
const TRIES = 10;

export class TokenStore {
  readonly #bucket: Kv;
  readonly #nowMs: () => number;

  constructor(bucket: Kv, nowMs: () => number = Date.now) {
    this.#bucket = bucket;
    this.#nowMs = nowMs;
  }

  /** The tokens of a deployment. @param prefix - Its name. @default "wakebus" */
  static async open(connection: NatsConnection, prefix?: string): Promise<TokenStore> {
    const { tokensBucket } = new Layout(prefix === undefined ? {} : { prefix });
    const jsm = await jetstreamManager(connection, { checkAPI: false });
    return new TokenStore(new Kv(jetstream(connection), jsm, tokensBucket));
  }

  /** @throws {WakebusError} `INVALID_ADDRESS`, `INVALID_OPTION`, `UNAVAILABLE`. */
  async issue({ target, verbs, name, perSecond, lifetimeMs }: TokenWish): Promise<IssuedToken> {
    const unknown = verbs.find((verb) => !allVerbs.includes(verb));
    if (unknown !== undefined || verbs.length === 0)
      throw new WakebusError('INVALID_OPTION', { option: 'verbs', why: `write some of ${allVerbs.join(', ')}` });
    const nowMs = this.#nowMs();
    const id = drawTokenId();
    const { token, secret } = drawSecret(id, nowMs);
    const record: TokenRecord = {
      v: 1,
      id,
      ...(name !== undefined && { name }),
      target: checkTarget(target),
      verbs: [...new Set(verbs)],
      ...(perSecond !== undefined && { perSecond }),
      createdMs: nowMs,
      ...(lifetimeMs !== undefined && { expiresMs: nowMs + lifetimeMs }),
      secrets: [secret],
    };
    if ((await this.#bucket.put(id, encode(record), 0)) === undefined)
      throw new WakebusError('UNAVAILABLE', { what: 'The bucket of tokens' });
    return { token, record };
  }

  /** All of them, revoked ones too; oldest first. @throws {WakebusError} `UNAVAILABLE`. */
  async list(): Promise<TokenRecord[]> {
    const values = await this.#bucket.all('*');
    const records = [...values.values()].map(({ bytes }) => decode(bytes) as TokenRecord);
    return records.toSorted((a, b) => a.createdMs - b.createdMs);
  }

  /** @throws {WakebusError} `UNAVAILABLE`. */
  async get(id: string): Promise<TokenRecord | undefined> {
    const value = await this.#bucket.get(id);
    return value === undefined ? undefined : (decode(value.bytes) as TokenRecord);
  }

  /**
   * Gives a token another secret. The one before stays good for a while; older ones end at once.
   *
   * @throws {WakebusError} `TOKEN_NOT_FOUND` when there is none, or it was revoked; `UNAVAILABLE`.
   */
  async rotate(id: string, overlapMs: number = DEFAULT_OVERLAP_MS): Promise<IssuedToken> {
    const nowMs = this.#nowMs();
    const { token, secret } = drawSecret(id, nowMs);
    const record = await this.#change(id, (before) => {
      if (before.revokedMs !== undefined) throw new WakebusError('TOKEN_NOT_FOUND', { token: id });
      return { ...before, secrets: [secret, ...previous(before.secrets, nowMs + overlapMs)] };
    });
    return { token, record };
  }

  /** Ends a token for good, in all gateways within 5 s. @throws {WakebusError} `TOKEN_NOT_FOUND`, `UNAVAILABLE`. */
  revoke(id: string): Promise<TokenRecord> {
    const revokedMs = this.#nowMs();
    return this.#change(id, (before) => ({ ...before, secrets: [], revokedMs: before.revokedMs ?? revokedMs }));
  }

  async #change(id: string, change: (before: TokenRecord) => TokenRecord): Promise<TokenRecord> {
    if (!/^[0-9a-f]{16}$/.test(id)) throw new WakebusError('TOKEN_NOT_FOUND', { token: id.slice(0, 40) });
    for (let round = 0; round < TRIES; round += 1) {
      const value = await this.#bucket.get(id);
      if (value === undefined) throw new WakebusError('TOKEN_NOT_FOUND', { token: id });
      const after = change(decode(value.bytes) as TokenRecord);
      if ((await this.#bucket.put(id, encode(after), value.revision)) !== undefined) return after;
    }
    throw new WakebusError('UNAVAILABLE', { what: 'The bucket of tokens' });
  }
}

/** Of the secrets before, only the newest goes on, and not for longer than it would have. */
function previous([newest]: readonly TokenSecret[], untilMs: number): TokenSecret[] {
  return newest === undefined ? [] : [{ ...newest, untilMs: Math.min(newest.untilMs ?? Infinity, untilMs) }];
}
