/**
 * Benchmarks of effects: what one adds in commits, and what the machinery costs turns that use none.
 */
import { type AnyAgentDefinition, defineAgent, effect, reply } from '@wakebus/core';
import { assign, setup } from 'xstate';
import { type Row, figure, quantile, within } from './rows.ts';
import { type World, startWorld } from './world.ts';

const EFFECTS = 300;
/** Differences that are averaged; of each agent so many slices in one, of so many turns, in turn with the others'. */
const ROUNDS = 20;
const SLICES = 50;
const SLICE = 25;
/** Rounds before those that count. */
const WARM_UP = 3;
/** More than the record keeps of effects that are over. */
const ENDED = 12;
const AWAKE_MS = 600_000;
/** One-sided 95 % of Student's t with 19 degrees of freedom. */
const T95 = 1.729;

/** Counts. The same machine as the other one's, but for the effect. */
const plainAgent: AnyAgentDefinition = defineAgent({
  type: 'plain',
  machine: setup({
    types: { context: {} as { n: number }, events: {} as { type: 'add' | 'note' } },
  }).createMachine({
    context: { n: 0 },
    initial: 'idle',
    on: {
      add: { actions: [assign({ n: ({ context }) => context.n + 1 }), reply(({ context }) => context.n)] },
      note: '.noting',
    },
    states: { idle: {}, noting: {} },
  }),
  sleep: { afterMs: AWAKE_MS },
});

/** Counts, and has an effect where it is asked to. */
const notingAgent: AnyAgentDefinition = defineAgent({
  type: 'noting',
  machine: setup({
    types: { context: {} as { n: number }, events: {} as { type: 'add' | 'note' } },
    actors: { note: effect({ run: () => Promise.resolve(1) }) },
  }).createMachine({
    context: { n: 0 },
    initial: 'idle',
    on: {
      add: { actions: [assign({ n: ({ context }) => context.n + 1 }), reply(({ context }) => context.n)] },
      note: '.noting',
    },
    states: { idle: {}, noting: { invoke: { id: 'note', src: 'note', onDone: 'idle' } } },
  }),
  sleep: { afterMs: AWAKE_MS },
});

export async function effectRows(): Promise<Row[]> {
  const world = await startWorld({ node: { agents: [plainAgent, notingAgent] } });
  try {
    return [await addedCommits(world), ...(await addedCpu(world))];
  } finally {
    await world.stop();
  }
}

/** Commits of an event that has an effect, beyond the one that the event costs in any case. */
async function addedCommits(world: World): Promise<Row> {
  const address = 'noting/commits';
  await world.client.agent('noting', 'commits').call({ type: 'add' });
  const before = await revisionOf(world, address);
  await haveEffects(world, 'commits', EFFECTS);
  const commits = (await revisionOf(world, address)) - before;
  return within('effect-adds-commits', 'commits', commits / EFFECTS - 1, 2);
}

/** Has one effect after the other, each until the agent has taken its result. */
async function haveEffects(world: World, id: string, count: number): Promise<void> {
  const agent = world.client.agent('noting', id);
  for (let i = 0; i < count; i += 1) {
    const taken = new Promise<void>((resolve) => {
      let turns = 0;
      world.onCommit = () => {
        turns += 1;
        if (turns === 2) resolve();
      };
    });
    await agent.send({ type: 'note' });
    await taken;
  }
  world.onCommit = () => {};
}

/** Of the bucket: nothing else is written meanwhile. */
async function revisionOf(world: World, address: string): Promise<number> {
  return (await world.client.inspect(address))?.revision ?? 0;
}

/** CPU of turns that use no effect: of an agent whose type has none, of one that has had none yet, and of one that has. */
async function addedCpu(world: World): Promise<Row[]> {
  await haveEffects(world, 'used', ENDED);
  const agents = [
    ['plain', 'plain'],
    ['noting', 'unused'],
    ['noting', 'used'],
  ] as const;
  const plain: number[] = [];
  const added: readonly [number[], number[]] = [[], []];
  for (let round = -WARM_UP; round < ROUNDS; round += 1) {
    const slices: number[][] = [];
    for (let slice = 0; slice < SLICES; slice += 1) {
      const cpu: number[] = [];
      for (const i of slice % 2 === 0 ? [0, 1, 2] : [2, 1, 0]) {
        const [type, id] = agents[i as 0 | 1 | 2];
        cpu[i] = await cpuOfSlice(world, type, id);
      }
      slices.push(cpu);
    }
    if (round < 0) continue;
    plain.push(medianOf(slices, ([first = 0]) => first));
    // Of neighbours in time, the median: whatever else this machine does in between hits a few.
    for (const i of [0, 1] as const) added[i].push(medianOf(slices, (cpu) => (cpu[i + 1] ?? 0) - (cpu[0] ?? 0)));
  }
  return [
    figure('hot-turn-cpu-p50', 'µs', quantile(plain, 0.5)),
    ...rowsOf('effects-of-a-type-add-cpu', added[0]),
    ...rowsOf('effects-that-are-over-add-cpu', added[1]),
  ];
}

function medianOf(slices: ReadonlyArray<readonly number[]>, pick: (cpu: readonly number[]) => number): number {
  return quantile(slices.map(pick), 0.5) / SLICE;
}

/** Microseconds of this process: placement node and client. */
async function cpuOfSlice(world: World, type: string, id: string): Promise<number> {
  const agent = world.client.agent(type, id);
  const before = process.cpuUsage();
  for (let i = 0; i < SLICE; i += 1) await agent.call({ type: 'add' });
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** The mean of the differences, and what it is below with a probability of 95 %. */
function rowsOf(name: string, differences: readonly number[]): Row[] {
  const mean = differences.reduce((sum, each) => sum + each, 0) / ROUNDS;
  const variance = differences.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (ROUNDS - 1);
  const upper = mean + T95 * Math.sqrt(variance / ROUNDS);
  return [figure(name, 'µs', mean), within(`${name}-upper-95`, 'µs', upper, 8)];
}
