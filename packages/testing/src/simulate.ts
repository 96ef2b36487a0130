/**
 * `simulate(agent, { seeds })`: a user's own agents on simulated placement nodes, on a rough day.
 *
 * The machine is run by the real runtime over an in-memory server; what it does beyond its events (real timers,
 * files, `Math.random`) is not seen here, and makes a seed show something else each time.
 */
import type { AnyAgentDefinition } from '@wakebus/core';
import { type AgentEvent, type AgentRecord, addressOf, decode } from '@wakebus/protocol';
import { checkConsumed } from './checker/check-consumed.ts';
import type { RunHistory, Violation } from './checker/run-history.ts';
import { narrate } from './runs/narrate.ts';
import type { RunReport } from './runs/run-report.ts';
import { type RunSettings, runSettings } from './runs/run-settings.ts';
import { RunTotals } from './runs/run-totals.ts';
import { shrink } from './runs/shrink.ts';
import type { Prng } from './simulation/prng.ts';
import { sendEach } from './workloads/send-each.ts';
import { numberedAgent } from './workloads/simulated-client.ts';
import type { Workload, WorkloadDriver } from './workloads/workload.ts';

/** One committed state of an agent. */
export interface AgentState<Context = unknown> {
  readonly address: string;
  /** The state value, as in XState. */
  readonly value: unknown;
  readonly context: Context;
}

export interface SimulateOptions<Context = unknown> extends Omit<RunSettings, 'workload' | 'seed'> {
  /** How many seeds to run, one simulation each. @default 100 – some 15 s, and each meets a few hundred faults */
  readonly seeds?: number;
  /** The first of them. @default 1 */
  readonly from?: number;
  /** Agents that the clients send to: `<type>/a0`, `<type>/a1` and so on. @default 4 – few, so that they meet under load */
  readonly agents?: number;
  /** Other agents that they send to. @default none */
  readonly others?: readonly AnyAgentDefinition[];
  /** Makes the next event of a client. Draw from `random` alone: the seed then decides everything. */
  readonly events: (random: Prng, address: string) => AgentEvent;
  /** What must hold of every committed state: `true`, or what is wrong. */
  readonly invariant?: (state: AgentState<Context>) => boolean | string;
  /** What must hold of all agents together, once everything has come to rest: `true`, or what is wrong. */
  readonly atRest?: (states: ReadonlyArray<AgentState<Context>>) => boolean | string;
}

export interface SimulateResult {
  /** Runs that count and broke no promise. */
  readonly passed: number;
  /** What was wrong, each with its seed; empty when all is well. */
  readonly violations: readonly Violation[];
  /** The first failing run, shrunk, as a story; empty when all is well. */
  readonly story: string;
  /** What was done, as `npm run sim` counts it. */
  readonly totals: RunTotals;
}

/**
 * Runs an agent of yours over many seeds, and checks your invariants beside the promises of the runtime.
 *
 * @param agent - As given to `startPlacementNode`.
 */
export async function simulate<Context = unknown>(
  agent: AnyAgentDefinition,
  options: SimulateOptions<Context>,
): Promise<SimulateResult> {
  const { seeds = 100, from = 1 } = options;
  const settings = settingsOf(options);
  const run = (one: RunSettings): Promise<RunReport> => runSettings(one, undefined, workloadOf(agent, options));
  const totals = new RunTotals();
  const violations: Violation[] = [];
  let first: RunReport | undefined;
  for (let seed = from; seed < from + seeds; seed += 1) {
    const report = await run({ ...settings, workload: agent.type, seed });
    totals.add(report);
    violations.push(...report.violations);
    if (report.violations.length > 0) first ??= report;
  }
  const story = first === undefined ? '' : narrate(await shrink(first, run));
  return { passed: totals.passed, violations, story, totals };
}

/** What of the options decides a run beside its workload: plain data, which a story can print. */
function settingsOf<Context>(options: SimulateOptions<Context>): Omit<RunSettings, 'workload' | 'seed'> {
  const { agents: _agents, others: _others, events: _events, invariant: _invariant, ...rest } = options;
  const { seeds: _seeds, from: _from, atRest: _atRest, ...settings } = rest;
  return settings;
}

function workloadOf<Context>(agent: AnyAgentDefinition, options: SimulateOptions<Context>): Workload {
  const { others = [] } = options;
  return {
    name: agent.type,
    agents: [agent, ...others],
    drive: (driver) => drive(driver, agent.type, options),
    check: (history) => [
      ...[...history.agents.values()].flatMap((one) => checkConsumed(one, history.operations)),
      ...checkStates(history, options),
    ],
  };
}

function drive<Context>(
  driver: WorkloadDriver,
  agentType: string,
  { agents = 4, events }: SimulateOptions<Context>,
): void {
  sendEach(driver, (prng) => {
    const agent = numberedAgent(agentType, prng.below(agents));
    const { type: kind, ...payload } = events(prng, addressOf(agent));
    return { agent, kind, payload };
  });
}

function checkStates<Context>(
  { agents }: RunHistory,
  { invariant, atRest }: Pick<SimulateOptions<Context>, 'invariant' | 'atRest'>,
): Violation[] {
  const wrongStates = [...agents.values()].flatMap(({ key, writes }) =>
    writes.flatMap(({ record, revision }) => {
      const state = stateOf<Context>(addressOf(key), record);
      const wrong = state === undefined ? undefined : complaint(invariant?.(state));
      return wrong === undefined ? [] : [`${key}, revision ${revision}: ${wrong}`];
    }),
  );
  const last = [...agents.values()].flatMap(({ key, record }) => stateOf<Context>(addressOf(key), record) ?? []);
  const wrongEnd = complaint(atRest?.(last));
  return [...wrongStates, ...(wrongEnd === undefined ? [] : [`at rest: ${wrongEnd}`])];
}

function stateOf<Context>(address: string, record: AgentRecord | undefined): AgentState<Context> | undefined {
  if (record === undefined || record.snapshot.length === 0) return undefined;
  const { value, context } = decode(record.snapshot) as { value: unknown; context: Context };
  return { address, value, context };
}

function complaint(verdict: boolean | string = true): string | undefined {
  if (verdict === true) return undefined;
  return verdict === false ? 'the invariant does not hold' : verdict;
}
