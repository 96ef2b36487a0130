/**
 * Benchmarks of the hot path: an agent in memory, one event at a time.
 */
import { type Row, atMost, figure, quantile, within } from './rows.ts';
import { type World, withCpu } from './world.ts';

const WARM_UP = 1_000;
const ROUNDS = 3_000;
const CHAINS = 300;
/** Agents of a chain. */
const HOPS = 10;
/** Commits of each size. */
const SIZED = 300;

/** What the floor measured: a durable turn on bare NATS. */
export interface Floor {
  readonly hotMs: number;
  readonly turnsPerSecond: number;
}

export async function hotRows(world: World, floor: Floor): Promise<Row[]> {
  const agent = world.client.agent('counter', 'hot');
  const calls = await withCpu(world, roundsOf(ROUNDS), () => times(ROUNDS, () => agent.call({ type: 'add', by: 1 })));
  const sends = await withCpu(world, roundsOf(ROUNDS), () => times(ROUNDS, () => committed(world, agent)));
  world.onCommit = () => {};
  const chain = await withCpu(world, roundsOf(CHAINS) * HOPS, () => chainMs(world));
  const sendMs = quantile(sends.result, 0.5);
  return [
    { ...atMost('hot-call-p50', 'ms', quantile(calls.result, 0.5), floor.hotMs, 1.5), ...calls.cpu },
    figure('hot-call-from-outside-p50', 'ms', await outsideCallMs(world)),
    { ...atMost('hot-send-committed-p50', 'ms', sendMs, floor.hotMs, 1.3), ...sends.cpu },
    { ...atMost('chain-10', 'ms', chain.result, sendMs, 12), ...chain.cpu },
    ...(await commitSizes(world)),
  ];
}

/** A call by a client on a connection of its own. */
async function outsideCallMs(world: World): Promise<number> {
  await using outside = await world.connectClient();
  const agent = outside.client.agent('counter', 'hot');
  return quantile(await times(ROUNDS, () => agent.call({ type: 'add', by: 1 })), 0.5);
}

/** One event, until its turn is committed. */
async function committed(world: World, agent: ReturnType<World['client']['agent']>): Promise<void> {
  const done = new Promise<void>((resolve) => (world.onCommit = () => resolve()));
  await agent.send({ type: 'add', by: 1 });
  await done;
}

/** One outside event that hops over ten agents; until the last one has committed. */
async function chainMs(world: World): Promise<number> {
  const first = world.client.agent('counter', `hop-${HOPS - 1}`);
  const taken = await times(CHAINS, async () => {
    const arrived = new Promise<void>((resolve) => (world.onCommit = (key) => key === 'counter.hop-0' && resolve()));
    await first.send({ type: 'hop', left: HOPS - 1 });
    await arrived;
  });
  return quantile(taken, 0.5);
}

async function commitSizes(world: World): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, type, limitMs] of [
    ['commit-1kb-p50', 'counter', 10],
    ['commit-16kb-p50', 'big16', 15],
    ['commit-128kb-p50', 'big128', 40],
  ] as const) {
    const agent = world.client.agent(type, 'size');
    const { result, cpu } = await withCpu(world, roundsOf(SIZED), () =>
      times(SIZED, () => agent.call({ type: 'add', by: 1 })),
    );
    rows.push({ ...within(name, 'ms', quantile(result, 0.5), limitMs), ...cpu });
  }
  return rows;
}

/** Milliseconds of each round, after a warm-up. */
export async function times(rounds: number, run: () => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < roundsOf(rounds); i += 1) {
    const startedMs = performance.now();
    await run();
    taken.push(performance.now() - startedMs);
  }
  return taken.slice(-rounds);
}

/** So many rounds, and their warm-up. */
export function roundsOf(rounds: number): number {
  return rounds + Math.min(WARM_UP, Math.ceil(rounds / 3));
}
