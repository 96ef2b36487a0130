/**
 * Benchmarks of the hot path: an agent in memory, one event at a time.
 */
import { type Row, atMost, figure, quantile, within } from './rows.ts';
import type { World } from './world.ts';

const WARM_UP = 1_000;
const ROUNDS = 3_000;

/** What the floor measured: a durable turn on bare NATS. */
export interface Floor {
  readonly hotMs: number;
  readonly turnsPerSecond: number;
}

export async function hotRows(world: World, floor: Floor): Promise<Row[]> {
  const agent = world.client.agent('counter', 'hot');
  const callMs = await times(ROUNDS, () => agent.call({ type: 'add', by: 1 }));
  const committedMs = await times(ROUNDS, async () => {
    const committed = new Promise<void>((resolve) => (world.onCommit = () => resolve()));
    await agent.send({ type: 'add', by: 1 });
    await committed;
  });
  world.onCommit = () => {};
  const sendMs = quantile(committedMs, 0.5);
  return [
    atMost('hot-call-p50', 'ms', quantile(callMs, 0.5), floor.hotMs, 1.5),
    figure('hot-call-from-outside-p50', 'ms', await outsideCallMs(world)),
    atMost('hot-send-committed-p50', 'ms', sendMs, floor.hotMs, 1.3),
    atMost('chain-10', 'ms', await chainMs(world), sendMs, 12),
    ...(await commitSizes(world)),
  ];
}

/** A call by a client on a connection of its own. */
async function outsideCallMs(world: World): Promise<number> {
  await using outside = await world.connectClient();
  const agent = outside.client.agent('counter', 'hot');
  return quantile(await times(ROUNDS, () => agent.call({ type: 'add', by: 1 })), 0.5);
}

/** One outside event that hops over ten agents; until the last one has committed. */
async function chainMs(world: World): Promise<number> {
  const first = world.client.agent('counter', 'hop-9');
  const taken = await times(300, async () => {
    const arrived = new Promise<void>((resolve) => (world.onCommit = (key) => key === 'counter.hop-0' && resolve()));
    await first.send({ type: 'hop', left: 9 });
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
    rows.push(within(name, 'ms', quantile(await times(300, () => agent.call({ type: 'add', by: 1 })), 0.5), limitMs));
  }
  return rows;
}

/** Milliseconds of each round, after a warm-up. */
export async function times(rounds: number, run: () => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < rounds + Math.min(WARM_UP, rounds / 3); i += 1) {
    const startedMs = performance.now();
    await run();
    taken.push(performance.now() - startedMs);
  }
  return taken.slice(-rounds);
}
