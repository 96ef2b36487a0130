/**
 * One run as plain data: a workload by its name, a seed, and what differs from the default. What is printed
 * of a failing run, shrunk, and kept as a regression is this.
 */
import { Layout } from '@wakebus/protocol';
import { type FaultBounds, type FaultRates, ROUGH } from '../simulation/faults.ts';
import type { Simulation } from '../simulation/simulation.ts';
import { workloads } from '../workloads/catalogue.ts';
import { type WorkloadResult, runWorkload } from '../workloads/run-workload.ts';
import type { Workload } from '../workloads/workload.ts';
import { type RunReport, reportRun } from './run-report.ts';

/** Everything that decides a run. */
export interface RunSettings {
  readonly workload: string;
  readonly seed: number;
  /** @default 3 */
  readonly nodes?: number;
  /** @default 2 */
  readonly clients?: number;
  /** Operations that the clients send. @default 200 */
  readonly operations?: number;
  /** Time over which they are spread, in milliseconds. @default 60,000 */
  readonly spreadMs?: number;
  /** @default 4 */
  readonly partitions?: number;
  /** @default a rough day: every fault */
  readonly faults?: FaultRates;
  readonly bounds?: Partial<FaultBounds>;
  /** Steps after which the run is taken for one that never comes to rest. @default 2,000,000 */
  readonly maxSteps?: number;
}

const DEFAULT_PARTITIONS = 4;

/** @throws {Error} when there is no workload of that name; it names those that there are. */
export function makeWorkload(name: string): Workload {
  const make = workloads[name];
  if (make !== undefined) return make();
  throw new Error(`There is no workload "${name}". There are: ${Object.keys(workloads).join(', ')}.`);
}

/**
 * Runs what the settings say. A run that ends with an error is a broken promise like any other.
 *
 * @param onSimulation - Called before anything runs.
 * @param made - The workload, where it is none that has a name here.
 */
export async function runSettings(
  settings: RunSettings,
  onSimulation?: (simulation: Simulation) => void,
  made: Workload = makeWorkload(settings.workload),
): Promise<RunReport> {
  const { workload, partitions = DEFAULT_PARTITIONS, faults = ROUGH, ...rest } = settings;
  let simulation: Simulation | undefined;
  const listen = (begun: Simulation): void => {
    simulation = begun;
    onSimulation?.(begun);
  };
  try {
    const options = { ...rest, layout: new Layout({ partitions }), faults, workload: made, onSimulation: listen };
    return reportRun(settings, await runWorkload(options));
  } catch (error) {
    if (simulation === undefined) throw error;
    const ended: WorkloadResult = {
      simulation,
      history: {
        agents: new Map(),
        operations: [],
        endMs: simulation.server.nowMs(),
        missed: [],
        living: new Set(),
      },
      violations: [`${workload}, seed ${settings.seed}: ${String(error)}`],
      steps: simulation.scheduler.steps,
    };
    return reportRun(settings, ended);
  }
}
