/**
 * One incident as a webhook: signed as Standard Webhooks asks, posted once, and answered or not. When it is tried
 * again, and what it is, is `forward-incidents.ts`'s matter.
 *
 * @see https://www.standardwebhooks.com
 */
import { type Incident, WakebusError } from '@wakebus/protocol';
import { hmac, joined } from '../webhooks/signatures.ts';
import { standardKey } from '../webhooks/standard.ts';

/** Shortest secret, in bytes, that Standard Webhooks allows. */
const SHORTEST_SECRET = 24;
/** The longest that a receiver may ask for, in milliseconds. */
const LONGEST_ASKED_MS = 3_600_000;

/** Where webhooks go, and how. */
export interface WebhookTarget {
  readonly url: URL;
  readonly keys: readonly Uint8Array[];
  /** Whether errors are told in words. */
  readonly messages: boolean;
  /** An answer may take so long, in milliseconds. */
  readonly timeoutMs: number;
}

/** What became of one post. Without a status there was no answer. */
export type PostOutcome =
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly why: string; readonly retryAfterMs: number };

/** @throws {WakebusError} `INVALID_OPTION` for a URL that is none, or a secret that proves nothing. */
export function readTarget(to: string, secrets: readonly string[]): Pick<WebhookTarget, 'url' | 'keys'> {
  const url = URL.canParse(to) ? new URL(to) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new WakebusError('INVALID_OPTION', { option: 'to', why: 'write an http(s) URL without a user in it' });
  const keys = secrets.map(standardKey);
  if (keys.length > 0 && keys.every(({ length }) => length >= SHORTEST_SECRET)) return { url, keys };
  const why = `give one of ${SHORTEST_SECRET} bytes or more in base64, as "openssl rand -base64 32" makes it`;
  throw new WakebusError('INVALID_OPTION', { option: 'secrets', why });
}

/** Posts an incident once. Whatever is not a 2xx is no answer to go by: redirects are not followed. */
export async function postIncident(target: WebhookTarget, incident: Incident): Promise<PostOutcome> {
  const body = JSON.stringify(bodyOf(incident, target.messages));
  try {
    const response = await fetch(target.url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', 'user-agent': 'wakebus', ...signed(target, incident.id, body) },
      redirect: 'manual',
      signal: AbortSignal.timeout(target.timeoutMs),
    });
    await response.body?.cancel();
    if (response.ok) return { kind: 'taken' };
    return { kind: 'refused', why: `it answered ${response.status}`, retryAfterMs: askedMs(response) };
  } catch (thrown) {
    const { cause, message } = thrown as Error;
    const why = cause instanceof Error ? cause.message : message;
    return { kind: 'refused', why, retryAfterMs: 0 };
  }
}

/** The ID stays from try to try; the time is that of the try, since receivers refuse what is old. */
function signed({ keys }: WebhookTarget, id: string, body: string): Record<string, string> {
  const seconds = String(Math.floor(Date.now() / 1_000));
  const content = joined(`${id}.${seconds}.`, body);
  const signatures = keys.map((key) => `v1,${hmac('sha256', key, content, 'base64')}`);
  return { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signatures.join(' ') };
}

/** Words may quote what an agent was given, which is not everybody's. */
function bodyOf({ v: _format, message, atMs, ...data }: Incident, hasWords: boolean): object {
  return {
    type: `wakebus.incident.${data.kind}`,
    timestamp: new Date(atMs).toISOString(),
    data: { ...data, ...(hasWords && { message }) },
  };
}

function askedMs({ headers }: Response): number {
  const seconds = headers.get('retry-after') ?? '';
  return /^\d{1,6}$/.test(seconds) ? Math.min(Number(seconds) * 1_000, LONGEST_ASKED_MS) : 0;
}
