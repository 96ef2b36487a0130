/**
 * Benchmarks of effects: what one adds in commits, and what the machinery costs turns that use none.
 */
import { type AnyAgentDefinition, defineAgent, effect, reply } from '@wakebus/core';
import { type AgentKey, addressOf, agentKey } from '@wakebus/protocol';
import { assign, setup } from 'xstate';
import { type Row, figure, quantile, within } from './rows.ts';
import { type World, startWorld } from './world.ts';

const EFFECTS = 300;
/** Differences that are averaged; of each agent so many slices in one, of so many turns, in turn with the others'. */
const ROUNDS = 20;
const SLICES = 80;
const SLICE = 25;
/** Rounds before those that count. */
const WARM_UP = 3;
/** More than the record keeps of effects that are over. */
const ENDED = 12;
const AWAKE_MS = 600_000;
/** One-sided 95 % of Student's t with 19 degrees of freedom. */
const T95 = 1.729;

/** Counts, and has an effect where it is asked to. */
const notingAgent = countingAgent('noting', true);
/** The same machine but for the effect, under a name of the same length. */
const silentAgent = countingAgent('silent', false);

function countingAgent(type: string, notes: boolean): AnyAgentDefinition {
  const actors = { note: effect({ run: () => Promise.resolve(1) }) };
  const machine = setup({
    types: { context: {} as { n: number }, events: {} as { type: 'add' | 'note' } },
    actors: (notes ? actors : {}) as typeof actors,
  }).createMachine({
    context: { n: 0 },
    initial: 'idle',
    on: {
      add: { actions: [assign({ n: ({ context }) => context.n + 1 }), reply(({ context }) => context.n)] },
      note: '.noting',
    },
    states: { idle: {}, noting: notes ? { invoke: { id: 'note', src: 'note', onDone: 'idle' } } : {} },
  });
  return defineAgent({ type, machine, sleep: { afterMs: AWAKE_MS } });
}

/** Two that are alike, and what is held against their mean. */
const AGENTS = [
  ['silent', 'first'],
  ['silent', 'other'],
  ['noting', 'fresh'],
  ['noting', 'after'],
] as const;

export async function effectRows(): Promise<Row[]> {
  const world = await startWorld({ node: { agents: [silentAgent, notingAgent] } });
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

/**
 * CPU of turns that use no effect: of agents whose type has none, of one that has had none yet, and of one that has.
 * What the first two differ by is what such a figure is worth.
 */
async function addedCpu(world: World): Promise<Row[]> {
  const agents = AGENTS.map(([type, name]) => agentKey(type, idOf(world, type, name)));
  await haveEffects(world, idOf(world, 'noting', 'after'), ENDED);
  const rounds: CpuOfRound[] = [];
  for (let round = -WARM_UP; round < ROUNDS; round += 1) {
    const slices: number[][] = [];
    for (let slice = 0; slice < SLICES; slice += 1) slices.push(await cpuOfEach(world, agents, slice));
    if (round >= 0) rounds.push(cpuOfRound(slices));
  }
  return [
    figure(
      'hot-turn-cpu-p50',
      'µs',
      quantile(
        rounds.map(({ silent }) => silent),
        0.5,
      ),
    ),
    figure('nothing-adds-cpu', 'µs', meanOf(rounds.map(({ nothing }) => nothing))),
    ...rowsOf(
      'effects-of-a-type-add-cpu',
      rounds.map(({ fresh }) => fresh),
    ),
    ...rowsOf(
      'effects-that-are-over-add-cpu',
      rounds.map(({ after }) => after),
    ),
  ];
}

/** Microseconds a turn: of one that has no effects, and what the others add to it. */
interface CpuOfRound {
  readonly silent: number;
  readonly nothing: number;
  readonly fresh: number;
  readonly after: number;
}

/** Of neighbours in time, without the quarters at either end: whatever else this machine does in between hits a few. */
function cpuOfRound(slices: ReadonlyArray<readonly number[]>): CpuOfRound {
  const mid = (pick: (first: number, other: number, fresh: number, after: number) => number): number =>
    middleOf(slices.map(([first = 0, other = 0, fresh = 0, after = 0]) => pick(first, other, fresh, after))) / SLICE;
  return {
    silent: mid((first) => first),
    nothing: mid((first, other) => other - first),
    fresh: mid((first, other, fresh) => fresh - (first + other) / 2),
    after: mid((first, other, _fresh, after) => after - (first + other) / 2),
  };
}

/** The ID of an agent in the partition that all of them share: the consumers of two are 5 µs apart, whoever is in them. */
function idOf({ client: { layout } }: World, type: string, name: string): string {
  for (let number = 100; ; number += 1)
    if (layout.partitionOf(agentKey(type, `${name}${number}`)) === 0) return `${name}${number}`;
}

/** A slice of every agent. Who comes after whom changes: what one leaves behind, the next one pays for. */
async function cpuOfEach(world: World, agents: readonly AgentKey[], slice: number): Promise<number[]> {
  const cpu: number[] = [];
  for (let i = 0; i < agents.length; i += 1) {
    const turned = (i + slice) % agents.length;
    const at = slice % (2 * agents.length) < agents.length ? turned : agents.length - 1 - turned;
    cpu[at] = await cpuOfSlice(world, agents[at] as AgentKey);
  }
  return cpu;
}

/** Microseconds of this process: placement node and client. */
async function cpuOfSlice(world: World, key: AgentKey): Promise<number> {
  const agent = world.client.agentAt(addressOf(key));
  const before = process.cpuUsage();
  for (let i = 0; i < SLICE; i += 1) await agent.call({ type: 'add' });
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** The mean of the differences, and what it is below with a probability of 95 %. */
function rowsOf(name: string, differences: readonly number[]): Row[] {
  const mean = meanOf(differences);
  const variance = differences.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (ROUNDS - 1);
  const upper = mean + T95 * Math.sqrt(variance / ROUNDS);
  return [figure(name, 'µs', mean), within(`${name}-upper-95`, 'µs', upper, 8)];
}

/** The mean of the middle half: outliers do not count, and what is left is steadier than one median. */
function middleOf(values: readonly number[]): number {
  const quarter = Math.floor(values.length / 4);
  return meanOf(values.toSorted((a, b) => a - b).slice(quarter, values.length - quarter));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, each) => sum + each, 0) / values.length;
}
