/**
 * Benchmarks of waking: an agent asleep in its record, and how much a sleeping one costs.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { agentKey, encodeRecord, decodeRecord } from '@wakebus/protocol';
import { natsPorts } from '@wakebus/placement-node';
import { type Floor, roundsOf, times } from './hot.ts';
import { type Row, atMost, figure, quantile, within } from './rows.ts';
import { type World, withCpu } from './world.ts';

const ROUNDS = 600;

export async function coldRows(world: World, floor: Floor): Promise<Row[]> {
  const ports = natsPorts(world.connection, world.client.layout);
  const { result: wakeMs, cpu } = await firstTurns(world, 'counter');
  const { result: resumeMs, cpu: resumeCpu } = await firstTurns(world, 'pausing');
  const key = agentKey('counter', 'counted');
  const counted = world.client.agent('counter', 'counted');
  await counted.call({ type: 'rest' });
  const before = await asleepAgain(ports, key, 0);
  await counted.call({ type: 'rest' });
  const after = await asleepAgain(ports, key, before.revision);
  // Nobody else writes just now: each revision in between is a commit of this wake, turn and sleep.
  const commits = after.revision - before.revision;
  return [
    { ...atMost('cold-wake-p50', 'ms', quantile(wakeMs, 0.5), floor.hotMs, 3), ...cpu },
    { ...atMost('paused-resume-p50', 'ms', quantile(resumeMs, 0.5), quantile(wakeMs, 0.5), 0.8), ...resumeCpu },
    within('cold-wake-p99', 'ms', quantile(wakeMs, 0.99), 10),
    within('commits-wake-turn-sleep', '', commits, 2),
  ];
}

/** The first turns of agents of a type after they have rested, each in milliseconds. */
async function firstTurns(
  world: World,
  type: string,
): Promise<{ readonly result: number[]; readonly cpu: Partial<Row> }> {
  const handles = Array.from({ length: ROUNDS * 2 }, (_, i) => world.client.agent(type, `cold-${i}`));
  for (const handle of handles) await handle.call({ type: 'rest' });
  let i = 0;
  return withCpu(world, roundsOf(ROUNDS), () =>
    times(ROUNDS, () => (handles[i++] as (typeof handles)[number]).call({ type: 'add', by: 1 })),
  );
}

async function asleepAgain(
  ports: ReturnType<typeof natsPorts>,
  key: ReturnType<typeof agentKey>,
  afterRevision: number,
): Promise<{ bytes: Uint8Array | undefined; revision: number }> {
  for (;;) {
    const stored = await ports.agents.get(key);
    if (stored.bytes === undefined || stored.revision <= afterRevision) continue;
    if (decodeRecord(key, stored.bytes).lease.holder === '') return stored;
  }
}

const SLEEPERS = 100_000;

/** A hundred thousand agents, each born by an event and put to sleep. */
export async function sleeperRows(world: World, storeDir: string): Promise<Row[]> {
  const few = await wakeP50(world, 100, 'few');
  const recordBytes = await oneRecord(world);
  const heapBefore = await heap();
  const diskBefore = await diskBytes(storeDir);
  const { cpu } = await withCpu(world, SLEEPERS, () => bear(world, SLEEPERS));
  const diskAfter = await diskBytes(storeDir);
  const heapAfter = await heap();
  const many = await wakeP50(world, SLEEPERS, 'sleeper');
  return [
    within('sleeper-disk-beyond-record', 'B', (diskAfter - diskBefore) / SLEEPERS - recordBytes, 1_331),
    within('sleeper-heap', 'B', Math.max(0, heapAfter - heapBefore) / SLEEPERS, 8),
    { ...figure('sleeper-record', 'B', recordBytes), ...cpu },
    atMost('wake-p50-100000', 'ms', many, few, 1.2),
  ];
}

async function bear(world: World, count: number): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: 512 }, async () => {
      while (next < count) {
        const id = next;
        next += 1;
        await world.client.agent('counter', `sleeper${id}`).call({ type: 'rest' });
      }
    }),
  );
}

async function wakeP50(world: World, of: number, prefix: string): Promise<number> {
  if (of <= 100)
    for (let i = 0; i < of; i += 1) await world.client.agent('counter', `${prefix}${i}`).call({ type: 'rest' });
  let i = 0;
  const taken = await times(90, () =>
    world.client.agent('counter', `${prefix}${Math.floor((i++ / 120) * of)}`).call({ type: 'rest' }),
  );
  return quantile(taken, 0.5);
}

async function oneRecord(world: World): Promise<number> {
  const ports = natsPorts(world.connection, world.client.layout);
  const key = agentKey('counter', 'few0');
  const { bytes } = await ports.agents.get(key);
  return encodeRecord(decodeRecord(key, bytes as Uint8Array)).length;
}

/** Bytes of live objects, once what was under way is over: for half a second collections find next to nothing to free. */
async function heap(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let leastBytes = Infinity;
  for (let quiet = 0; quiet < 5; quiet += 1) {
    await setTimeout(100);
    collect();
    const { heapUsed } = process.memoryUsage();
    if (heapUsed < 0.999 * leastBytes) quiet = 0;
    leastBytes = Math.min(leastBytes, heapUsed);
  }
  return leastBytes;
}

/** Bytes in files below a folder. */
async function diskBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(join(entry.parentPath, entry.name)).catch(() => ({ size: 0 }))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
