/**
 * The ledger with more of one thing: workloads that each look at one promise from close by.
 */
import { type AgentKey, encode, splitKey } from '@wakebus/protocol';
import type { RunHistory, Violation } from '../checker/run-history.ts';
import { checkTakeovers } from '../checker/check-takeovers.ts';
import type { Simulation } from '../simulation/simulation.ts';
import { stopTurn } from '../memory/memory-turn-runner.ts';
import { LEDGER_TYPE, ledgerAgent, ledgerOf } from './ledger-agent.ts';
import { checkLedger } from './ledger-check.ts';
import { agentsOf, anyAgent, driveLedger, ledger, planLedger } from './ledger.ts';
import { numberedAgent } from './simulated-client.ts';
import type { SimulationDriver, Workload } from './workload.ts';

/** Agents that send to each other through inboxes that are full most of the time: they must drain by themselves. */
export function crowd(): Workload {
  const rest = ledger({ name: 'crowd', passing: 0.6 });
  return { ...rest, server: { ...rest.server, inboxMaxMessages: 12 } };
}

/** Events that kill the process which runs them: each one ends in the dead letters, and the others are processed. */
export function killing(): Workload {
  const plan = planLedger({ name: 'killing', agents: 4 }, 0.02);
  return {
    ...ledger({ name: plan.name }),
    agents: agentsOf(plan, 1),
    drive: (driver) => {
      plan.kill = () => driver.simulation.crashRunning();
      driveLedger(driver, plan);
    },
  };
}

/**
 * Isolated agents, and events that never end: each is stopped, counted and parked, with no other message blamed,
 * and the rest goes on as in any ledger.
 */
export function looping(): Workload {
  const plan = planLedger({ name: 'looping', agents: 4 }, 0.03);
  return {
    ...ledger({ name: plan.name }),
    agents: [ledgerAgent({ onKill: stopTurn, isIsolated: true })],
    drive: (driver) => driveLedger(driver, plan),
  };
}

/**
 * Nothing goes wrong: nodes leave and come back in good order, and deliveries go to the wrong node, twice and
 * late. Agents change hands, and nobody's claim is broken.
 */
export function calm(): Workload {
  const plan = planLedger({ name: 'calm' });
  const rolls = 6;
  return {
    ...ledger({ name: plan.name }),
    releases: () => Array.from({ length: rolls + 1 }, () => ({})),
    without: [
      'requestLost',
      'replyLost',
      'replyLate',
      'lateWrite',
      'delayed',
      'plainLost',
      'crash',
      'pause',
      'cut',
      'serverRestart',
      'consumerLost',
      'leaderLost',
    ],
    drive: (driver) => {
      driveLedger(driver, plan);
      const { simulation, nodes, spreadMs } = driver;
      for (let i = 0; i < rolls * nodes.length; i += 1)
        simulation.at((spreadMs * (i + 1)) / (rolls * nodes.length + 1), () => nodes[i % nodes.length]?.roll());
    },
    check: (history) => [...checkLedger(history), ...checkTakeovers(history)],
  };
}

/** Operators suspend, release and remove agents meanwhile, and twice disable the whole type; mailboxes move aside early. */
export function operators(): Workload {
  const plan = planLedger({ name: 'operators' });
  return {
    name: plan.name,
    agents: agentsOf(plan, 1),
    runtime: { limits: { holdAfterMessages: 4, holdAfterMs: 2_000 } },
    standing: new Set(['SUSPENDED']),
    drive: (driver) => {
      driveLedger(driver, plan);
      const { prng, clients, operations, simulation, spreadMs } = driver;
      const [operator] = clients;
      for (const share of [0.3, 0.6]) {
        simulation.at(spreadMs * share, () => switchLedgers(simulation, true));
        simulation.at(spreadMs * (share + 0.1), () => switchLedgers(simulation, false));
      }
      for (let i = 0; i < operations / 15; i += 1) {
        const agent = anyAgent(prng, plan);
        const afterMs = prng.fraction() * spreadMs;
        if (prng.chance(0.3)) operator?.control(`remove-${i}`, agent, 'remove', afterMs);
        else operator?.control(`suspend-${i}`, agent, 'suspend', afterMs);
        operator?.control(`release-${i}`, agent, 'release', afterMs + prng.fraction() * 8_000);
      }
      for (let i = 0; i < plan.agents; i += 1)
        operator?.control(`free-${i}`, numberedAgent(LEDGER_TYPE, i), 'release', spreadMs + 10_000);
    },
    check: (history) => checkLedger(history),
  };
}

