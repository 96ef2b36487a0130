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
  createTraceState,
  isSpanContextValid,
  trace,
} from '@opentelemetry/api';
import {
  type Headers,
  attribute,
  header,
  isWakebusError,
  readTraceContext,
  span as spanName,
  traceHeaders,
  writeTraceContext,
} from '@wakebus/protocol';

const SCOPE = '@wakebus/client';

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

/** Ends a span with what it waits for. */
export async function endWith<T>(span: MessageSpan, work: Promise<T>): Promise<T> {
  try {
    const value = await work;
    span.end();
    return value;
  } catch (error) {
    span.end(error);
    throw error;
  }
}

function headersOf(started: Span, given: Headers | undefined): Headers {
  const own = started.spanContext();
  if (!isSpanContextValid(own)) return traceHeaders(given) ?? NO_HEADERS;
  return writeTraceContext(own, own.traceState?.serialize());
}

function endSpan(started: Span, error: unknown): void {
  if (error !== undefined) {
    const code = isWakebusError(error) ? error.code : 'INTERNAL';
    started.setAttributes({ [attribute.code]: code, [attribute.errorType]: code });
    started.setStatus({ code: SpanStatusCode.ERROR, message: code });
  }
  started.end();
}

function contextOf(headers: Headers): Context {
  const given = readTraceContext(headers);
  if (given === undefined) return ROOT_CONTEXT;
  const tracestate = headers[header.tracestate];
  const traceState = tracestate === undefined ? {} : { traceState: createTraceState(tracestate) };
  return trace.setSpanContext(ROOT_CONTEXT, { ...given, ...traceState, isRemote: true });
}
