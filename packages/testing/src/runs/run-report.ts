/**
 * What one run comes to. A run in which hardly anything happened proves nothing: it is counted apart.
 */
import type { RunHistory, Violation } from '../checker/run-history.ts';
import type { Simulation } from '../simulation/simulation.ts';
import type { WorkloadResult } from '../workloads/run-workload.ts';
import type { RunSettings } from './run-settings.ts';

export interface RunReport {
  readonly settings: RunSettings;
  readonly simulation: Simulation;
  readonly history: RunHistory;
  /** Broken promises. */
  readonly violations: readonly Violation[];
  readonly steps: number;
  /** Turns that were committed. */
  readonly turns: number;
  /** Faults that met their step. */
  readonly strikes: number;
  readonly operations: number;
  /** Why the run proves nothing, though no promise was broken; empty when it counts. */
  readonly shortcomings: readonly string[];
}

/** A run counts from here on. */
const LEAST = { steps: 200, turns: 20, strikes: 3, successShare: 0.8 } as const;

export function reportRun(
  settings: RunSettings,
  { simulation, history, violations, steps }: WorkloadResult,
): RunReport {
  const { operations } = history;
  const turns = [...history.agents.values()].reduce((sum, { record }) => sum + (record?.turns ?? 0), 0);
  const strikes = simulation.faults.total;
  const facts = { steps, turns, strikes, operations: operations.length };
  const succeeded = operations.filter(({ outcome }) => outcome === 'ok').length;
  const shortcomings = shortcomingsOf(facts, succeeded, simulation.unmetPlans);
  return { settings, simulation, history, violations, ...facts, shortcomings };
}

function shortcomingsOf(
  facts: Pick<RunReport, 'steps' | 'turns' | 'strikes' | 'operations'>,
  succeeded: number,
  unmetPlans: number,
): string[] {
  const { steps, turns, strikes, operations } = facts;
  return [
    ...few('steps', steps, LEAST.steps),
    ...few('committed turns', turns, LEAST.turns),
    ...few('faults that met their step', strikes, LEAST.strikes),
    ...(succeeded < operations * LEAST.successShare ? [`${succeeded} of ${operations} operations succeeded`] : []),
    ...(unmetPlans > 0 ? [`${unmetPlans} planned faults never met their step`] : []),
  ];
}

function few(what: string, is: number, least: number): string[] {
  return is < least ? [`${is} ${what}, and ${least} are needed`] : [];
}