/** Disables all ledgers, or enables them again: an operator whose own call nothing befalls. */
function switchLedgers({ server: { layout, registry }, nowMs }: Simulation, isDisabled: boolean): void {
  const key = layout.disabledTypeKey(LEDGER_TYPE);
  const { revision } = registry.get(key);
  const mark = encode({ v: 1, type: LEDGER_TYPE, reason: 'a test', atMs: nowMs });
  if (isDisabled) registry.put(key, mark, revision, 'operator');
  else registry.remove(key, revision, 'operator');
}

/** Two pools whose agents send to each other, while all nodes are rolled to the next version and back into service. */
export function rolling(): Workload {
  const archive = 'archive';
  const plan = planLedger({ name: 'rolling', types: [LEDGER_TYPE, archive], agents: 4 });
  const newest = 3;
  return {
    name: plan.name,
    agents: [],
    releases: (node) => {
      const type = node % 3 === 2 ? archive : LEDGER_TYPE;
      return Array.from({ length: newest }, (_, i) => ({
        pool: `${type}_pool`,
        agents: agentsOf({ ...plan, types: [type] }, i + 1),
      }));
    },
    drive: (driver) => {
      driveLedger(driver, plan);
      const { simulation, nodes, spreadMs } = driver;
      for (let release = 1; release < newest; release += 1) {
        nodes.forEach((node, i) =>
          simulation.at((spreadMs * (release + i / nodes.length)) / newest, () => node.roll()),
        );
      }
    },
    check: (history) => [...checkLedger(history), ...checkMigrations(history)],
  };
}

/** A state is brought to each newer version once. */
function checkMigrations({ agents }: RunHistory): Violation[] {
  return [...agents.values()].flatMap(({ key, writes }) => {
    const first = writes.find(({ record }) => ledgerOf(record) !== undefined)?.record?.machineVersion ?? 1;
    return writes.flatMap(({ record, revision }) => {
      const migrations = ledgerOf(record)?.migrations;
      const due = (record?.machineVersion ?? first) - first;
      return migrations === undefined || migrations === due
        ? []
        : [
            `${key}, revision ${revision}: version ${record?.machineVersion} after ${migrations} migrations, not ${due}`,
          ];
    });
  });
}

/** A record vanishes in mid-run. Its agent must stand still from then on, whatever comes: it was not born again. */
export function damage(): Workload {
  const plan = planLedger({ name: 'damage' });
  let lost: { readonly key: AgentKey; readonly revision: number } | undefined;
  return {
    name: plan.name,
    agents: agentsOf(plan, 1),
    runtime: { limits: { holdAfterMessages: 4, holdAfterMs: 2_000 } },
    standing: new Set(['RECORD_MISSING']),
    drive: (driver: SimulationDriver) => {
      lost = undefined;
      driveLedger(driver, plan);
      driver.simulation.at(driver.spreadMs / 2, () => (lost = loseRecord(driver.simulation)));
    },
    check: (history) => [
      ...checkLedger(history, new Set(lost === undefined ? [] : [lost.key])),
      ...(lost === undefined ? [] : checkLost(history, lost)),
    ],
  };
}

/** Loses the record of an agent whose first messages are long gone: only then can its absence be told from a birth. */
function loseRecord({ server }: Simulation): { key: AgentKey; revision: number } | undefined {
  const waiting = new Set(server.inbox().map(({ subject }) => server.layout.readInboxSubject(subject)?.key));
  const key = (server.agents.keys('>') as AgentKey[]).find(
    (candidate) => splitKey(candidate).type === LEDGER_TYPE && !waiting.has(candidate),
  );
  if (key === undefined) return undefined;
  const revision = server.agents.revision(key);
  server.agents.lose(key);
  return { key, revision };
}

function checkLost({ agents }: RunHistory, lost: { key: AgentKey; revision: number }): Violation[] {
  const later = agents.get(lost.key)?.writes.filter(({ revision }) => revision > lost.revision) ?? [];
  const reborn = later.find(({ record }) => record !== undefined && record.lifecycle.name !== 'quarantined');
  return reborn === undefined
    ? []
    : [
        `${lost.key}, revision ${reborn.revision} by ${reborn.by}: its record was lost, and it is ${reborn.record?.lifecycle.name} again`,
      ];
}
