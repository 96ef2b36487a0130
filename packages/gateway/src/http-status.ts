/**
 * Which HTTP status an error is answered with, as one table. The package's README shows it, and a test holds
 * the two to each other.
 *
 * A code that is not in the table (an agent's own, or a newer placement node's) goes by what happens next.
 */
import { type ErrorClass, type ErrorCode, isWakebusError } from '@wakebus/protocol';

/** Statuses by code. */
export const statusByCode: Readonly<Partial<Record<ErrorCode, number>>> = {
  INVALID_ADDRESS: 400,
  INVALID_EVENT: 400,
  INVALID_OPTION: 400,
  INVALID_PAYLOAD: 400,
  RESERVED_EVENT: 400,
  VALUE_NOT_DURABLE: 400,
  UNAUTHENTICATED: 401,
  SIGNATURE_INVALID: 401,
  FORBIDDEN: 403,
  AGENT_NOT_FOUND: 404,
  EFFECT_NOT_FOUND: 404,
  PARKED_NOT_FOUND: 404,
  TIMER_NOT_FOUND: 404,
  SNAPSHOT_NOT_FOUND: 404,
  NOT_IN_HISTORY: 404,
  TOKEN_NOT_FOUND: 404,
  ROUTE_UNKNOWN: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  AGENT_REFUSED: 409,
  AGENT_COMPLETED: 409,
  AGENT_REMOVED: 410,
  REPLY_EXPIRED: 410,
  EVENT_TOO_LARGE: 413,
  REQUEST_TOO_LARGE: 413,
  MEDIA_TYPE_UNSUPPORTED: 415,
  EVENT_UNKNOWN: 422,
  DEAD_LETTERED: 422,
  RATE_LIMITED: 429,
  INBOX_FULL: 503,
  OVERLOADED: 503,
  CALL_TIMEOUT: 504,
  OUTCOME_UNKNOWN: 504,
};

/** Statuses of all other codes. */
export const statusByClass: Readonly<Record<ErrorClass, number>> = {
  terminal: 422,
  retryable: 503,
  unknown: 504,
  quarantine: 409,
};

/** Status of what is no Wakebus error: a fault of the gateway itself. */
const FAULT = 500;
/** An agent's error under a code that this version does not know. */
const FOREIGN = 422;

/** The status for whatever was thrown. */
export function statusOf(thrown: unknown): number {
  if (isWakebusError(thrown)) return statusByCode[thrown.code] ?? statusByClass[thrown.next];
  return isForeign(thrown) ? FOREIGN : FAULT;
}

/** An error that came as JSON from a newer placement node: `errorFromJson` leaves it a code. */
export function isForeign(thrown: unknown): thrown is Error & { readonly code: string; readonly facts: unknown } {
  return thrown instanceof Error && 'code' in thrown && 'facts' in thrown && typeof thrown.code === 'string';
}
