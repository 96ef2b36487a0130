/** Which pages of other origins may use a gateway. None, unless they are named. */
import type { Call } from './gateway-context.ts';

/** What every preflight is told, in seconds: browsers keep it for so long. */
const MAX_AGE_S = 600;
const METHODS = 'GET, HEAD, POST, PUT, DELETE, OPTIONS';
const TAKEN =
  'Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Prefer, traceparent, tracestate';
const SHOWN = 'ETag, Preference-Applied, Retry-After, WWW-Authenticate';
const NO_CONTENT = 204;

export class Cors {
  readonly #origins: ReadonlySet<string>;

  /** @param origins - As browsers write them, `https://console.example.com`; `*` for any. Tokens travel in a header of their own, never by themselves, so `*` gives nothing away. */
  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
  }

  /** The answer to OPTIONS. */
  preflight(call: Call): Response {
    const response = new Response(null, { status: NO_CONTENT, headers: { Allow: METHODS } });
    if (this.#allowed(call) === undefined) return response;
    response.headers.set('Access-Control-Allow-Methods', METHODS);
    response.headers.set('Access-Control-Allow-Headers', TAKEN);
    response.headers.set('Access-Control-Max-Age', String(MAX_AGE_S));
    return this.mark(call, response);
  }

  /** Says on an answer that its origin may read it. */
  mark(call: Call, response: Response): Response {
    const allowed = this.#origins.size === 0 ? undefined : this.#allowed(call);
    if (allowed === undefined) return response;
    response.headers.set('Access-Control-Allow-Origin', allowed);
    response.headers.set('Access-Control-Expose-Headers', SHOWN);
    if (allowed !== '*') response.headers.append('Vary', 'Origin');
    return response;
  }

  #allowed(call: Call): string | undefined {
    const origin = call.req.header('origin');
    if (origin === undefined) return undefined;
    if (this.#origins.has('*')) return '*';
    return this.#origins.has(origin) ? origin : undefined;
  }
}
