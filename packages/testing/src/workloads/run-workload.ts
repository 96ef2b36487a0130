/**
 * One run: a simulation of some placement nodes under a workload, first with faults, then without
 * until everything has come to rest, and then the checks.
 */
import type { RuntimeOptions } from '@wakebus/placement-node';
import { AcknowledgementWatch } from '../checker/acknowledgements.ts';
import { ChunkWatch } from '../checker/chunk-watch.ts';
import { memoryAgents, toldIncidents } from '../checker/memory-history.ts';
import { type RunHistory, type Violation, readHistory } from '../checker/run-history.ts';
import { ZombieWatch } from '../checker/zombies.ts';
import { OutputWatch } from '../checker/output-gate.ts';
import { checkRuntime } from '../checker/check-runtime.ts';
import type { FaultName, FaultRates } from '../simulation/faults.ts';
import { Prng } from '../simulation/prng.ts';
import { type RunResult, Simulation, type SimulationOptions } from '../simulation/simulation.ts';
import { NodeProgram } from './node-program.ts';
import { SimulatedClient } from './simulated-client.ts';
import type { Workload } from './workload.ts';

export interface WorkloadOptions extends SimulationOptions {
  readonly workload: Workload;
  /** Placement nodes. @default 3 */
  readonly nodes?: number;
  /** Clients, each a process of its own that no disaster strikes. @default 2 */
  readonly clients?: number;
  /** Operations that the clients send. @default 200 */
  readonly operations?: number;
  /** Time over which they are spread, in milliseconds. @default 60,000 */
  readonly spreadMs?: number;
  /** Steps after which the run is taken for one that never comes to rest. @default 2,000,000 */
  readonly maxSteps?: number;
  /** Passed on to each placement node. */
  readonly runtime?: Omit<RuntimeOptions, 'agents'>;
  /** Called before anything runs: to listen, and to plan faults. */
  readonly onSimulation?: (simulation: Simulation) => void;
}

export interface WorkloadResult {
  readonly simulation: Simulation;
  readonly history: RunHistory;
  readonly violations: readonly Violation[];
  readonly steps: number;
}

/** How long messages that stand aside are waited for, in milliseconds: a jump of the clock each way, and the audit's minute. */
const ASIDE_MS = 180_000;

/** Runs a workload to its end. Every violation names the seed that shows it again. */
export async function runWorkload(options: WorkloadOptions): Promise<WorkloadResult> {
  const { workload, nodes = 3, clients = 2, operations = 200, spreadMs = 60_000, maxSteps = 2_000_000 } = options;
  const simulation = new Simulation({
    ...options,
    server: { ...workload.server, ...options.server },
    faults: ratesFor(workload, options.faults),
  });
  options.onSimulation?.(simulation);
  const acknowledgements = new AcknowledgementWatch(simulation.server, workload.refused);
  const outputs = new OutputWatch(simulation.server);
  const zombies = new ZombieWatch(simulation);
  const chunks = new ChunkWatch(simulation.server);
  const programs = Array.from({ length: nodes }, (_, i) => {
    const releases = workload.releases?.(i) ?? [{}];
    const common = { ...workload.runtime, ...options.runtime, agents: workload.agents };
    return new NodeProgram(
      simulation,
      `n${i}`,
      releases.map((release) => ({ ...common, ...release })),
    );
  });
  const senders = Array.from({ length: clients }, (_, i) => makeClient(simulation, `c${i}`));
  workload.drive({
    simulation,
    nodes: programs,
    prng: new Prng(options.seed, 'workload'),
    clients: senders,
    operations,
    spreadMs,
  });
  await simulation.run({
    until: () => senders.every(({ isDone }) => isDone),
    forMs: 10 * spreadMs,
    maxSteps: maxSteps / 2,
  });
  simulation.healAll();
  const { reason } = await comeToRest(simulation, maxSteps / 2);
  const history = readHistory(
    memoryAgents(simulation.server, chunks.everyChunk),
    senders.flatMap((sender) => sender.operations),
    {
      endMs: simulation.server.nowMs(),
      missed: [],
      living: new Set(simulation.server.leases.keys('>')),
      told: toldIncidents(simulation.server),
    },
  );
  const unrest = reason === 'quiet' ? [] : [unrestOf(simulation, reason)];
  const violations = [
    ...unrest,
    ...acknowledgements.check(history),
    ...outputs.check(history),
    ...zombies.check(),
    ...chunks.check(),
    ...checkRuntime(history, workload.standing),
    ...workload.check(history),
  ].map((violation) => `${workload.name}, seed ${options.seed}: ${violation}`);
  return { simulation, history, violations, steps: simulation.scheduler.steps };
}

/** What stands aside is no sign of unrest: an agent whose retry is due by a clock that jumped takes it in minutes later. */
async function comeToRest(simulation: Simulation, maxSteps: number): Promise<RunResult> {
  const { held } = simulation.server;
  const rest = await simulation.run({ untilQuiet: true, maxSteps });
  if (rest.reason !== 'quiet' || held.size === 0) return rest;
  await simulation.run({ forMs: ASIDE_MS, until: () => held.size === 0, maxSteps });
  return simulation.run({ untilQuiet: true, maxSteps });
}

function ratesFor({ without = [] }: Workload, faults: FaultRates = {}): FaultRates {
  return Object.fromEntries(Object.entries(faults).filter(([fault]) => !without.includes(fault as FaultName)));
}

function makeClient(simulation: Simulation, name: string): SimulatedClient {
  return new SimulatedClient(name, simulation.node(name).ports, simulation.faults, new Prng(simulation.seed, name));
}

function unrestOf({ server }: Simulation, reason: string): Violation {
  const waiting = server.inbox();
  const some = waiting.slice(0, 5).map(({ seq, subject }) => `${seq} ${subject}`);
  return `It never came to rest (${reason}); ${waiting.length} messages wait: ${some.join(', ')}`;
}
