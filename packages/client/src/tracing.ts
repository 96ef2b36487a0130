/**
 * Spans of sending and calling, through the OpenTelemetry API only: without an SDK they cost next to
 * nothing, and a context that is active still travels on in the headers.
 */
import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  context,
  isSpanContextValid,
  trace,
} from '@opentelemetry/api';
import { type Headers, attribute, header, isWakebusError, span as spanName } from '@wakebus/protocol';

const SCOPE = '@wakebus/client';
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** What a span says of its message. */
export interface MessageFacts {
  readonly key: string;
  readonly type: string;
  readonly event: string;
  readonly messageId: string;
  /** Trace headers of the caller's own, in place of the active context. */
  readonly trace: Headers | undefined;
}

/** A started span, and the headers that carry its context. */
export interface MessageSpan {
  readonly headers: Headers;
  end(error?: unknown): void;
}

const NO_HEADERS: Headers = Object.freeze({});
let tracer: Tracer | undefined;

/** Starts the span of one message. IDs never stand in its name. */
export function startMessageSpan(operation: 'send' | 'call', facts: MessageFacts): MessageSpan {
  tracer ??= trace.getTracer(SCOPE);
  const started = tracer.startSpan(
    spanName[operation],
    {
      kind: operation === 'send' ? SpanKind.PRODUCER : SpanKind.CLIENT,
      attributes: {
        [attribute.system]: 'wakebus',
        [attribute.operationName]: operation,
        [attribute.operationType]: 'send',
        [attribute.destination]: `agents.${facts.type}.{id}.${facts.event}`,
        [attribute.messageId]: facts.messageId,
        [attribute.agentType]: facts.type,
        [attribute.agent]: facts.key,
      },
    },
    facts.trace === undefined ? context.active() : contextOf(facts.trace),
  );
  return { headers: headersOf(started, facts.trace), end: (error) => endSpan(started, error) };
}

function headersOf(started: Span, given: Headers | undefined): Headers {
  const own = started.spanContext();
  if (!isSpanContextValid(own)) return given === undefined ? NO_HEADERS : traceHeaders(given);
  const flags = own.traceFlags.toString(16).padStart(2, '0');
  const state = own.traceState?.serialize() ?? '';
  return {
    [header.traceparent]: `00-${own.traceId}-${own.spanId}-${flags}`,
    ...(state !== '' && { [header.tracestate]: state }),
  };
}

function endSpan(started: Span, error: unknown): void {
  if (error !== undefined) {
    const code = isWakebusError(error) ? error.code : 'INTERNAL';
    started.setAttribute(attribute.code, code);
    started.setStatus({ code: SpanStatusCode.ERROR, message: code });
  }
  started.end();
}

/** W3C Trace Context, version 00. Anything else is ignored: a broken header must not break a message. */
function contextOf(headers: Headers): Context {
  const match = TRACEPARENT.exec(headers[header.traceparent] ?? '');
  if (match === null) return ROOT_CONTEXT;
  const [, traceId = '', spanId = '', flags = '00'] = match;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
  });
}

function traceHeaders(headers: Headers): Headers {
  const { [header.traceparent]: traceparent, [header.tracestate]: tracestate } = headers;
  if (traceparent === undefined) return NO_HEADERS;
  return {
    [header.traceparent]: traceparent,
    ...(tracestate !== undefined && { [header.tracestate]: tracestate }),
  };
}
