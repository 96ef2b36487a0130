/**
 * What isolation costs: the same counter, called on the node's own thread and on another, in turns so that
 * both have the same weather; and its turns under load.
 */
import { times } from './hot.ts';
import { isolatedCounter } from './isolated-counter.ts';
import { type Row, atMost, figure, quantile } from './rows.ts';
import { type World, counterAgent, startWorld, withCpu } from './world.ts';

const ROUNDS = 500;
const BLOCKS = 4;
const LOAD = 2_000;
const AGENTS = 20;
const AWAKE_MS = 600_000;

type Handle = ReturnType<World['client']['agent']>;

export async function isolationRows(): Promise<Row[]> {
  const agents = [counterAgent('counter', 700, AWAKE_MS), isolatedCounter];
  const world = await startWorld({ node: { agents } });
  try {
    const calls = await callMs(world);
    const here = await loaded(world, 'counter');
    const apart = await loaded(world, 'isolated');
    return [
      atMost('isolated-hot-call-p50', 'ms', calls.isolated, calls.counter, 2),
      { ...figure('turns-20-agents', '/s', here.perSecond), cpuNodeMs: here.cpuNodeMs },
      { ...figure('isolated-turns-20-agents', '/s', apart.perSecond), cpuNodeMs: apart.cpuNodeMs },
    ];
  } finally {
    await world.stop();
  }
}

async function callMs(world: World): Promise<{ readonly counter: number; readonly isolated: number }> {
  const taken = { counter: [] as number[], isolated: [] as number[] };
  for (let block = 0; block < BLOCKS; block += 1) {
    for (const type of ['counter', 'isolated'] as const) {
      const agent = world.client.agent(type, 'hot');
      taken[type].push(...(await times(ROUNDS, () => agent.call({ type: 'add', by: 1 }))));
    }
  }
  return { counter: quantile(taken.counter, 0.5), isolated: quantile(taken.isolated, 0.5) };
}

/** Calls of several agents at once. */
async function loaded(world: World, type: string): Promise<{ perSecond: number; cpuNodeMs: number }> {
  const handles = Array.from({ length: AGENTS }, (_, i) => world.client.agent(type, `load-${i}`));
  await Promise.all(handles.map((agent) => agent.call({ type: 'add', by: 1 })));
  const startedMs = performance.now();
  const { cpu } = await withCpu(world, LOAD * 2, () => Promise.all(handles.map(callAll)));
  return { perSecond: (LOAD * 2 * 1000) / (performance.now() - startedMs), cpuNodeMs: cpu.cpuNodeMs };
}

async function callAll(agent: Handle): Promise<void> {
  for (let i = 0; i < (LOAD * 2) / AGENTS; i += 1) await agent.call({ type: 'add', by: 1 });
}
