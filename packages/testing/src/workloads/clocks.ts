/**
 * Clocks: agents that wind themselves up whenever they are poked, and ring when they were left alone for a
 * while. The timer keeps its name, so that an old one must be told from a new one by its generation.
 */
import { type AnyAgentDefinition, defineAgent } from '@wakebus/core';
import { type AnyStateMachine, assign, setup } from 'xstate';
import { checkList, expectedOf } from '../checker/check-lists.ts';
import { type AgentHistory, type RunHistory, type Violation, contextOf } from '../checker/run-history.ts';
import { sendEach } from './send-each.ts';
import { numberedAgent } from './simulated-client.ts';
import type { Workload, WorkloadDriver } from './workload.ts';

interface ClockContext {
  readonly pokes: readonly string[];
  /** After how many pokes it rang, each time. */
  readonly rings: readonly number[];
}

type ClockEvent = { readonly type: 'poke'; readonly id: string };

const CLOCK_TYPE = 'clock';
/** From the last poke to the ring, in milliseconds: pokes come in between about as often as not. */
const RINGS_AFTER_MS = 3_000;

const machine: AnyStateMachine = setup({
  types: { context: {} as ClockContext, events: {} as ClockEvent },
  actions: {
    note: assign(({ context, event }) => ({ pokes: [...context.pokes, event.id] })),
    ring: assign(({ context }) => ({ rings: [...context.rings, context.pokes.length] })),
  },
}).createMachine({
  id: CLOCK_TYPE,
  context: { pokes: [], rings: [] },
  initial: 'silent',
  on: { poke: { target: '.wound', reenter: true, actions: 'note' } },
  states: {
    silent: {},
    wound: { after: { [RINGS_AFTER_MS]: { target: 'silent', actions: 'ring' } } },
  },
});

const clockAgent: AnyAgentDefinition = defineAgent({ type: CLOCK_TYPE, machine, sleep: { afterMs: 500 } });

/** The workload of clocks. */
export function clocks(): Workload {
  return { name: 'clocks', agents: [clockAgent], drive, check };
}

function drive(driver: WorkloadDriver): void {
  const agents = 6;
  sendEach(driver, (prng) => ({
    agent: numberedAgent(CLOCK_TYPE, prng.below(agents)),
    kind: 'poke',
    payload: {},
  }));
}

function check(history: RunHistory): Violation[] {
  return [...history.agents.values()].flatMap((agent) => {
    const { pokes = [], rings = [] } = (contextOf(agent.record) as ClockContext | undefined) ?? {};
    const mine = history.operations.filter(({ agent: key }) => key === agent.key);
    return [...checkList(agent.key, pokes, expectedOf(mine)), ...checkRings(agent, pokes.length, rings)];
  });
}

/** Each winding up rings once at most, and the last one does. */
function checkRings({ key }: AgentHistory, pokes: number, rings: readonly number[]): Violation[] {
  const twice = rings.find((ring, i) => i > 0 && ring <= (rings[i - 1] as number));
  return [
    ...(twice === undefined ? [] : [`${key}: it rang more than once after poke ${twice}`]),
    ...(pokes > 0 && rings.at(-1) !== pokes
      ? [`${key}: it was poked ${pokes} times and never rang after the last`]
      : []),
  ];
}
