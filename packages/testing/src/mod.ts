/**
 * Everything for testing agents and Wakebus itself: an in-memory server, a deterministic simulation of
 * whole deployments, and checks over what happened.
 */
export type { Link, Operation, OperationKind, ServerEnvironment, ServerFault, Way } from './memory/environment.ts';
export { type BucketOptions, type BucketWrite, MemoryBucket } from './memory/memory-bucket.ts';
export { memoryPorts } from './memory/memory-ports.ts';
export { MemoryServer, type MemoryServerOptions, type OutsideEvent } from './memory/memory-server.ts';
export { MemoryStream, type StreamOptions } from './memory/memory-stream.ts';
export {
  type Disaster,
  type FaultBounds,
  type FaultName,
  type FaultRates,
  Faults,
  ROUGH,
} from './simulation/faults.ts';
export { Prng } from './simulation/prng.ts';
export type { StopReason } from './simulation/scheduler.ts';
export { type SimulatedNode, type StartNode } from './simulation/simulated-node.ts';
export { SelfDrive } from './simulation/self-drive.ts';
export { type RunOptions, type RunResult, Simulation, type SimulationOptions } from './simulation/simulation.ts';
export { AcknowledgementWatch } from './checker/acknowledgements.ts';
export { checkAnswers } from './checker/check-answers.ts';
export { checkConsumed } from './checker/check-consumed.ts';
export { checkLifecycles } from './checker/check-lifecycle.ts';
export { type StandingCodes, checkStanding } from './checker/check-standing.ts';
export { OutputWatch } from './checker/output-gate.ts';
export { checkTakeovers } from './checker/check-takeovers.ts';
export { checkTimers } from './checker/check-timers.ts';
export { checkTold } from './checker/check-told.ts';
export { ZombieWatch } from './checker/zombies.ts';
export { type ListExpectation, type ReadList, checkGrowth, checkList, checkOrder } from './checker/check-lists.ts';
export { type PairTraffic, checkPairs } from './checker/check-pairs.ts';
export { checkRecords } from './checker/check-records.ts';
export { type AccountCommit, checkPrefixes, checkTotal } from './checker/check-total.ts';
export { memoryAgents } from './checker/memory-history.ts';
export {
  type AgentHistory,
  type ClientOperation,
  type RecordWrite,
  type RunHistory,
  type StoredAgent,
  type StoredWrite,
  type Violation,
  contextOf,
  readHistory,
} from './checker/run-history.ts';
export { type Blow, type ExhaustiveResult, SMALL_RUN, runExhaustively } from './runs/exhaustive.ts';
export type { Part } from './runs/part.ts';
export { narrate } from './runs/narrate.ts';
export { type RunReport } from './runs/run-report.ts';
export { type RunSettings, runSettings } from './runs/run-settings.ts';
export { type FigureRow, RunTotals } from './runs/run-totals.ts';
export { shrink } from './runs/shrink.ts';
export { type AgentState, type SimulateOptions, type SimulateResult, simulate } from './simulate.ts';
export { accountAgent, bank } from './workloads/bank.ts';
export { workloads } from './workloads/catalogue.ts';
export { type LedgerOptions, ledger } from './workloads/ledger.ts';
export { type LedgerAgentOptions, ledgerAgent } from './workloads/ledger-agent.ts';
export { type PurchasesOptions, purchases } from './workloads/purchases.ts';
export { type WorkloadOptions, type WorkloadResult, runWorkload } from './workloads/run-workload.ts';
export { type PlannedOperation, SimulatedClient, numberedAgent } from './workloads/simulated-client.ts';
export type { Workload, WorkloadDriver } from './workloads/workload.ts';
