/**
 * The agents of a run: the simulator's own, buyers at a till, and one that passes a token on.
 */
import { type AnyAgentDefinition, defineAgent, sendToAgent } from '@wakebus/core';
import { type AnyStateMachine, assign, setup } from 'xstate';
import { accountAgent } from '../workloads/bank.ts';
import { chaosBuyer } from './chaos-purchases.ts';
import { ledgerAgent } from '../workloads/ledger-agent.ts';

export const RING_TYPE = 'ring';

interface Hop {
  readonly type: 'hop';
  readonly left: number;
  readonly members: number;
  readonly at: number;
}

const ring: AnyStateMachine = setup({
  types: {
    context: {} as { readonly hops: number },
    events: {} as Hop | { readonly type: 'arrived' },
  },
}).createMachine({
  id: RING_TYPE,
  context: { hops: 0 },
  on: {
    hop: {
      actions: [
        assign(({ context }) => ({ hops: context.hops + 1 })),
        sendToAgent(
          ({ event }) => {
            const { at, left, members } = event;
            return `${RING_TYPE}/${left > 0 ? (at + 1) % members : 'end'}`;
          },
          ({ event }) => {
            const { at, left, members } = event;
            return left > 0 ? { type: 'hop', left: left - 1, members, at: (at + 1) % members } : { type: 'arrived' };
          },
        ),
      ],
    },
    arrived: { actions: assign(({ context }) => ({ hops: context.hops + 1 })) },
  },
});

/** Passes what it gets on to the next one, until nothing is left; then it tells `ring/end`. */
const ringAgent: AnyAgentDefinition = defineAgent({ type: RING_TYPE, machine: ring, sleep: { afterMs: 2_000 } });

export const chaosAgents: readonly AnyAgentDefinition[] = [ledgerAgent(), accountAgent, ringAgent, chaosBuyer];
