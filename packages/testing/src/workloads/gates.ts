/**
 * Gates: agents with rules that drop, gather and postpone what they are sent. Whatever the faults, an event that
 * was let in is taken once, and one that was refused never.
 */
import { type AnyAgentDefinition, coalesce, defineAgent, ifTaken, rateLimit } from '@wakebus/core';
import { type AnyStateMachine, assign, setup } from 'xstate';
import { checkList, expectedOf } from '../checker/check-lists.ts';
import { type AgentHistory, type RunHistory, type Violation, contextOf } from '../checker/run-history.ts';
import { sendEach } from './send-each.ts';
import { numberedAgent } from './simulated-client.ts';
import type { Workload, WorkloadDriver } from './workload.ts';

const DESK_TYPE = 'desk';
const AGENTS = 6;

/**
 * `letter` is gathered, `caller` comes one at a time, `junk` is refused at the door, `ghost` in no state taken by then.
 * `turn` opens the desk or closes it, and `knock` is let in while it is open: by what came before it, and nothing else.
 */
const KINDS = ['letter', 'caller', 'visit', 'junk', 'ghost', 'turn', 'knock'] as const;
const REFUSED: ReadonlySet<string> = new Set(['junk', 'ghost', 'knock']);

type DeskEvent = { readonly type: (typeof KINDS)[number]; readonly id: string };

interface DeskContext {
  readonly taken: readonly string[];
  readonly refused: readonly string[];
}

const machine: AnyStateMachine = setup({
  types: { context: {} as DeskContext, events: {} as DeskEvent },
  actions: {
    take: assign(({ context, event }) => ({ taken: [...context.taken, event.id] })),
    slip: assign(({ context, event }) => ({ refused: [...context.refused, event.id] })),
  },
}).createMachine({
  id: DESK_TYPE,
  context: { taken: [], refused: [] },
  initial: 'open',
  on: {
    letter: { actions: 'take' },
    caller: { actions: 'take' },
    visit: { actions: 'take' },
    junk: { actions: 'slip' },
  },
  states: {
    open: { on: { turn: { target: 'closed', actions: 'take' }, knock: {} } },
    closed: { on: { turn: { target: 'open', actions: 'take' }, knock: { actions: 'slip' } } },
    // Never entered; it makes `ghost` an event that the machine knows.
    haunted: { on: { ghost: { actions: 'slip' } } },
  },
});

const deskAgent: AnyAgentDefinition = defineAgent({
  type: DESK_TYPE,
  machine,
  sleep: { afterMs: 200 },
  gate: [
    {
      name: 'no-junk',
      sees: 'event',
      judge: ({ event }) => (event.type === 'junk' ? { kind: 'drop', reason: 'it is junk' } : undefined),
    },
    {
      name: 'knocks',
      sees: 'agent',
      judge: ({ event }, { state }) => {
        if (event.type === 'turn') return { kind: 'wake' };
        if (event.type !== 'knock') return undefined;
        return state === 'closed' ? { kind: 'drop', reason: 'it is closed' } : { kind: 'wake' };
      },
    },
    ifTaken(),
    rateLimit({ limit: 2, periodMs: 2_000, over: 'defer', by: ({ event }) => event.type }),
    {
      ...coalesce({ windowMs: 1_500 }),
      judge: (event, agent) =>
        event.event.type === 'letter' ? coalesce({ windowMs: 1_500 }).judge(event, agent) : undefined,
    },
  ],
});

/** The workload of gates. */
export function gates(): Workload {
  return { name: 'gates', agents: [deskAgent], refused: new Set(['junk']), drive, check };
}

function drive(driver: WorkloadDriver): void {
  sendEach(driver, (prng) => ({
    agent: numberedAgent(DESK_TYPE, prng.below(AGENTS)),
    kind: KINDS[prng.below(KINDS.length)] as string,
    payload: {},
  }));
}

function check(history: RunHistory): Violation[] {
  return [...history.agents.values()].flatMap((agent) => {
    const { taken = [], refused = [] } = (contextOf(agent.record) as DeskContext | undefined) ?? {};
    const mine = history.operations.filter(({ agent: key, kind }) => key === agent.key && !REFUSED.has(kind));
    return [...checkList(agent.key, taken, expectedOf(mine)), ...checkGate(agent, refused)];
  });
}

function checkGate({ key, record }: AgentHistory, refused: readonly string[]): Violation[] {
  const waiting = record?.gate?.waiting.length ?? 0;
  return [
    ...refused.map((id) => `${key}: ${id} was refused by the gate and reached the machine`),
    ...(waiting === 0 ? [] : [`${key}: ${waiting} events still wait at the gate`]),
  ];
}
