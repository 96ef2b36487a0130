/**
 * Operators who take agents back to what they were, and begin others from them: a ledger that keeps snapshots of
 * itself. Whatever comes in between, an agent that went back has the entries of then, and no others.
 */
import { type AgentKey, decodeRecord, keptIn, snapshotIdIn, snapshotKey } from '@wakebus/protocol';
import type { AgentHistory, RunHistory, Violation } from '../checker/run-history.ts';
import { ledgerAgent, ledgerOf } from './ledger-agent.ts';
import { type LedgerPlan, anyAgent, driveLedger, planLedger } from './ledger.ts';
import { numberedAgent } from './simulated-client.ts';
import type { SimulationDriver, Workload } from './workload.ts';

/** Restorations, and forks, of a run. */
const RESTORES = 16;
const FORKS = 4;
/** Agents that are begun by forks have numbers from here on. */
const FIRST_FORK = 1_000;
/** All that are kept stay: what an operator asks for is there. */
const KEPT = { everyTurns: 2, keep: { count: 1_000 } } as const;

/** Entries that an agent must have after a request, by the request's ID. */
type Wanted = Map<string, string>;

/** The workload of restorations. */
export function restoring(): Workload {
  const plan = planLedger({ name: 'restoring', agents: 4 });
  const wanted: Wanted = new Map();
  return {
    name: plan.name,
    agents: plan.types.map((type) => ledgerAgent({ type, onKill: () => plan.kill(), snapshots: KEPT })),
    server: { dedupeWindowMs: 5_000 },
    drive: (driver) => {
      wanted.clear();
      driveLedger(driver, plan);
      restoreSome(driver, plan, wanted);
      forkSome(driver, plan, wanted);
    },
    check: ({ agents }: RunHistory) => [...agents.values()].flatMap((agent) => checkRestored(agent, wanted)),
  };
}

function restoreSome(driver: SimulationDriver, plan: LedgerPlan, wanted: Wanted): void {
  const { clients, prng, spreadMs } = driver;
  for (let i = 0; i < RESTORES; i += 1) {
    const id = `restore-${i}`;
    const agent = anyAgent(prng, plan);
    clients[prng.below(clients.length)]?.control(id, agent, 'restore', prng.fraction() * spreadMs, () => {
      const found = anySnapshot(driver, agent, id, wanted);
      return found && { restore: { snapshot: found.snapshot } };
    });
  }
}

function forkSome(driver: SimulationDriver, plan: LedgerPlan, wanted: Wanted): void {
  const { clients, prng, simulation, spreadMs } = driver;
  for (let i = 0; i < FORKS; i += 1) {
    const id = `fork-${i}`;
    const from = anyAgent(prng, plan);
    const to = numberedAgent(plan.types[0] as string, FIRST_FORK + i);
    clients[prng.below(clients.length)]?.control(id, to, 'restore', prng.fraction() * spreadMs, () => {
      const found = anySnapshot(driver, from, id, wanted);
      if (found === undefined) return undefined;
      simulation.server.snapshots.put(snapshotKey(to, found.snapshot), found.bytes, 0, 'operator');
      return { restore: { snapshot: found.snapshot, isBirth: true } };
    });
  }
}

/** One of those that are kept of an agent, and what that agent was. */
function anySnapshot(
  { prng, simulation }: SimulationDriver,
  agent: AgentKey,
  id: string,
  wanted: Wanted,
): { readonly snapshot: string; readonly bytes: Uint8Array } | undefined {
  const { snapshots } = simulation.server;
  const keys = snapshots.keys(`${agent}.*`);
  const key = keys[prng.below(Math.max(1, keys.length))];
  const bytes = key === undefined ? undefined : snapshots.get(key).bytes;
  const kept = bytes && keptIn(bytes);
  if (key === undefined || bytes === undefined || kept === undefined) return undefined;
  wanted.set(id, JSON.stringify(ledgerOf(decodeRecord(agent, kept.record))?.entries));
  return { snapshot: snapshotIdIn(key), bytes };
}

/** A fork that comes twice finds the agent there, and leaves it as it is. */
function checkRestored({ key, writes }: AgentHistory, wanted: Wanted): Violation[] {
  return writes.flatMap(({ record, revision }, i) => {
    const before = writes[i - 1]?.record;
    const [event] = record?.last?.events ?? [];
    if (event?.type !== 'wakebus.restore' || event.id === undefined || record?.turns === before?.turns) return [];
    const entries = JSON.stringify(ledgerOf(record)?.entries);
    if (entries === wanted.get(event.id)) return [];
    if (event.id.startsWith('fork') && entries === JSON.stringify(ledgerOf(before)?.entries)) return [];
    return [`${key}, revision ${revision}: after ${event.id} it is not what it was`];
  });
}
