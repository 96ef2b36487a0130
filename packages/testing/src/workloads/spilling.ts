/**
 * Snapshots that outgrow their records, and collecting chunks meanwhile: a ledger whose states are in chunks all
 * the time and which keeps snapshots of itself, and two collectors that run against its wakes and each other.
 */
import { collectChunks } from '@wakebus/placement-node';
import { type AgentKey, type AgentRecord, decodeRecord, isWakebusError, namesOf } from '@wakebus/protocol';
import type { RunHistory, Violation } from '../checker/run-history.ts';
import type { Simulation } from '../simulation/simulation.ts';
import { ledgerAgent, ledgerOf } from './ledger-agent.ts';
import { checkLedger } from './ledger-check.ts';
import { driveLedger, planLedger } from './ledger.ts';
import type { SimulationDriver, Workload } from './workload.ts';

/** Small enough that every state is in several chunks. */
const SPILL = { spillBytes: 160, chunkBytes: 64 } as const;
/** A put makes a chunk young after so long, in milliseconds. */
const REFRESH_AFTER_MS = 15_000;
/** Longer than a lease, a late write and a commit that is tried on. */
const GRACE_MS = 2 * REFRESH_AFTER_MS;
/** Often, and soon given up: chunks are named by snapshots only, and then by nothing. */
const KEPT = { everyTurns: 2, everyMs: 7_000, keep: { count: 3, maxAgeMs: 40_000 } } as const;
/** Between two runs of a collector, in milliseconds. */
const COLLECT_EVERY_MS = 8_000;

/**
 * The workload of spilled snapshots. In every other run a chunk is damaged, in one byte: its agent stands still from
 * then on, and never has a state made of it.
 */
export function spilling(): Workload {
  const plan = planLedger({ name: 'spilling', agents: 5 });
  let rotten: AgentKey | undefined;
  return {
    name: plan.name,
    agents: plan.types.map((type) => ledgerAgent({ type, onKill: () => plan.kill(), snapshots: KEPT })),
    server: { dedupeWindowMs: 5_000, refreshAfterMs: REFRESH_AFTER_MS },
    runtime: { limits: { ...SPILL, holdAfterMessages: 4, holdAfterMs: 2_000 } },
    standing: new Set(['CHUNK_DAMAGED']),
    drive: (driver) => {
      rotten = undefined;
      driveLedger(driver, plan);
      collect(driver);
      if (driver.prng.chance(0.5))
        driver.simulation.at(driver.spreadMs / 2, () => (rotten = damageOne(driver.simulation)));
    },
    check: (history) => [
      ...checkLedger(history, new Set(rotten === undefined ? [] : [rotten])),
      ...(rotten === undefined ? [] : checkRotten(history, rotten)),
    ],
  };
}

/** Two collectors, at times of their own, until all has come to rest. */
function collect({ simulation, prng, spreadMs }: SimulationDriver): void {
  for (const name of ['collector-0', 'collector-1']) {
    const { ports } = simulation.node(name);
    for (let ms = prng.fraction() * COLLECT_EVERY_MS; ms < 2 * spreadMs; ms += COLLECT_EVERY_MS)
      simulation.at(ms, () => void collectOnce(simulation, ports));
  }
}

/** What a store that does not answer keeps from it, the next run does. */
async function collectOnce({ scheduler }: Simulation, ports: Parameters<typeof collectChunks>[0]): Promise<void> {
  try {
    await collectChunks(ports, { graceMs: GRACE_MS });
  } catch (thrown) {
    if (!isWakebusError(thrown, 'UNAVAILABLE')) scheduler.fail(thrown as Error);
  }
}

/** Changes a byte in a chunk of an agent that sleeps, and that no other agent has. */
function damageOne({ server }: Simulation): AgentKey | undefined {
  const { agents, objects } = server;
  const records = (agents.keys('>') as AgentKey[]).flatMap((key) => {
    const { bytes } = agents.get(key);
    return bytes === undefined ? [] : [{ key, record: decodeRecord(key, bytes) }];
  });
  const isShared = (name: string): boolean => records.filter(({ record }) => namesIn(record).includes(name)).length > 1;
  for (const { key, record } of records) {
    if (record.lease.holder !== '') continue;
    const name = namesIn(record).find((candidate) => objects.last(candidate) !== undefined && !isShared(candidate));
    const chunk = name === undefined ? undefined : objects.last(name);
    if (name === undefined || chunk === undefined) continue;
    objects.append(name, flipped(chunk.data));
    objects.remove(chunk.seq);
    return key;
  }
  return undefined;
}

function namesIn({ chunks }: AgentRecord): string[] {
  return chunks === undefined ? [] : namesOf(chunks.names);
}

/** With a digit of an ID made a letter, where there is one: what is read then is a state, and a wrong one. */
function flipped(bytes: Uint8Array): Uint8Array {
  const digit = bytes.findIndex((byte, i) => byte >= 0x30 && byte <= 0x39 && bytes[i - 1] === 0x2d);
  const at = Math.max(0, digit);
  return bytes.with(at, (bytes[at] as number) ^ 0x40);
}

/** Nothing was made of the damaged chunk: what the agent had before stands in its list as it was. */
function checkRotten({ agents, operations }: RunHistory, key: AgentKey): Violation[] {
  const writes = agents.get(key)?.writes ?? [];
  const sent = new Set(operations.map(({ id }) => id));
  return writes.flatMap(({ record, revision }) => {
    const invented = (ledgerOf(record)?.entries ?? []).find(({ id }) => !sent.has(id.replace(/[+~]+$/, '')));
    return invented === undefined
      ? []
      : [`${key}, revision ${revision}: ${invented.id} is out of a damaged chunk, and nobody sent it`];
  });
}
