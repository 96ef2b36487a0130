/** Errors as RFC 9457 problems: our stable code, its facts, and what to do, under the HTTP status of the code. */
import { isWakebusError, toJson } from '@wakebus/protocol';
import { isForeign, statusOf } from './http-status.ts';

/** Media type of a problem. */
export const PROBLEM_TYPE = 'application/problem+json';
/** When to come again, in seconds, where an error does not know better: a leader's election is over by then. */
const RETRY_AFTER_S = 2;
const STATUS_UNAUTHORIZED = 401;

/** A problem as it is written. `type` leads to the code's row in ERRORS.md. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly next: string;
  readonly facts?: unknown;
}

/** Whatever was thrown as a problem. What is no Wakebus error says nothing about itself: it may hold secrets. */
export function problemOf(thrown: unknown): Problem {
  const status = statusOf(thrown);
  const { code, next, detail, facts } = describe(thrown);
  return {
    type: `urn:wakebus:error:${code}`,
    title: code.toLowerCase().replaceAll('_', ' '),
    status,
    detail,
    code,
    next,
    ...(facts !== undefined && { facts }),
  };
}

/** A problem as an answer. */
export function problemResponse(thrown: unknown, more: Readonly<Record<string, string>> = {}): Response {
  const problem = problemOf(thrown);
  const headers: Record<string, string> = { 'Content-Type': PROBLEM_TYPE, ...more };
  if (problem.next === 'retryable') headers['Retry-After'] = String(retryAfterS(thrown));
  if (problem.status === STATUS_UNAUTHORIZED) headers['WWW-Authenticate'] = 'Bearer realm="wakebus"';
  if (isWakebusError(thrown, 'METHOD_NOT_ALLOWED')) headers['Allow'] = thrown.facts.allowed;
  return new Response(toJson(problem), { status: problem.status, headers });
}

function describe(thrown: unknown): Pick<Problem, 'code' | 'next' | 'detail' | 'facts'> {
  if (isWakebusError(thrown))
    return { code: thrown.code, next: thrown.next, detail: thrown.message, facts: thrown.facts };
  if (isForeign(thrown)) return { code: thrown.code, next: 'terminal', detail: thrown.message, facts: thrown.facts };
  return { code: 'INTERNAL', next: 'unknown', detail: 'The gateway has a fault. Its log says more.' };
}

function retryAfterS(thrown: unknown): number {
  if (!isWakebusError(thrown, 'RATE_LIMITED')) return RETRY_AFTER_S;
  return Math.max(1, Math.ceil(thrown.facts.retryMs / 1_000));
}
