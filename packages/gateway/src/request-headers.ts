/**
 * The few headers of a request that mean anything to an event. All others stay outside: nothing of a request is
 * ever copied into a message, so that no `Nats-*` header gets in.
 */
import { type Headers as MessageHeaders, WakebusError, header } from '@wakebus/protocol';

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;
const STRUCTURED_STRING = /^"((?:[^"\\]|\\["\\])*)"$/;

/** What a sender says about its event. */
export interface Sending {
  readonly id?: string;
  readonly trace?: MessageHeaders;
}

/** The message ID and the trace context. What is not well-formed trace context is ignored, as W3C asks. */
export function readSending(headers: Headers): Sending {
  const id = headers.get('idempotency-key');
  const traceparent = headers.get('traceparent');
  if (id === null && traceparent === null) return NOTHING;
  const trace = traceparent === null ? undefined : traceOf(traceparent, headers.get('tracestate'));
  return { ...(id !== null && { id: readKey(id) }), ...(trace !== undefined && { trace }) };
}

const NOTHING: Sending = {};

/** The key as it is, or as the draft of the header has it: a string in quotes. */
function readKey(text: string): string {
  const [, quoted] = STRUCTURED_STRING.exec(text) ?? [];
  return quoted === undefined ? text : quoted.replaceAll(/\\(.)/g, '$1');
}

function traceOf(traceparent: string, tracestate: string | null): MessageHeaders | undefined {
  if (!TRACEPARENT.test(traceparent)) return undefined;
  if (tracestate === null || !TRACESTATE.test(tracestate)) return { [header.traceparent]: traceparent };
  return { [header.traceparent]: traceparent, [header.tracestate]: tracestate };
}

/**
 * How long the caller waits for the reply, in milliseconds: `?wait`, `?wait=<seconds>`, or `Prefer: wait=<seconds>`
 * (RFC 7240). Longer than the gateway allows is as long as it allows.
 *
 * @returns `undefined` when it does not wait.
 * @throws {WakebusError} `INVALID_OPTION`.
 */
export function readWaitMs(query: string | undefined, prefer: string | null, mostMs: number): number | undefined {
  if (query === '' || query === 'true') return mostMs;
  const seconds = query ?? /(?:^|[,;\s])wait\s*=\s*"?([\d.]+)"?/i.exec(prefer ?? '')?.[1];
  if (seconds === undefined) return undefined;
  const waitMs = Number(seconds) * 1_000;
  if (waitMs > 0) return Math.min(waitMs, mostMs);
  throw new WakebusError('INVALID_OPTION', { option: 'wait', why: 'write seconds above 0' });
}
