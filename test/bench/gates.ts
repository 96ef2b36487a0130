/**
 * Benchmarks of gates: what it costs to keep an event back, beside a hot turn that takes one.
 *
 * Each is a call that waits for its answer. Both include the caller's own way to the inbox, which is therefore
 * measured too and taken off: what remains is the placement node's. The kinds take turns: one after the other, the first
 * would pay for the others' warmth.
 */
import { defineAgent, ifTaken } from '@wakebus/core';
import { createMachine } from 'xstate';
import { roundsOf, times } from './hot.ts';
import { type Row, atMost, figure, quantile, within } from './rows.ts';
import { type World, counterAgent, startWorld, withCpu } from './world.ts';

/** Calls of one kind at a time, and how often it is their turn. */
const ROUNDS = 450;
const BLOCKS = 8;
const AWAKE_MS = 600_000;
/** As the hot agent's. */
const STATE_BYTES = 700;

const doorman = defineAgent({
  type: 'doorman',
  machine: createMachine({ on: { letter: {} } }),
  gate: [{ name: 'nothing', sees: 'event', judge: () => ({ kind: 'drop', reason: 'it takes nothing' }) }],
});

const sleeper = defineAgent({
  type: 'sleeper',
  machine: createMachine({
    context: { pad: 'x'.repeat(STATE_BYTES) },
    initial: 'closed',
    states: { closed: { on: { knock: {} } }, open: { on: { letter: {} } } },
  }),
  gate: [ifTaken()],
});

/** What is measured beside each other: the median of the calls, and their CPU. */
interface Measured {
  readonly ms: number;
  readonly cpu: Required<Pick<Row, 'cpuNodeMs' | 'cpuServerMs'>>;
}

export async function gateRows(): Promise<Row[]> {
  const agents = [counterAgent('counter', STATE_BYTES, AWAKE_MS), doorman, sleeper];
  const world = await startWorld({ node: { agents } });
  try {
    await world.client.agent('sleeper', 'a').call({ type: 'knock' });
    // Woken anew, it gets no further than to its gate.
    await world.restartNode({ agents });
    let reads = 0;
    const spy = world.connection.subscribe('$JS.API.DIRECT.GET.>', {
      callback: (_error, { subject }) => void (reads += subject.includes('doorman.a') ? 1 : 0),
    });
    const [sent, hot, door, state] = await measure(world);
    spy.unsubscribe();
    const hotMs = hot.ms - sent.ms;
    return [
      figure('gate-send-acknowledged-p50', 'ms', sent.ms),
      { ...figure('gate-hot-turn-p50', 'ms', hotMs), ...hot.cpu },
      { ...atMost('gate-at-the-door-p50', 'ms', door.ms - sent.ms, hotMs, 0.4), ...door.cpu },
      within('gate-at-the-door-reads', 'reads', reads, 0),
      { ...atMost('gate-on-the-state-p50', 'ms', state.ms - sent.ms, hotMs, 1), ...state.cpu },
    ];
  } finally {
    await world.stop();
  }
}

/** By turns, so that all are measured by a process that is equally warm, on a machine that is equally busy. */
async function measure(world: World): Promise<[sent: Measured, hot: Measured, door: Measured, state: Measured]> {
  const [sending, calling] = [world.client.agent('counter', 'sent'), world.client.agent('counter', 'hot')];
  const runs = [
    () => sending.send({ type: 'add', by: 1 }),
    () => calling.call({ type: 'add', by: 1 }),
    () => refused(world, 'doorman'),
    () => refused(world, 'sleeper'),
  ];
  const taken = runs.map(() => ({ ms: [] as number[], cpu: [] as Array<Measured['cpu']> }));
  for (let block = 0; block < BLOCKS; block += 1)
    for (const [at, run] of runs.entries()) {
      const { result, cpu } = await withCpu(world, roundsOf(ROUNDS), () => times(ROUNDS, run));
      taken[at]?.ms.push(...result);
      taken[at]?.cpu.push(cpu);
    }
  return taken.map(({ ms, cpu }) => ({ ms: quantile(ms, 0.5), cpu: middle(cpu) })) as [
    Measured,
    Measured,
    Measured,
    Measured,
  ];
}

function middle(cpu: ReadonlyArray<Measured['cpu']>): Measured['cpu'] {
  return {
    cpuNodeMs: quantile(
      cpu.map(({ cpuNodeMs }) => cpuNodeMs),
      0.5,
    ),
    cpuServerMs: quantile(
      cpu.map(({ cpuServerMs }) => cpuServerMs),
      0.5,
    ),
  };
}

async function refused(world: World, type: string): Promise<void> {
  const [outcome] = await Promise.allSettled([world.client.agent(type, 'a').call({ type: 'letter' })]);
  if (outcome?.status === 'fulfilled') throw new Error('the gate was open');
}
