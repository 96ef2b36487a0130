/**
 * What one placement node emits: spans and counters, through the OpenTelemetry API only.
 *
 * How spans hang together is in `telemetry/tracing.ts`; their names, and those of the metrics, are in
 * `@wakebus/protocol`.
 */
import {
  type AgentKey,
  type Headers,
  RECORD_LIMIT_BYTES,
  RECORD_WARN_BYTES,
  metric,
  type span as spanName,
} from '@wakebus/protocol';
import {
  type Attributes,
  type Counter,
  type Histogram,
  type Meter,
  type MetricOptions,
  metrics,
  trace,
} from '@opentelemetry/api';
import { payloadText } from './telemetry/payload-text.ts';
import type { RunningSpan } from './telemetry/running-span.ts';
import { type TelemetryOptions, Tracing } from './telemetry/tracing.ts';

const SCOPE = '@wakebus/placement-node';

/** From a commit in memory to a minute; the SDK's own bounds see nothing below 5 ms. */
const MS: MetricOptions = {
  unit: 'ms',
  advice: {
    explicitBucketBoundaries: [0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000],
  },
};
/** Up to the largest record, with the size among them from which on operators are warned. */
const BYTES: MetricOptions = {
  unit: 'By',
  advice: {
    explicitBucketBoundaries: [
      256,
      1_024,
      4_096,
      16_384,
      65_536,
      131_072,
      262_144,
      RECORD_WARN_BYTES,
      RECORD_LIMIT_BYTES,
    ],
  },
};

/**
 * What one placement node measures. Series are told apart by agent type and by words of a short list,
 * never by an ID: a million agents make no more of them than one.
 */
export class Telemetry {
  readonly #options: TelemetryOptions;
  readonly #tracing: Tracing;
  readonly #meter: Meter = metrics.getMeter(SCOPE);
  readonly wakes: Counter = this.#meter.createCounter(metric.wakeRate);
  readonly falseWakes: Counter = this.#meter.createCounter(metric.falseWakeRate);
  readonly pauses: Counter = this.#meter.createCounter(metric.pauseRate);
  readonly programEnds: Counter = this.#meter.createCounter(metric.programEnds);
  readonly sleeps: Counter = this.#meter.createCounter(metric.sleepRate);
  readonly resumes: Counter = this.#meter.createCounter(metric.resumeSuccessRate);
  readonly turns: Counter = this.#meter.createCounter(metric.turns);
  readonly duplicates: Counter = this.#meter.createCounter(metric.duplicates);
  readonly lostCommits: Counter = this.#meter.createCounter(metric.duplicateCommitCount);
  readonly retries: Counter = this.#meter.createCounter(metric.retryCount);
  readonly deadLetters: Counter = this.#meter.createCounter(metric.deadLetters);
  readonly auditedRecords: Counter = this.#meter.createCounter(metric.auditedRecords);
  readonly auditFinds: Counter = this.#meter.createCounter(metric.auditFinds);
  readonly takeovers: Counter = this.#meter.createCounter(metric.takeovers);
  readonly gated: Counter = this.#meter.createCounter(metric.gated);
  readonly effects: Counter = this.#meter.createCounter(metric.effects);
  readonly parkedEffects: Counter = this.#meter.createCounter(metric.parkedEffects);
  readonly unknownEffects: Counter = this.#meter.createCounter(metric.unknownEffects);
  readonly timeouts: Counter = this.#meter.createCounter(metric.timeoutRate);
  readonly hydrateMs: Histogram = this.#meter.createHistogram(metric.hydrateMs, MS);
  readonly hydrateBytes: Histogram = this.#meter.createHistogram(metric.hydrateBytes, BYTES);
  readonly dehydrateMs: Histogram = this.#meter.createHistogram(metric.dehydrateMs, MS);
  readonly dehydrateBytes: Histogram = this.#meter.createHistogram(metric.dehydrateBytes, BYTES);
  readonly turnMs: Histogram = this.#meter.createHistogram(metric.turnMs, MS);
  readonly commitMs: Histogram = this.#meter.createHistogram(metric.commitMs, MS);
  readonly effectMs: Histogram = this.#meter.createHistogram(metric.effectMs, MS);
  readonly messageDelayMs: Histogram = this.#meter.createHistogram(metric.messageDelayMs, MS);
  readonly timerLatenessMs: Histogram = this.#meter.createHistogram(metric.timerLatenessMs, MS);
  readonly recordBytes: Histogram = this.#meter.createHistogram(metric.recordBytes, BYTES);

  constructor(nodeId = '', options: TelemetryOptions = {}) {
    this.#options = options;
    this.#tracing = new Tracing(trace.getTracer(SCOPE), nodeId, options);
  }

  /** Counts when somebody looks. */
  observe(name: (typeof metric)[keyof typeof metric], count: () => number): void {
    this.#meter.createObservableGauge(name).addCallback((result) => result.observe(count()));
  }

  /** As {@link observe}, a count for each of some attributes. */
  observeEach(
    name: (typeof metric)[keyof typeof metric],
    counts: () => ReadonlyArray<readonly [count: number, attributes: Attributes]>,
  ): void {
    this.#meter.createObservableGauge(name).addCallback((result) => {
      for (const [count, attributes] of counts()) result.observe(count, attributes);
    });
  }

  /**
   * Starts a span about an agent.
   *
   * @param causes - Headers of the messages that caused it.
   */
  start(
    name: (typeof spanName)[keyof typeof spanName],
    key: AgentKey,
    causes: ReadonlyArray<Headers | undefined>,
  ): RunningSpan {
    return this.#tracing.start(name, key, causes);
  }

  /** Starts a span below another one of this node; none, where that one is not recorded. */
  below(name: (typeof spanName)[keyof typeof spanName], key: AgentKey, parent: RunningSpan): RunningSpan {
    return this.#tracing.below(name, key, parent);
  }

  /** A payload as text for a span; `undefined` unless somebody asked for payloads. */
  payloadOf(payload: unknown, event: string): string | undefined {
    const { payloads = false } = this.#options;
    if (payloads === false) return undefined;
    const kept = payloads === true ? payload : payloads(payload, event);
    return kept === undefined ? undefined : payloadText(kept);
  }
}
