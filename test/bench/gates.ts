/**
 * Benchmarks of gates: what it costs to keep an event back, beside a hot turn that takes one.
 *
 * Each is a call that waits for its answer. Both include the caller's own way to the inbox, which is therefore
 * measured too and taken off: what remains is the placement node's.
 */
import { defineAgent, ifTaken } from '@wakebus/core';
import { createMachine } from 'xstate';
import { times } from './hot.ts';
import { type Row, atMost, figure, quantile, within } from './rows.ts';
import { type World, counterAgent, startWorld, withCpu } from './world.ts';

const ROUNDS = 3_000;
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

export async function gateRows(): Promise<Row[]> {
  const world = await startWorld({ node: { agents: [counterAgent('counter', 700, 600_000), doorman, sleeper] } });
  try {
    const sentMs = await p50(() => world.client.agent('counter', 'sent').send({ type: 'add', by: 1 }));
    const hot = world.client.agent('counter', 'hot');
    const hotMs = (await p50(() => hot.call({ type: 'add', by: 1 }))) - sentMs;
    const door = await refusals(world, 'doorman');
    await world.client.agent('sleeper', 'a').call({ type: 'knock' });
    // Woken anew, it gets no further than to its gate.
    await world.restartNode({ agents: [counterAgent('counter', 700, 600_000), doorman, sleeper] });
    const state = await refusals(world, 'sleeper');
    return [
      figure('gate-send-acknowledged-p50', 'ms', sentMs),
      { ...atMost('gate-at-the-door-p50', 'ms', door.ms - sentMs, hotMs, 0.4), ...door.cpu },
      within('gate-at-the-door-reads', 'reads', door.reads, 0),
      { ...atMost('gate-on-the-state-p50', 'ms', state.ms - sentMs, hotMs, 1), ...state.cpu },
    ];
  } finally {
    await world.stop();
  }
}

async function p50(run: () => Promise<unknown>): Promise<number> {
  return quantile(await times(ROUNDS, run), 0.5);
}

/** Calls that are refused, and the reads of records and mailboxes that they cause. */
async function refusals(
  world: World,
  type: string,
): Promise<{ readonly ms: number; readonly reads: number; readonly cpu: Pick<Row, 'cpuNodeMs' | 'cpuServerMs'> }> {
  let reads = 0;
  const spy = world.connection.subscribe('$JS.API.DIRECT.GET.>', {
    callback: (_error, { subject }) => void (reads += subject.includes(`${type}.a`) ? 1 : 0),
  });
  const agent = world.client.agent(type, 'a');
  const refused = async (): Promise<void> => {
    const [outcome] = await Promise.allSettled([agent.call({ type: 'letter' })]);
    if (outcome?.status === 'fulfilled') throw new Error('the gate was open');
  };
  const { result: ms, cpu } = await withCpu(world, ROUNDS + 1_000, () => p50(refused));
  spy.unsubscribe();
  return { ms, reads, cpu };
}
