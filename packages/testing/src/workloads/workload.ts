/**
 * What a workload is: agents, clients that send to them, and the promises that must hold afterwards.
 */
import type { AnyAgentDefinition } from '@wakebus/core';
import type { RunHistory, Violation } from '../checker/run-history.ts';
import type { Prng } from '../simulation/prng.ts';
import type { SimulatedClient } from './simulated-client.ts';

export interface WorkloadDriver {
  readonly prng: Prng;
  readonly clients: readonly SimulatedClient[];
  /** Operations to send, in all. */
  readonly operations: number;
  /** Time over which they are spread, in milliseconds. */
  readonly spreadMs: number;
}

export interface Workload {
  readonly name: string;
  readonly agents: readonly AnyAgentDefinition[];
  /** Gives every operation to a client, each at its time. Returns at once. */
  drive(driver: WorkloadDriver): void;
  /** What is wrong, once everything has come to rest. */
  check(history: RunHistory): Violation[];
}
