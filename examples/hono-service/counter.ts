/** The agent of this service: a counter that refuses to go below zero. */
import { type AgentDefinition, defineAgent, refuse, reply } from '@wakebus/core';
import { assign, createMachine } from 'xstate';

const machine = createMachine({
  types: {} as { context: { count: number }; events: { type: 'add'; amount: number } },
  context: { count: 0 },
  on: {
    add: [
      {
        guard: ({ context, event }) => context.count + event.amount < 0,
        actions: refuse('the counter may not go below zero'),
      },
      {
        actions: [
          assign({ count: ({ context, event }) => context.count + event.amount }),
          reply(({ context }) => ({ count: context.count })),
        ],
      },
    ],
  },
});

export const counter: AgentDefinition = defineAgent({ type: 'counter', machine });
