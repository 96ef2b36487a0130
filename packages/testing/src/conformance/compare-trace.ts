/**
 * One trace on one deployment: both sides made ready, run in step, and cleared away.
 */
import { type Difference, LockStep, PATIENCE_MS, type StepCounts, UnclearError } from './lock-step.ts';
import { ModelDeployment } from './model-side.ts';
import type { MemoryServerOptions } from '../memory/memory-server.ts';
import type { Trace } from './operation.ts';
import type { ServerLane } from './server-lane.ts';
import { Side } from './side.ts';

/** Runs of a trace until the machine was quick enough to tell. */
const MOST_RUNS = 6;

export interface TraceComparison {
  readonly difference: Difference | undefined;
  readonly counts: StepCounts;
}

export interface TraceOptions {
  /** How long the sides may differ in what comes by itself, in milliseconds. @default {@link PATIENCE_MS} */
  readonly patienceMs?: number;
  /** What the model is told in place of the lane's own setting: to see that the comparison sees it. @default nothing */
  readonly model?: MemoryServerOptions;
}

/** Compares one trace. @throws {UnclearError} when the machine is too slow throughout. */
export async function compareTrace(
  lane: ServerLane,
  trace: Trace,
  options: TraceOptions = {},
): Promise<TraceComparison> {
  for (let run = 1; ; run += 1) {
    try {
      return await compareOnce(lane, trace, options);
    } catch (error) {
      if (!(error instanceof UnclearError) || run === MOST_RUNS) throw error;
    }
  }
}

async function compareOnce(
  lane: ServerLane,
  trace: Trace,
  { patienceMs = PATIENCE_MS, model: wrong }: TraceOptions,
): Promise<TraceComparison> {
  const scene = lane.nextScene();
  const server = new Side(lane, scene);
  await server.begin();
  const epochMs = Date.now();
  const { replicas, inboxMaxMessages, inboxMaxBytes, duplicateWindowMs } = lane.setting;
  const limits = { replicas, inboxMaxMessages, inboxMaxBytes, dedupeWindowMs: duplicateWindowMs, ...wrong };
  const deployment = new ModelDeployment(lane.layout, limits, epochMs);
  const model = new Side(deployment, scene);
  await model.begin();
  const steps = new LockStep(server, model, deployment, { replicas, duplicateWindowMs, patienceMs }, epochMs);
  try {
    return { difference: await steps.run(trace), counts: steps.counts };
  } finally {
    await server.end();
  }
}
