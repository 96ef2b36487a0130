/**
 * W3C Trace Context as it travels in headers and records: reading and writing `traceparent`.
 *
 * What a context means for a span is for whoever starts spans; nothing here knows OpenTelemetry.
 */
import { type Headers, header } from './headers.ts';

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);

/** The place of one span in one trace. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  /** Bit 0: whoever started the trace wants it recorded. */
  readonly traceFlags: number;
}

/** The context among headers. Version 00 only; anything else is ignored: a broken header must not break a message. */
export function readTraceContext(headers: Headers | undefined): TraceContext | undefined {
  const traceparent = headers?.[header.traceparent];
  const match = traceparent === undefined ? null : TRACEPARENT.exec(traceparent);
  if (match === null) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = match;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}

/** The headers that carry a context. */
export function writeTraceContext({ traceId, spanId, traceFlags }: TraceContext, tracestate = ''): Headers {
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  if (tracestate === '') return { [header.traceparent]: traceparent };
  return { [header.traceparent]: traceparent, [header.tracestate]: tracestate };
}

/** The trace headers among others, as they are. */
export function traceHeaders(headers: Headers | undefined): Headers | undefined {
  const traceparent = headers?.[header.traceparent];
  if (traceparent === undefined) return undefined;
  const tracestate = headers?.[header.tracestate];
  return { [header.traceparent]: traceparent, ...(tracestate !== undefined && { [header.tracestate]: tracestate }) };
}
