/** The part of the table of errors that only a gateway gives; `errors.ts` has the rest. */
import type { ErrorSpec } from './error-spec.ts';

/** The facts that they carry, by code. */
export interface GatewayFacts {
  UNAUTHENTICATED: { why: string };
  FORBIDDEN: { verb: string; what: string };
  TOKEN_NOT_FOUND: { token: string };
  SIGNATURE_INVALID: { source: string; why: string };
  ROUTE_UNKNOWN: { method: string; path: string };
  METHOD_NOT_ALLOWED: { method: string; allowed: string };
  MEDIA_TYPE_UNSUPPORTED: { mediaType: string };
  REQUEST_TOO_LARGE: { what: string; limit: number };
  REQUEST_TIMEOUT: { timeoutMs: number };
  RATE_LIMITED: { who: string; retryMs: number };
  OVERLOADED: { what: string; limit: number };
}

export const gatewayErrors: { readonly [C in keyof GatewayFacts]: ErrorSpec<GatewayFacts[C]> } = {
  UNAUTHENTICATED: {
    next: 'terminal',
    message: (f) =>
      `The request was refused: ${f.why}. Send "Authorization: Bearer <token>"; "wakebus tokens" issues them.`,
  },
  FORBIDDEN: { next: 'terminal', message: (f) => `The token does not allow to ${f.verb} ${f.what}.` },
  TOKEN_NOT_FOUND: {
    next: 'terminal',
    message: (f) => `There is no token ${f.token}. "wakebus tokens list" shows those there are.`,
  },
  SIGNATURE_INVALID: {
    next: 'terminal',
    message: (f) =>
      `The delivery to the webhook "${f.source}" was refused: ${f.why}. Compare its secret on both sides.`,
  },
  ROUTE_UNKNOWN: {
    next: 'terminal',
    message: (f) => `The gateway has no ${f.method} ${f.path}. "/openapi.json" describes what it has.`,
  },
  METHOD_NOT_ALLOWED: {
    next: 'terminal',
    message: (f) => `${f.method} is not taken here; use ${f.allowed}.`,
  },
  MEDIA_TYPE_UNSUPPORTED: {
    next: 'terminal',
    message: (f) => `A body of type "${f.mediaType}" is not taken. Send JSON, or MessagePack as application/msgpack.`,
  },
  REQUEST_TOO_LARGE: {
    next: 'terminal',
    message: (f) => `The ${f.what} of the request is over the limit of ${f.limit}. Send less at once.`,
  },
  REQUEST_TIMEOUT: {
    next: 'retryable',
    message: (f) => `The request did not arrive within ${f.timeoutMs} ms. Nothing was stored; send it again, faster.`,
  },
  RATE_LIMITED: {
    next: 'retryable',
    message: (f) => `${f.who} has sent too many requests. Nothing was stored; try again after ${f.retryMs} ms.`,
  },
  OVERLOADED: {
    next: 'retryable',
    message: (f) => `The gateway has ${f.limit} ${f.what} under way, and takes no more. Nothing was stored; try again.`,
  },
};
