/**
 * Spans and counters, through the OpenTelemetry API only: without an SDK they cost next to nothing,
 * and the incoming trace context still travels on.
 *
 * No span is open across a sleep. As the messaging conventions ask, a turn links to the creation
 * context of every message in it; one that holds a single message is also its child.
 */
import {
  type Headers,
  attribute,
  header,
  metric,
  type span as spanName,
  splitKey,
  type AgentKey,
} from '@wakebus/protocol';
import {
  type Attributes,
  type Counter,
  type Histogram,
  type Link,
  type Meter,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  isSpanContextValid,
  metrics,
  trace,
} from '@opentelemetry/api';

const SCOPE = '@wakebus/placement-node';
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** A running span, and the headers that carry its context. */
export class RunningSpan {
  /** Headers for what is caused by this span; those that came in when nothing records here. */
  readonly carrier: Headers | undefined;
  readonly #span: Span;

  constructor(started: Span, incoming: Headers | undefined) {
    const context = started.spanContext();
    this.carrier = isSpanContextValid(context) ? carrierOf(context) : traceHeaders(incoming);
    this.#span = started;
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(attributes);
  }

  end(error?: { readonly code: string; readonly message: string }): void {
    if (error !== undefined) {
      this.#span.setAttribute(attribute.code, error.code);
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: error.code });
    }
    this.#span.end();
  }
}

/** What one placement node measures. */
export class Telemetry {
  readonly #tracer: Tracer = trace.getTracer(SCOPE);
  readonly #meter: Meter = metrics.getMeter(SCOPE);
  readonly wakes: Counter = this.#meter.createCounter(metric.wakeRate);
  readonly falseWakes: Counter = this.#meter.createCounter(metric.falseWakeRate);
  readonly sleeps: Counter = this.#meter.createCounter(metric.sleepRate);
  readonly resumes: Counter = this.#meter.createCounter(metric.resumeSuccessRate);
  readonly turns: Counter = this.#meter.createCounter(metric.turns);
  readonly duplicates: Counter = this.#meter.createCounter(metric.duplicates);
  readonly lostCommits: Counter = this.#meter.createCounter(metric.duplicateCommitCount);
  readonly retries: Counter = this.#meter.createCounter(metric.retryCount);
  readonly deadLetters: Counter = this.#meter.createCounter(metric.deadLetters);
  readonly takeovers: Counter = this.#meter.createCounter(metric.takeovers);
  readonly effects: Counter = this.#meter.createCounter(metric.effects);
  readonly parkedEffects: Counter = this.#meter.createCounter(metric.parkedEffects);
  readonly unknownEffects: Counter = this.#meter.createCounter(metric.unknownEffects);
  readonly timeouts: Counter = this.#meter.createCounter(metric.timeoutRate);
  readonly hydrateMs: Histogram = this.#meter.createHistogram(metric.hydrateMs, { unit: 'ms' });
  readonly recordBytes: Histogram = this.#meter.createHistogram(metric.recordBytes, { unit: 'By' });

  /** Counts when somebody looks. */
  observe(name: (typeof metric)[keyof typeof metric], count: () => number): void {
    this.#meter.createObservableGauge(name).addCallback((result) => result.observe(count()));
  }

  /**
   * Starts a span about an agent.
   *
   * @param causes - Headers of the messages that caused it; the only one is its parent as well.
   */
  start(
    name: (typeof spanName)[keyof typeof spanName],
    key: AgentKey,
    causes: ReadonlyArray<Headers | undefined>,
  ): RunningSpan {
    const traced = causes.filter((cause) => cause?.[header.traceparent] !== undefined);
    const links: Link[] = [];
    for (const cause of traced) {
      const context = spanContextOf(cause);
      if (context !== undefined) links.push({ context });
    }
    const [only] = links;
    const parent =
      only !== undefined && links.length === 1 ? trace.setSpanContext(ROOT_CONTEXT, only.context) : ROOT_CONTEXT;
    const { type } = splitKey(key);
    const attributes = { [attribute.system]: 'wakebus', [attribute.agentType]: type, [attribute.agent]: key };
    const started = this.#tracer.startSpan(name, { kind: SpanKind.CONSUMER, links, attributes }, parent);
    return new RunningSpan(started, traced[0]);
  }
}

/** The trace headers among others. */
export function traceHeaders(headers: Headers | undefined): Headers | undefined {
  const traceparent = headers?.[header.traceparent];
  if (traceparent === undefined) return undefined;
  const tracestate = headers?.[header.tracestate];
  return { [header.traceparent]: traceparent, ...(tracestate !== undefined && { [header.tracestate]: tracestate }) };
}

function carrierOf(context: SpanContext): Headers {
  const flags = context.traceFlags.toString(16).padStart(2, '0');
  const state = context.traceState?.serialize();
  return {
    [header.traceparent]: `00-${context.traceId}-${context.spanId}-${flags}`,
    ...(state !== undefined && state !== '' && { [header.tracestate]: state }),
  };
}

/** W3C Trace Context, version 00. Anything else is ignored: a broken header must not break a turn. */
function spanContextOf(headers: Headers | undefined): SpanContext | undefined {
  const match = TRACEPARENT.exec(headers?.[header.traceparent] ?? '');
  if (match === null) return undefined;
  const context: SpanContext = {
    traceId: match[1] as string,
    spanId: match[2] as string,
    traceFlags: Number.parseInt(match[3] as string, 16),
    isRemote: true,
  };
  return isSpanContextValid(context) ? context : undefined;
}
