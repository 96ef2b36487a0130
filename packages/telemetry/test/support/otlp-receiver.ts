/** A collector for tests: OTLP over HTTP, in protobuf and in JSON, read back as spans and metrics. */
import { once } from 'node:events';
import { type IncomingMessage, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeProtobuf, metricsRequest, traceRequest } from './protobuf.ts';

type Value = string | number | boolean | readonly unknown[] | undefined;
export type Facts = Readonly<Record<string, Value>>;

/** A span as it was received. Times are milliseconds since the epoch. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly links: ReadonlyArray<{ readonly traceId: string; readonly spanId: string }>;
  readonly events: ReadonlyArray<{ readonly name: string; readonly facts: Facts }>;
  readonly error: string | undefined;
  readonly facts: Facts;
  readonly resource: Facts;
}

/** The newest value of one series. Of a histogram: how often something was recorded. */
export interface ReceivedPoint {
  readonly name: string;
  readonly facts: Facts;
  readonly value: number;
}

export class OtlpReceiver implements AsyncDisposable {
  readonly spans: ReceivedSpan[] = [];
  /** Content types that were posted. */
  readonly contentTypes = new Set<string>();
  /** Everything that was posted, as it came. */
  readonly bodies: Buffer[] = [];
  readonly #points = new Map<string, ReceivedPoint>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const receive = async (): Promise<void> => {
        const isJson = await this.#receive(request);
        response.setHeader('Content-Type', isJson ? 'application/json' : 'application/x-protobuf');
        response.end(isJson ? '{}' : '');
      };
      void receive();
    });
  }

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    await once(receiver.#server.listen(0, '127.0.0.1'), 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The newest values under a metric's name. */
  points(name: string): ReceivedPoint[] {
    return [...this.#points.values()].filter((point) => point.name === name);
  }

  /** The sum of the newest values of those series that have the given facts. */
  total(name: string, facts: Facts = {}): number {
    return this.points(name)
      .filter((point) => Object.entries(facts).every(([fact, value]) => point.facts[fact] === value))
      .reduce((sum, { value }) => sum + value, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #receive(request: IncomingMessage): Promise<boolean> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const contentType = request.headers['content-type'] ?? '';
    this.bodies.push(body);
    this.contentTypes.add(contentType);
    const isJson = contentType.startsWith('application/json');
    const isTraces = request.url === '/v1/traces';
    const message = isJson
      ? (JSON.parse(body.toString('utf8')) as OtlpRequest)
      : (decodeProtobuf(isTraces ? traceRequest : metricsRequest, body) as OtlpRequest);
    for (const group of message.resourceSpans ?? [])
      for (const { spans = [] } of group.scopeSpans) this.spans.push(...spans.map((span) => spanOf(span, group)));
    for (const group of message.resourceMetrics ?? [])
      for (const { metrics = [] } of group.scopeMetrics) for (const metric of metrics) this.#take(metric, group);
    return isJson;
  }

  #take({ name, gauge, sum, histogram }: OtlpMetric, group: OtlpGroup): void {
    const instance = factsOf(group.resource?.attributes)['service.instance.id'];
    for (const point of (gauge ?? sum ?? histogram)?.dataPoints ?? []) {
      const facts = factsOf(point.attributes);
      const value = Number(point.asInt ?? point.asDouble ?? point.count ?? 0);
      this.#points.set(JSON.stringify([name, instance, facts]), { name, facts, value });
    }
  }
}

interface OtlpAttribute {
  readonly key: string;
  readonly value?: Readonly<Record<string, unknown>>;
}
interface OtlpGroup {
  readonly resource?: { readonly attributes?: readonly OtlpAttribute[] };
}
interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind?: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly OtlpAttribute[];
  readonly events?: ReadonlyArray<{ readonly name: string; readonly attributes?: readonly OtlpAttribute[] }>;
  readonly links?: ReadonlyArray<{ readonly traceId: string; readonly spanId: string }>;
  readonly status?: { readonly code?: number; readonly message?: string };
}
interface OtlpPoints {
  readonly dataPoints?: ReadonlyArray<{
    readonly attributes?: readonly OtlpAttribute[];
    readonly asInt?: string | number;
    readonly asDouble?: number;
    readonly count?: string | number;
  }>;
}
interface OtlpMetric {
  readonly name: string;
  readonly gauge?: OtlpPoints;
  readonly sum?: OtlpPoints;
  readonly histogram?: OtlpPoints;
}
interface OtlpRequest {
  readonly resourceSpans?: ReadonlyArray<
    OtlpGroup & { readonly scopeSpans: ReadonlyArray<{ readonly spans?: readonly OtlpSpan[] }> }
  >;
  readonly resourceMetrics?: ReadonlyArray<
    OtlpGroup & { readonly scopeMetrics: ReadonlyArray<{ readonly metrics?: readonly OtlpMetric[] }> }
  >;
}

const ERROR = 2;

function spanOf(span: OtlpSpan, group: OtlpGroup): ReceivedSpan {
  const {
    attributes,
    events = [],
    kind = 0,
    links = [],
    name,
    parentSpanId = '',
    spanId,
    status,
    traceId,
    traceState = '',
  } = span;
  return {
    traceId,
    spanId,
    parentSpanId,
    traceState,
    name,
    kind,
    startMs: Number(span.startTimeUnixNano) / 1e6,
    endMs: Number(span.endTimeUnixNano) / 1e6,
    links: links.map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
    events: events.map((event) => ({ name: event.name, facts: factsOf(event.attributes) })),
    error: status?.code === ERROR ? (status.message ?? '') : undefined,
    facts: factsOf(attributes),
    resource: factsOf(group.resource?.attributes),
  };
}

function factsOf(attributes: readonly OtlpAttribute[] = []): Facts {
  return Object.fromEntries(
    attributes.map(({ key, value = {} }) => {
      const [[kind, raw] = ['stringValue', '']] = Object.entries(value);
      return [key, (kind === 'intValue' ? Number(raw) : raw) as Value];
    }),
  );
}
