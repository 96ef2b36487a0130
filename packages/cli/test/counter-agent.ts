/** The agent of these tests. */
import { defineAgent, refuse, reply, sleepNow } from '@wakebus/core';
import { assign, setup } from 'xstate';

const machine = setup({
  types: {
    context: {} as { total: number },
    events: {} as { type: 'add'; by: number } | { type: 'decline' } | { type: 'rest' } | { type: 'finish' },
  },
}).createMachine({
  context: { total: 0 },
  initial: 'open',
  states: {
    open: {
      after: { 3_600_000: 'closed' },
      on: {
        add: {
          actions: [
            assign({ total: ({ context, event }) => context.total + event.by }),
            reply(({ context }) => ({ total: context.total })),
          ],
        },
        decline: { actions: refuse('not today') },
        rest: { actions: [reply('good night'), sleepNow()] },
        finish: 'closed',
      },
    },
    closed: { type: 'final' },
  },
});

export const counter = defineAgent({ type: 'counter', machine });
