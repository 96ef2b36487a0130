/**
 * Benchmarks of many events at once.
 */
import type { Floor } from './hot.ts';
import { inFlight } from './in-flight.ts';
import { type Row, atLeast } from './rows.ts';
import { type World, withCpu } from './world.ts';

/** How often a hundred events are sent to one agent. */
const QUEUES = 60;

interface Burst {
  readonly perSecond: number;
  readonly cpu: Pick<Row, 'cpuNodeMs' | 'cpuServerMs'>;
}

/**
 * Sends `each` events to so many agents, a thousand agents under way at once as in the floor, until all
 * are committed.
 */
async function burst(world: World, agents: number, each: number, prefix: string): Promise<Burst> {
  const handles = Array.from({ length: agents }, (_, i) => world.client.agent('counter', `${prefix}${i}`));
  const committed = new Map<string, () => void>();
  world.onCommit = (key) => committed.get(key)?.();
  const startedMs = performance.now();
  const { cpu } = await withCpu(world, agents * each, () =>
    inFlight(handles, 1_000, async (handle, i) => {
      const sent: Array<Promise<unknown>> = [];
      for (let n = 1; n < each; n += 1) sent.push(handle.send({ type: 'add', by: 1 }));
      // Of several events the last one asks for an answer; of one, the commit is seen from inside.
      if (each > 1) sent.push(handle.call({ type: 'add', by: 1 }));
      else
        sent.push(
          new Promise<void>((resolve) => committed.set(`counter.${prefix}${i}`, resolve)),
          handle.send({ type: 'add', by: 1 }),
        );
      await Promise.all(sent);
    }),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  world.onCommit = () => {};
  return { perSecond: (agents * each) / seconds, cpu };
}

/** The best of three: the floor is the better of two. */
async function bestBurst(world: World, agents: number, each: number, prefix: string): Promise<Burst> {
  const bursts: Burst[] = [];
  for (let i = 0; i < 3; i += 1) bursts.push(await burst(world, agents, each, prefix));
  return bursts.reduce((best, next) => (next.perSecond > best.perSecond ? next : best));
}

export async function throughputRows(world: World, floor: Floor): Promise<Row[]> {
  const rows: Row[] = [];
  // Once to bring the agents to life, twice for the compiler: the floor is measured warm as well.
  for (let i = 0; i < 3; i += 1) await burst(world, 20_000, 1, 'many');
  const withHistory = await bestBurst(world, 20_000, 1, 'many');
  rows.push({
    ...atLeast('agents-20000-history', '1/s', withHistory.perSecond, floor.turnsPerSecond, 0.6),
    ...withHistory.cpu,
  });
  await world.restartNode({ history: false });
  await burst(world, 20_000, 1, 'many');
  const without = await bestBurst(world, 20_000, 1, 'many');
  rows.push({ ...atLeast('agents-20000', '1/s', without.perSecond, floor.turnsPerSecond, 0.7), ...without.cpu });
  await world.restartNode();
  await burst(world, 1_000, 1, 'some');
  const batched = await bestBurst(world, 1_000, 20, 'some');
  rows.push({
    ...atLeast('agents-1000-events-20', '1/s', batched.perSecond, floor.turnsPerSecond, 2),
    ...batched.cpu,
  });
  const queued = await withCpu(world, QUEUES * 100, () => queuedPerSecond(world));
  rows.push({ ...atLeast('queued-100-one-agent', '1/s', queued.result, 1000 / floor.hotMs, 8), ...queued.cpu });
  return rows;
}

/** A hundred events sent at once to one agent in memory, against the floor's one after the other. */
async function queuedPerSecond(world: World): Promise<number> {
  const agent = world.client.agent('counter', 'queue');
  await agent.call({ type: 'add', by: 1 });
  const taken: number[] = [];
  for (let round = 0; round < QUEUES; round += 1) {
    const startedMs = performance.now();
    const sent = Array.from({ length: 99 }, () => agent.send({ type: 'add', by: 1 }));
    await Promise.all([...sent, agent.call({ type: 'add', by: 1 })]);
    taken.push(performance.now() - startedMs);
  }
  return 100_000 / (taken.toSorted((a, b) => a - b)[QUEUES / 2] as number);
}
