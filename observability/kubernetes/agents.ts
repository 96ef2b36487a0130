/** The agents that the placement nodes of these manifests run: put your own here, or into an image of yours. */
import { defineAgent, reply, sleepNow } from '@wakebus/core';
import { assign, setup } from 'xstate';

const machine = setup({
  types: { context: {} as { greeted: number }, events: {} as { type: 'greet'; name: string } },
}).createMachine({
  context: { greeted: 0 },
  on: {
    greet: {
      actions: [
        assign({ greeted: ({ context }) => context.greeted + 1 }),
        reply(({ context, event }) => `Hello, ${event.name}, for the ${context.greeted}. time`),
        sleepNow(),
      ],
    },
  },
});

export const hello = defineAgent({ type: 'hello', machine });
