/**
 * Access by tokens. What was read of a token counts for two seconds, so that a revocation holds in every gateway
 * within five, and a token that is used all the time costs a look every two seconds.
 */
import { WakebusError } from '@wakebus/protocol';
import { type Authorizer, type Grant, bearerOf } from '../access.ts';
import { type TokenRecord, faultOf, grantOf, parseToken } from './token.ts';

/** How long a look counts, in milliseconds. */
const FRESH_MS = 2_000;
/** How long it counts when the next look fails, in milliseconds. */
const STALE_MS = 5_000;
/** Tokens that are remembered. */
const MOST_TOKENS = 10_000;

interface Look {
  readonly atMs: number;
  readonly record: TokenRecord;
  readonly grant: Grant;
}

export interface TokenSource {
  get(id: string): Promise<TokenRecord | undefined>;
}

/** An authorizer over tokens. @param monotonicMs - For tests. */
export function tokenAuthorizer(source: TokenSource, monotonicMs: () => number = () => performance.now()): Authorizer {
  const looks = new Map<string, Look>();
  const pending = new Map<string, Promise<Look | undefined>>();

  function lookUp(id: string): Promise<Look | undefined> {
    const asked = pending.get(id) ?? readOne(id).finally(() => pending.delete(id));
    pending.set(id, asked);
    return asked;
  }

  async function readOne(id: string): Promise<Look | undefined> {
    const atMs = monotonicMs();
    const before = looks.get(id);
    try {
      const record = await source.get(id);
      looks.delete(id);
      if (record === undefined) return undefined;
      if (looks.size >= MOST_TOKENS) looks.clear();
      const look = { atMs, record, grant: grantOf(record) };
      looks.set(id, look);
      return look;
    } catch (error) {
      if (before !== undefined && atMs - before.atMs < STALE_MS) return before;
      throw error;
    }
  }

  return ({ headers }) => {
    const token = parseToken(bearerOf(headers));
    if (token === undefined) throw new WakebusError('UNAUTHENTICATED', { why: 'its token is not known' });
    const look = looks.get(token.id);
    // A secret that is not known may be one of a rotation since the last look: only a new look refuses.
    if (look !== undefined && monotonicMs() - look.atMs < FRESH_MS && isGood(look, token.secret)) return look.grant;
    return lookUp(token.id).then((found) => judge(found, token.secret));
  };
}

function isGood({ record }: Look, secret: string): boolean {
  return faultOf(record, secret, Date.now()) === undefined;
}

function judge(look: Look | undefined, secret: string): Grant {
  const why = faultOf(look?.record, secret, Date.now());
  if (why !== undefined || look === undefined)
    throw new WakebusError('UNAUTHENTICATED', { why: why ?? 'its token is not known' });
  return look.grant;
}
