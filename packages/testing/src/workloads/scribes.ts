/**
 * Files of agents, and collecting their chunks meanwhile: scribes write by effects that fail, take too long, and run
 * where nobody waits for them any more. Whenever a record is written, its files say what its state says.
 */
import { collectChunks, decodeManifest } from '@wakebus/placement-node';
import { type AgentKey, type AgentRecord, WakebusError, isWakebusError, namesOf } from '@wakebus/protocol';
import { type RunHistory, type Violation, contextOf } from '../checker/run-history.ts';
import type { Prng } from '../simulation/prng.ts';
import type { Simulation } from '../simulation/simulation.ts';
import { Actor } from '../simulation/task.ts';
import {
  type Desk,
  LOG,
  SCRIBE_TYPE,
  type ScribeContext,
  WAYS,
  WRITE_TIMEOUT_MS,
  scribeAgent,
} from './scribe-agent.ts';
import { sendEach } from './send-each.ts';
import { numberedAgent } from './simulated-client.ts';
import type { SimulationDriver, Workload } from './workload.ts';

const AGENTS = 3;
/** A put makes a chunk young after so long, in milliseconds. */
const REFRESH_AFTER_MS = 15_000;
const COLLECT_EVERY_MS = 8_000;

type EveryChunk = ReadonlyMap<string, Uint8Array>;

/** The workload of files. */
export function scribes(): Workload {
  let desk: Desk | undefined;
  let stored = new Map<string, Uint8Array>();
  return {
    name: 'scribes',
    server: { refreshAfterMs: REFRESH_AFTER_MS },
    agents: [
      scribeAgent(() => {
        if (desk === undefined) throw new WakebusError('UNAVAILABLE', { what: 'The desk' });
        return desk;
      }),
    ],
    drive: (driver) => {
      const chunks = new Map<string, Uint8Array>();
      stored = chunks;
      driver.simulation.server.objects.listen({
        stored: ({ subject, data }) => void chunks.set(subject, data),
        removed: () => {},
      });
      desk = deskOf(driver.simulation, driver.prng);
      // Each of them is a folder, made and put away: some five times the steps of an event.
      sendEach({ ...driver, operations: Math.ceil(driver.operations / 5) }, (prng) => ({
        agent: numberedAgent(SCRIBE_TYPE, prng.below(AGENTS)),
        kind: WAYS[prng.below(WAYS.length)] ?? 'keyed',
        payload: {},
      }));
      collect(driver);
    },
    check: (history) => [...checkPairs(history, stored), ...checkTold(history)],
  };
}

function deskOf({ scheduler }: Simulation, prng: Prng): Desk {
  const actor = new Actor('desk');
  return {
    draw: () => ({
      afterMs: prng.chance(0.08) ? 2 * WRITE_TIMEOUT_MS : prng.fraction() * 150,
      fails: prng.chance(0.15),
    }),
    wait: (delayMs) =>
      new Promise((resolve) => void scheduler.postAfter(delayMs, { actor, label: 'write', run: resolve })),
  };
}

function collect({ simulation, prng, spreadMs }: SimulationDriver): void {
  const { ports } = simulation.node('collector');
  for (let ms = prng.fraction() * COLLECT_EVERY_MS; ms < 2 * spreadMs; ms += COLLECT_EVERY_MS)
    simulation.at(ms, () => {
      collectChunks(ports, { graceMs: 2 * REFRESH_AFTER_MS }).catch((thrown: unknown) => {
        if (!isWakebusError(thrown, 'UNAVAILABLE')) simulation.scheduler.fail(thrown as Error);
      });
    });
}

/** State and files of every record that was ever written are a pair. */
function checkPairs({ agents }: RunHistory, chunks: EveryChunk): Violation[] {
  return [...agents.values()].flatMap(({ key, writes }) =>
    writes.flatMap(({ record, revision }) => {
      if (record === undefined || record.snapshot.length === 0) return [];
      const { written } = contextOf(record) as ScribeContext;
      const files = linesOf(key, record, chunks);
      if (files === undefined) return [`${key}, revision ${revision}: its files cannot be read`];
      const isPair = files.length === written.length && files.every((line, i) => line === written[i]);
      const both = `${JSON.stringify(files)}, and its state ${JSON.stringify(written)}`;
      return isPair ? [] : [`${key}, revision ${revision}: its files say ${both}`];
    }),
  );
}

function linesOf(key: AgentKey, { workspace }: AgentRecord, every: EveryChunk): string[] | undefined {
  if (workspace === undefined) return [];
  const bytesOf = (names: readonly string[]): Uint8Array[] | undefined => {
    const found = names.map((name) => every.get(name));
    return found.every((bytes) => bytes !== undefined) ? found : undefined;
  };
  const manifest = bytesOf(namesOf(workspace.names));
  if (manifest === undefined) return undefined;
  const { chunks, entries } = decodeManifest(key, Buffer.concat(manifest));
  const content = bytesOf(chunks);
  const log = entries.find(({ path }) => path === LOG);
  if (content === undefined || log?.kind !== 'file') return undefined;
  const parts = log.parts.map(({ chunk, offset, length }) => content[chunk]?.subarray(offset, offset + length));
  return Buffer.concat(parts.filter((part) => part !== undefined))
    .toString()
    .trim()
    .split('\n');
}

/** Everything that was sent is told of once, and nothing is left under way. */
function checkTold({ agents, operations }: RunHistory): Violation[] {
  const left = [...agents.values()].flatMap(({ key, record }) =>
    (record?.journal ?? [])
      .filter(({ state }) => state === 'planned' || state === 'started')
      .map(({ id, state }) => `${key}: ${id} is still ${state}`),
  );
  const wrong = operations.flatMap(({ agent, id, outcome }) => {
    const context = contextOf(agents.get(agent)?.record) as ScribeContext | undefined;
    const words = [...(context?.written ?? []), ...(context?.refused ?? []).map(([refused]) => refused)];
    const count = words.filter((word) => word === id).length;
    return count === 1 || (count === 0 && outcome !== 'ok') ? [] : [`${agent}: ${id} was told of ${count} times`];
  });
  return [...left, ...wrong];
}
