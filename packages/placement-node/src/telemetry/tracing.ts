/**
 * Starting spans about agents, through the OpenTelemetry API only: without an SDK they cost next to
 * nothing, and the incoming trace context still travels on.
 *
 * No span is open across a sleep. As the messaging conventions ask, a span links to the creation context
 * of every message that caused it. Where all of them belong to one trace it is also a child of the first,
 * so that a chain of wakes stays one tree.
 */
import { type AgentKey, type Headers, attribute, header, readTraceContext, span, splitKey } from '@wakebus/protocol';
import {
  type Attributes,
  type Context,
  INVALID_SPAN_CONTEXT,
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  type Tracer,
  createTraceState,
  trace,
} from '@opentelemetry/api';
import { RunningSpan } from './running-span.ts';

/** What an operator may say about telemetry. */
export interface TelemetryOptions {
  /** Whether spans are started. Without them the context of a cause still travels on. @default true – without an SDK they cost next to nothing. */
  readonly spans?: boolean;
  /** `trace`: a span is a child of its cause, where all its causes are of one trace. `never`: it only links to them, and each turn is a trace of its own. @default "trace" – a chain reads as one tree. */
  readonly parent?: 'trace' | 'never';
  /**
   * Whether the payloads of events stand in the spans of turns, up to 4 KB each: fields that are named
   * like secrets are left out, and a function may change or drop (`undefined`) what is left.
   *
   * @default false – payloads are personal data more often than not.
   */
  readonly payloads?: boolean | ((payload: unknown, event: string) => unknown);
}

type SpanName = (typeof span)[keyof typeof span];

const KINDS: Partial<Record<SpanName, SpanKind>> = {
  [span.wake]: SpanKind.CONSUMER,
  [span.turn]: SpanKind.CONSUMER,
  [span.retry]: SpanKind.CONSUMER,
  [span.relay]: SpanKind.PRODUCER,
  [span.deadLetter]: SpanKind.PRODUCER,
  [span.commit]: SpanKind.CLIENT,
};
const OPERATIONS: Partial<Record<SpanName, Attributes>> = {
  [span.turn]: { [attribute.operationName]: 'process', [attribute.operationType]: 'process' },
  [span.retry]: { [attribute.operationName]: 'process', [attribute.operationType]: 'process' },
  [span.wake]: { [attribute.operationName]: 'wake', [attribute.operationType]: 'receive' },
  [span.relay]: { [attribute.operationName]: 'send', [attribute.operationType]: 'send' },
};

const NO_SPAN = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);

export class Tracing {
  readonly #tracer: Tracer;
  readonly #isOff: boolean;
  readonly #isLinksOnly: boolean;
  readonly #node: string;

  constructor(tracer: Tracer, node: string, options: TelemetryOptions) {
    this.#tracer = tracer;
    this.#node = node;
    this.#isOff = options.spans === false;
    this.#isLinksOnly = options.parent === 'never';
  }

  /**
   * Starts a span about an agent.
   *
   * @param causes - Headers of the messages that caused it, all of which it links to.
   */
  start(name: SpanName, key: AgentKey, causes: ReadonlyArray<Headers | undefined>): RunningSpan {
    if (this.#isOff)
      return new RunningSpan(
        NO_SPAN,
        causes.find((cause) => cause?.[header.traceparent] !== undefined),
      );
    const links: Link[] = [];
    let first: Headers | undefined;
    for (const cause of causes) {
      const context = spanContextOf(cause);
      if (context === undefined) continue;
      first ??= cause;
      links.push({ context });
    }
    const options = { kind: KINDS[name] ?? SpanKind.INTERNAL, links, attributes: this.#attributesOf(name, key) };
    return new RunningSpan(this.#tracer.startSpan(name, options, this.#parentOf(links)), first);
  }

  /** Starts a span below another one of this node: none, where that one is not recorded. */
  below(name: SpanName, key: AgentKey, parent: RunningSpan): RunningSpan {
    return parent.below((above) => {
      const options = { kind: KINDS[name] ?? SpanKind.INTERNAL, attributes: this.#attributesOf(name, key) };
      return this.#tracer.startSpan(name, options, trace.setSpan(ROOT_CONTEXT, above));
    });
  }

  #parentOf(links: readonly Link[]): Context {
    const [first] = links;
    if (first === undefined || this.#isLinksOnly) return ROOT_CONTEXT;
    const { traceId } = first.context;
    const isOneTrace = links.every(({ context }) => context.traceId === traceId);
    return isOneTrace ? trace.setSpanContext(ROOT_CONTEXT, first.context) : ROOT_CONTEXT;
  }

  #attributesOf(name: SpanName, key: AgentKey): Attributes {
    const { type } = splitKey(key);
    return {
      [attribute.system]: 'wakebus',
      [attribute.agentType]: type,
      [attribute.agent]: key,
      [attribute.node]: this.#node,
      ...OPERATIONS[name],
    };
  }
}

function spanContextOf(headers: Headers | undefined): SpanContext | undefined {
  const context = readTraceContext(headers);
  if (context === undefined) return undefined;
  const tracestate = headers?.[header.tracestate];
  if (tracestate === undefined) return { ...context, isRemote: true };
  return { ...context, isRemote: true, traceState: createTraceState(tracestate) };
}
