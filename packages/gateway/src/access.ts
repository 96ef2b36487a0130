/**
 * Who may do what: verbs, targets, and the grant that a caller's token stands for.
 *
 * Where grants come from is an {@link Authorizer}'s business: tokens in a bucket (`tokens/`), nobody at all on a
 * loopback of `wakebus dev`, or the user's own.
 */
import { type AgentKey, WakebusError, addressOf, checkAgentType, parseAddress, splitKey } from '@wakebus/protocol';

/** What may be done: `send` events; `call`, which is sending and seeing the answer; `read` all that can be looked at; `control` as operators do. */
export const verbs = ['send', 'call', 'read', 'control'] as const;
export type Verb = (typeof verbs)[number];

/** What one caller may do. */
export interface Grant {
  /** Names the caller for limits and logs; never the secret. */
  readonly id: string;
  /** An address, `<type>/*`, or `*`. */
  readonly target: string;
  readonly verbs: readonly Verb[];
  /** Requests a second. @default as the gateway's `perToken` says */
  readonly perSecond?: number;
}

/** What is known of a request before anything of it is read. */
export interface Caller {
  /** Network address. */
  readonly address: string;
  readonly headers: Headers;
  readonly url: string;
}

/** Finds out who calls. @throws {WakebusError} `UNAUTHENTICATED`, `FORBIDDEN`, `UNAVAILABLE`. */
export type Authorizer = (caller: Caller) => Grant | Promise<Grant>;

/** Checks a target as people write it. @throws {WakebusError} `INVALID_ADDRESS`. */
export function checkTarget(target: string): string {
  if (target === '*') return target;
  if (target.endsWith('/*')) return `${checkAgentType(target.slice(0, -2))}/*`;
  return addressOf(parseAddress(target));
}

/** @throws {WakebusError} `FORBIDDEN`: the grant has not the verb, or not for this agent. */
export function allowAgent(grant: Grant, verb: Verb, key: AgentKey): void {
  if (!covers(grant, key) || !grant.verbs.includes(verb))
    throw new WakebusError('FORBIDDEN', { verb, what: addressOf(key) });
}

/** Whether a grant is for an agent, whatever it allows there. */
export function covers({ target }: Grant, key: AgentKey): boolean {
  return target === '*' || (target.endsWith('/*') ? isOfType(target, key) : target === addressOf(key));
}

/** A caller as the audit names it. */
export function callerName({ id }: Grant): string {
  return `http:${id}`;
}

/** @param pattern - `*`, `<type>/*` or an address. @throws {WakebusError} `FORBIDDEN`, `INVALID_ADDRESS`. */
export function allowPattern(grant: Grant, verb: Verb, pattern: string): void {
  const wanted = checkTarget(pattern);
  const { target } = grant;
  const covered =
    target === '*' || target === wanted || (target.endsWith('/*') && wanted.startsWith(target.slice(0, -1)));
  if (!covered || !grant.verbs.includes(verb)) throw new WakebusError('FORBIDDEN', { verb, what: wanted });
}

function isOfType(target: string, key: AgentKey): boolean {
  return splitKey(key).type === target.slice(0, -2);
}

const HEADER = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i;

/** The token of a request: in its `Authorization` header. @throws {WakebusError} `UNAUTHENTICATED`. */
export function bearerOf(headers: Headers): string {
  const given = headers.get('authorization');
  if (given === null) throw new WakebusError('UNAUTHENTICATED', { why: 'it carries no token' });
  const [, token] = HEADER.exec(given) ?? [];
  if (token === undefined) throw new WakebusError('UNAUTHENTICATED', { why: 'its Authorization header has no token' });
  return token;
}
