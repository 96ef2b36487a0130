/**
 * One run: a simulation of some placement nodes under a workload, first with faults, then without
 * until everything has come to rest, and then the checks.
 */
import { isWakebusError } from '@wakebus/protocol';
import { PlacementRuntime, type RuntimeOptions } from '@wakebus/placement-node';
import { AcknowledgementWatch } from '../checker/acknowledgements.ts';
import { memoryAgents } from '../checker/memory-history.ts';
import { type RunHistory, type Violation, readHistory } from '../checker/run-history.ts';
import { Prng } from '../simulation/prng.ts';
import { Simulation, type SimulationOptions } from '../simulation/simulation.ts';
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

/** Wait before a placement node that could not start is started again, in milliseconds. */
const START_AGAIN_MS = 1_000;

/** Runs a workload to its end. Every violation names the seed that shows it again. */
export async function runWorkload(options: WorkloadOptions): Promise<WorkloadResult> {
  const { workload, nodes = 3, clients = 2, operations = 200, spreadMs = 60_000, maxSteps = 2_000_000 } = options;
  const simulation = new Simulation({ ...options, server: { ...workload.server, ...options.server } });
  options.onSimulation?.(simulation);
  const acknowledgements = new AcknowledgementWatch(simulation.server);
  for (let i = 0; i < nodes; i += 1) {
    startNode(simulation, `n${i}`, { ...workload.runtime, ...options.runtime, agents: workload.agents });
  }
  const senders = Array.from(
    { length: clients },
    (_, i) => new SimulatedClient(`c${i}`, simulation.node(`c${i}`).ports),
  );
  workload.drive({ simulation, prng: new Prng(options.seed, 'workload'), clients: senders, operations, spreadMs });
  await simulation.run({
    until: () => senders.every(({ isDone }) => isDone),
    forMs: 10 * spreadMs,
    maxSteps: maxSteps / 2,
  });
  simulation.healAll();
  const { reason } = await simulation.run({ untilQuiet: true, maxSteps: maxSteps / 2 });
  const history = readHistory(
    memoryAgents(simulation.server),
    senders.flatMap((sender) => sender.operations),
  );
  const unrest = reason === 'quiet' ? [] : [unrestOf(simulation, reason)];
  const violations = [...unrest, ...acknowledgements.check(), ...workload.check(history)].map(
    (violation) => `${workload.name}, seed ${options.seed}: ${violation}`,
  );
  return { simulation, history, violations, steps: simulation.scheduler.steps };
}

/** A placement node that starts again when it could not, as a supervisor would see to. */
function startNode(simulation: Simulation, name: string, runtime: RuntimeOptions): void {
  simulation.node(name, (node) => {
    const { ports } = node;
    const start = (): void => {
      PlacementRuntime.start(ports, { ...runtime, name }).catch((thrown: unknown) => {
        if (isWakebusError(thrown) && thrown.next !== 'terminal') ports.clock.setTimer(START_AGAIN_MS, start);
        else simulation.scheduler.fail(thrown as Error);
      });
    };
    start();
  });
}

function unrestOf({ server }: Simulation, reason: string): Violation {
  const waiting = server.inbox();
  const some = waiting.slice(0, 5).map(({ seq, subject }) => `${seq} ${subject}`);
  return `It never came to rest (${reason}); ${waiting.length} messages wait: ${some.join(', ')}`;
}
