/**
 * The OpenTelemetry SDK of one process, set up by the standard `OTEL_*` environment variables.
 *
 * Start it before anything else: meters that exist already stay silent. It adds no instrumentation, and
 * tells nothing about the machine: the SDK's own detectors would export host name, user and command line.
 */
import { randomUUID } from 'node:crypto';
import { DiagLogLevel, type DiagLogger, diag } from '@opentelemetry/api';

/** Longest that {@link RunningTelemetry.stop} takes, in milliseconds: half of what is left of a second SIGTERM's patience. */
const STOP_MS = 3_000;
/** A collector that is down is spoken of so often, in milliseconds. */
const COMPLAINT_EVERY_MS = 60_000;
const SERVICE_NAME = 'service.name';
const SERVICE_INSTANCE = 'service.instance.id';

/** Variables, one of which says that somebody wants telemetry. */
const WANTED_BY = [
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
  'OTEL_TRACES_EXPORTER',
  'OTEL_METRICS_EXPORTER',
  'OTEL_CONFIG_FILE',
] as const;

/** What a process says of its telemetry. All else is in the environment. */
export interface TelemetrySettings {
  /** @default `OTEL_SERVICE_NAME`, else "wakebus". */
  readonly serviceName?: string;
  /** Longest that stopping takes, in milliseconds. @default 3,000 – a dead collector must not hold up a drain. */
  readonly stopMs?: number;
  /** Hears that a collector does not answer, once a minute at the most. @default nobody. */
  readonly onFault?: (message: string) => void;
}

/** A running SDK. */
export interface RunningTelemetry {
  /** Sends what is left, in bounded time. It never throws: a dead collector is no reason to fail. */
  stop(): Promise<void>;
}

/** Whether the environment asks for telemetry: the SDK takes 200 ms to load. */
export function isTelemetryWanted(env: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return env['OTEL_SDK_DISABLED'] !== 'true' && WANTED_BY.some((name) => (env[name] ?? '') !== '');
}

/**
 * Starts the SDK: OTLP over HTTP to `OTEL_EXPORTER_OTLP_ENDPOINT`, and what else the environment says.
 * With `OTEL_METRICS_EXPORTER=prometheus` metrics are served on port 9464 instead.
 */
export async function startTelemetry(settings: TelemetrySettings = {}): Promise<RunningTelemetry> {
  const { onFault, serviceName = process.env['OTEL_SERVICE_NAME'] ?? defaultServiceName() } = settings;
  // The SDK's own 10 s would keep a process from ending for as long when its collector is gone.
  process.env['OTEL_EXPORTER_OTLP_TIMEOUT'] ??= String(settings.stopMs ?? STOP_MS);
  const { startNodeSdk } = await import('@opentelemetry/sdk-node');
  const asked = process.env['OTEL_LOG_LEVEL'];
  const sdk = startNodeSdk({
    // The SDK would write what it thinks of the environment to standard output.
    logLevel: asked ?? 'none',
    resourceDetectors: [],
    resourceAttributes: {
      [SERVICE_INSTANCE]: randomUUID(),
      ...(serviceName !== undefined && { [SERVICE_NAME]: serviceName }),
    },
    ...((process.env['OTEL_LOGS_EXPORTER'] ?? '') === '' && { logRecordProcessors: [] }),
  });
  const complaint = new Complaint(onFault);
  if (asked === undefined) diag.setLogger(complaint, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
  return { stop: () => within(settings.stopMs ?? STOP_MS, sdk.shutdown(), () => complaint.error()) };
}

/** `undefined` where OTEL_RESOURCE_ATTRIBUTES has a name already. */
function defaultServiceName(): string | undefined {
  return /(^|,)service\.name=/.test(process.env['OTEL_RESOURCE_ATTRIBUTES'] ?? '') ? undefined : 'wakebus';
}

/** The SDK's own complaints may quote an endpoint's URL with its credentials: only that there are some is passed on. */
class Complaint implements DiagLogger {
  readonly #onFault: (message: string) => void;
  #lastMs = -COMPLAINT_EVERY_MS;

  constructor(onFault: (message: string) => void = () => {}) {
    this.#onFault = onFault;
  }

  error(): void {
    const nowMs = performance.now();
    if (nowMs - this.#lastMs < COMPLAINT_EVERY_MS) return;
    this.#lastMs = nowMs;
    this.#onFault('telemetry cannot be exported: look at OTEL_EXPORTER_OTLP_ENDPOINT and whether its collector runs');
  }

  warn(): void {}
  info(): void {}
  debug(): void {}
  verbose(): void {}
}

async function within(mostMs: number, work: Promise<void>, onLost: () => void): Promise<void> {
  const { promise: over, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`it did not end within ${mostMs} ms`)), mostMs);
  await Promise.race([work, over]).catch(onLost);
  clearTimeout(timer);
}
