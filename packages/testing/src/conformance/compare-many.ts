/**
 * Many random traces over several deployments at once: most of a trace's time is waiting.
 *
 * A trace that shows a difference is run again; when that shows one too, it is made as short as it can
 * be. One that differs only once is told as `unsteady`: either the server or the comparison depends on
 * something that is not in the trace.
 */
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import * as fc from 'fast-check';
import { compareTrace } from './compare-trace.ts';
import { type Difference, type StepCounts, UnclearError } from './lock-step.ts';
import type { Trace } from './operation.ts';
import { type LaneSetting, ServerLane } from './server-lane.ts';
import { traces } from './trace-generator.ts';

export interface ComparisonOptions {
  readonly replicas: 1 | 3;
  readonly firstSeed: number;
  /** How many traces. */
  readonly count: number;
  /** Operations of a trace at most. @default 25 – most differences need fewer than five */
  readonly maxLength?: number;
  /** Traces with restarts of the server, one at a time. @default false */
  readonly restarts?: boolean;
  /** Deployments side by side. @default 8 on one server, 4 on three: creating them costs elections */
  readonly lanes?: number;
  readonly onRow?: (row: ComparisonRow) => void;
}

/** What became of one trace. */
export interface ComparisonRow extends StepCounts {
  readonly seed: number;
  readonly replicas: 1 | 3;
  readonly restarts: boolean;
  readonly lane: string;
  readonly result: 'same' | 'different' | 'unsteady' | 'unclear';
  readonly ms: number;
  /** The shortest trace that was found to differ, and in what. */
  readonly trace?: Trace;
  readonly difference?: Difference;
}

const DEFAULT_LENGTH = 25;
/** How long a trace is made shorter, in milliseconds. */
const SHRINK_MS = 90_000;
/** Patience with each shorter trace, in milliseconds: it differs at once or is no better example. */
const SHRINK_PATIENCE_MS = 3_000;
/** What a server takes by default, in bytes. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;

/** Deployments differ in what their inboxes take: anything, few messages, few bytes. */
const LIMITS = [
  { inboxMaxMessages: 1_000, inboxMaxBytes: 1024 ** 3, duplicateWindowMs: 120_000 },
  { inboxMaxMessages: 5, inboxMaxBytes: 1024 ** 3, duplicateWindowMs: 1_000 },
  { inboxMaxMessages: 1_000, inboxMaxBytes: 1_000, duplicateWindowMs: 1_000 },
] as const;

/** Compares `count` traces, each drawn by a seed of its own. @returns a row for each, in the order of their ends. */
export async function compareMany(options: ComparisonOptions): Promise<ComparisonRow[]> {
  const { replicas, restarts = false } = options;
  const lanes = restarts ? 1 : (options.lanes ?? (replicas === 1 ? 8 : 4));
  await using servers = await startNatsServer({ cluster: replicas === 3, maxPayloadBytes: MAX_PAYLOAD_BYTES });
  const seeds = Array.from({ length: options.count }, (_, i) => options.firstSeed + i).values();
  const rows: ComparisonRow[] = [];
  await Promise.all(
    Array.from({ length: Math.min(lanes, options.count) }, async (_, lane) => {
      for await (const row of runLane(servers, laneSetting(lane, replicas), options, seeds)) {
        options.onRow?.(row);
        rows.push(row);
      }
    }),
  );
  return rows;
}

function laneSetting(lane: number, replicas: 1 | 3): LaneSetting {
  return { name: `lane-${lane}`, replicas, ...(LIMITS[lane % LIMITS.length] as (typeof LIMITS)[number]) };
}

async function* runLane(
  servers: NatsServers,
  setting: LaneSetting,
  options: ComparisonOptions,
  seeds: Iterator<number>,
): AsyncGenerator<ComparisonRow> {
  const lane = await ServerLane.open(servers, setting);
  try {
    for (let next = seeds.next(); next.done !== true; next = seeds.next())
      yield await new SeedComparison(lane, options, next.value).run();
  } finally {
    await lane.close();
  }
}

/** One seed's trace, and the shorter ones that are tried when it differs. */
class SeedComparison {
  readonly #lane: ServerLane;
  readonly #options: ComparisonOptions;
  readonly #seed: number;
  #result: ComparisonRow['result'] = 'same';
  #counts: StepCounts = { operations: 0, stale: 0, inFlight: 0 };
  /** The last, and so shortest, trace that was found to differ. */
  #found: { readonly trace: Trace; readonly difference: Difference } | undefined;

  constructor(lane: ServerLane, options: ComparisonOptions, seed: number) {
    this.#lane = lane;
    this.#options = options;
    this.#seed = seed;
  }

  async run(): Promise<ComparisonRow> {
    const startedMs = performance.now();
    const { maxLength = DEFAULT_LENGTH, restarts = false, replicas } = this.#options;
    const property = fc.asyncProperty(traces({ maxLength, restarts }), (trace) => this.#holds(trace));
    await fc.check(property, { seed: this.#seed, numRuns: 1, interruptAfterTimeLimit: SHRINK_MS });
    return {
      seed: this.#seed,
      replicas,
      restarts,
      lane: this.#lane.setting.name,
      result: this.#result,
      ms: Math.round(performance.now() - startedMs),
      ...this.#counts,
      ...this.#found,
    };
  }

  async #holds(trace: Trace): Promise<boolean> {
    const isFirst = this.#counts.operations === 0 && this.#found === undefined;
    try {
      const { difference, counts } = await compareTrace(
        this.#lane,
        trace,
        isFirst ? {} : { patienceMs: SHRINK_PATIENCE_MS },
      );
      if (isFirst) this.#counts = counts;
      if (difference === undefined) return true;
      if (isFirst) {
        this.#found = { trace, difference };
        this.#result = 'unsteady';
        if ((await compareTrace(this.#lane, trace)).difference === undefined) return true;
      }
      this.#result = 'different';
      this.#found = { trace, difference };
      return false;
    } catch (error) {
      if (!(error instanceof UnclearError)) throw error;
      if (isFirst) this.#result = 'unclear';
      return true;
    }
  }
}
