/**
 * One request to a service, and what is known when it fails: that nothing was done, or nothing.
 *
 * What an answer means is the business of each channel; a token never gets into an error.
 */
import { WakebusError } from '@wakebus/protocol';
import type { ChannelKind } from './address.ts';
import { MaybeSent, type Secret } from './channel.ts';

export interface ServiceRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: object;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** JSON as its value, anything else as text. */
  readonly body: unknown;
}

const names: Readonly<Record<ChannelKind, string>> = {
  telegram: 'Telegram',
  slack: 'Slack',
  discord: 'Discord',
  mattermost: 'Mattermost',
  github: 'GitHub',
};

/** GitHub refuses whoever does not say who it is. */
const USER_AGENT = 'Wakebus';
/** One request may take so long, in milliseconds. Services answer within a second, or not at all. */
const REQUEST_MS = 30_000;
/** With these no connection was made: nothing can have arrived. */
const NEVER_LEFT: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * Asks a service.
 *
 * @throws {WakebusError} `UNAVAILABLE`: nothing has left. @throws {@link MaybeSent}: no answer came, or one that says nothing.
 */
export async function callService(
  kind: ChannelKind,
  { method, url, headers, body }: ServiceRequest,
  signal: AbortSignal,
): Promise<ServiceAnswer> {
  signal.throwIfAborted();
  const answer = await exchange(kind, signal, url, {
    method,
    headers: {
      Accept: 'application/json',
      'User-Agent': USER_AGENT,
      ...(body !== undefined && { 'Content-Type': 'application/json; charset=utf-8' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    // Followed, a redirection would become a GET, or take a token elsewhere.
    redirect: 'manual',
  });
  if (answer.status >= 500) throw new MaybeSent(`${names[kind]} answered ${answer.status}`);
  return answer;
}

async function exchange(
  kind: ChannelKind,
  signal: AbortSignal,
  url: string,
  init: RequestInit,
): Promise<ServiceAnswer> {
  try {
    const ends = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]);
    const response = await fetch(url, { ...init, signal: ends });
    return { status: response.status, headers: response.headers, body: parse(await response.text()) };
  } catch (error) {
    const code = codeOf(error);
    if (NEVER_LEFT.has(code)) throw new WakebusError('UNAVAILABLE', { what: names[kind] });
    throw new MaybeSent(`${names[kind]} did not answer${typeof code === 'string' ? ` (${code})` : ''}`);
  }
}

/** What `fetch` throws hides the code in its cause. */
function codeOf(error: unknown): unknown {
  const { cause } = (error ?? {}) as { readonly cause?: { readonly code?: unknown } };
  return cause?.code;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A refusal, as the service words it. */
export function refused(kind: ChannelKind, status: number, why: unknown): WakebusError<'CHANNEL_REFUSED'> {
  const said = typeof why === 'string' && why !== '' ? why.slice(0, 300) : 'it did not say why';
  return new WakebusError('CHANNEL_REFUSED', { service: names[kind], status, why: said });
}

/** The error of a service that asks for more patience than there is. */
export function busy(kind: ChannelKind, retryMs: number): WakebusError<'CHANNEL_BUSY'> {
  return new WakebusError('CHANNEL_BUSY', { service: names[kind], retryMs: Math.ceil(retryMs) });
}

/** A secret as it is now. @throws {WakebusError} `INVALID_OPTION`. */
export async function readSecret(kind: ChannelKind, secret: Secret): Promise<string> {
  const value = typeof secret === 'function' ? await secret() : secret;
  // Header values end at a line: a newline that an environment file brings is none of the token's.
  const token = typeof value === 'string' ? value.trim() : '';
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new WakebusError('INVALID_OPTION', { option: `${kind}.token`, why: 'it is empty, or no token' });
}

/** Seconds that a service asks to wait, in milliseconds. @default 1 s */
export function waitMsOf(seconds: unknown): number {
  const number = typeof seconds === 'string' && seconds !== '' ? Number(seconds) : seconds;
  return typeof number === 'number' && Number.isFinite(number) && number > 0 ? Math.ceil(number * 1_000) : 1_000;
}

/** @throws {WakebusError} `INVALID_OPTION`: the text is empty, or longer than one message may be. */
export function checkText(kind: ChannelKind, text: unknown, limit: number): string {
  if (typeof text !== 'string' || text.trim() === '')
    throw new WakebusError('INVALID_OPTION', { option: 'text', why: 'write something' });
  if (text.length <= limit) return text;
  throw new WakebusError('INVALID_OPTION', {
    option: 'text',
    why: `it has ${text.length} characters, and a message of ${names[kind]} at most ${limit}`,
  });
}
