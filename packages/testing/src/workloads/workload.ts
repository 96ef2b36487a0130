/**
 * What a workload is: agents, clients that send to them, and the promises that must hold afterwards.
 */
import type { AnyAgentDefinition } from '@wakebus/core';
import type { RuntimeOptions } from '@wakebus/placement-node';
import type { MemoryServerOptions } from '../memory/memory-server.ts';
import type { FaultName } from '../simulation/faults.ts';
import type { Simulation } from '../simulation/simulation.ts';
import type { RunHistory, Violation } from '../checker/run-history.ts';
import type { Prng } from '../simulation/prng.ts';
import type { NodeProgram } from './node-program.ts';
import type { PlannedOperation, SimulatedClient } from './simulated-client.ts';

/** Whoever sends what a workload plans. */
interface WorkloadClient {
  readonly name: string;
  send(planned: PlannedOperation): void;
}

/** What every workload is driven with, in a simulation or on real processes. */
export interface WorkloadDriver {
  readonly prng: Prng;
  readonly clients: readonly WorkloadClient[];
  /** Operations to send, in all. */
  readonly operations: number;
  /** Time over which they are spread, in milliseconds. */
  readonly spreadMs: number;
}

/** What a simulation gives beside that. */
export interface SimulationDriver extends WorkloadDriver {
  /** The run that it drives, for what only this workload plans. */
  readonly simulation: Simulation;
  readonly nodes: readonly NodeProgram[];
  readonly clients: readonly SimulatedClient[];
}

export interface Workload<Driver extends WorkloadDriver = SimulationDriver> {
  readonly name: string;
  readonly agents: readonly AnyAgentDefinition[];
  /** How the server differs from the default, where that is what the workload is about. */
  readonly server?: MemoryServerOptions;
  /** How the placement nodes do. */
  readonly runtime?: Omit<RuntimeOptions, 'agents'>;
  /** What the n-th node runs, release after release, where that differs. @default all agents, in one release */
  releases?(node: number): ReadonlyArray<Partial<RuntimeOptions>>;
  /** Faults under which its promise does not hold, and that its runs leave out. */
  readonly without?: readonly FaultName[];
  /** Events that its agents' gates refuse at the door. */
  readonly refused?: ReadonlySet<string>;
  /** Error codes for which its agents may stand still. */
  readonly standing?: ReadonlySet<string>;
  /** Gives every operation to a client, each at its time. Returns at once. */
  drive(driver: Driver): void;
  /** What is wrong with its agents, once everything has come to rest. What the runtime promises of any is checked elsewhere. */
  check(history: RunHistory): Violation[];
}
