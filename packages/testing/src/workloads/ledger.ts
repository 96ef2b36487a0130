/**
 * The ledger: agents that write every event into a list, under everything that a client and an operator
 * may ask of them. Its variants are the same plan with more of one thing.
 */
import type { AnyAgentDefinition } from '@wakebus/core';
import { type AgentKey, addressOf } from '@wakebus/protocol';
import type { RunHistory, Violation } from '../checker/run-history.ts';
import type { Prng } from '../simulation/prng.ts';
import { LEDGER_TYPE, ledgerAgent } from './ledger-agent.ts';
import { checkLedger } from './ledger-check.ts';
import { sendEach } from './send-each.ts';
import { numberedAgent, type PlannedOperation } from './simulated-client.ts';
import type { Workload, WorkloadDriver } from './workload.ts';

export interface LedgerOptions {
  /** @default "ledger" */
  readonly name?: string;
  /** Number of agents of each type. @default 8 */
  readonly agents?: number;
  /** Agent types, which send to each other as well. @default "ledger" alone */
  readonly types?: readonly string[];
  /** Longest timer, in milliseconds. @default 20,000 – longer than sleep and lease */
  readonly longestDelayMs?: number;
  /** Share of events that always throw. @default 0.01 */
  readonly failing?: number;
  /** Share of events that make the agent send to another one. @default 0.25 */
  readonly passing?: number;
  /** Share of events whose client waits for an answer. @default 0.2 */
  readonly asking?: number;
}

const DEFAULTS = {
  name: 'ledger',
  agents: 8,
  types: [LEDGER_TYPE],
  longestDelayMs: 20_000,
  failing: 0.01,
  passing: 0.25,
  asking: 0.2,
} as const;

/** The plan of a ledger, for the workloads that add to it. */
export interface LedgerPlan extends Required<LedgerOptions> {
  /** Share of events that kill the process which runs them. */
  readonly killing: number;
  /** Ends the process that runs an agent; set once the run begins. */
  kill: () => void;
}

export function planLedger(options: LedgerOptions, killing = 0): LedgerPlan {
  return { ...DEFAULTS, ...options, killing, kill: () => {} };
}

/** The workload of the ledger. */
export function ledger(options: LedgerOptions = {}): Workload<WorkloadDriver> {
  const plan = planLedger(options);
  return {
    name: plan.name,
    agents: agentsOf(plan, 1),
    // So short a window that duplicates come past it: the record must know what it has processed.
    server: { dedupeWindowMs: 5_000 },
    drive: (driver) => driveLedger(driver, plan),
    check: (history: RunHistory): Violation[] => checkLedger(history),
  };
}

/** The agents of a plan in one version. */
export function agentsOf(plan: LedgerPlan, version: number): AnyAgentDefinition[] {
  return plan.types.map((type) => ledgerAgent({ type, version, onKill: () => plan.kill() }));
}

/** Plans all operations. */
export function driveLedger(driver: WorkloadDriver, plan: LedgerPlan): void {
  sendEach(driver, (prng) => ({ ...chooseEvent(prng, plan), agent: anyAgent(prng, plan) }));
}

/** One of the agents of a plan. */
export function anyAgent(prng: Prng, { types, agents }: LedgerPlan): AgentKey {
  return numberedAgent(types[prng.below(types.length)] as string, prng.below(agents));
}

function chooseEvent(prng: Prng, plan: LedgerPlan): Pick<PlannedOperation, 'kind' | 'payload' | 'to' | 'asks'> {
  const choice = prng.fraction();
  const { failing, killing, passing } = plan;
  if (choice < failing) return { kind: 'fail', payload: {} };
  if (choice < failing + killing) return { kind: 'kill', payload: {} };
  if (choice < failing + killing + passing) {
    const to = addressOf(anyAgent(prng, plan));
    return { kind: 'pass', payload: { to }, to };
  }
  const rest = prng.fraction();
  if (rest < 0.13) return { kind: 'remind', payload: { delayMs: Math.floor(prng.fraction() * plan.longestDelayMs) } };
  if (rest < 0.2) return { kind: 'rest', payload: {} };
  return { kind: 'add', payload: {}, asks: prng.chance(plan.asking) };
}
