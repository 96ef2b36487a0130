/** A tour, and the machine of one stop of it. */
import { defineAgent, reply } from '@wakebus/core';
import { assign, sendParent, setup, spawnChild } from 'xstate';

interface Leg {
  readonly place: string;
  readonly driveMs: number;
}

const stop = setup({
  types: { context: {} as Leg, input: {} as Leg },
  delays: { drive: ({ context }) => context.driveMs },
}).createMachine({
  id: 'stop',
  context: ({ input: { place, driveMs } }) => ({ place, driveMs }),
  initial: 'driving',
  states: {
    driving: { after: { drive: 'there' } },
    there: { entry: sendParent(({ context }) => ({ type: 'arrived', ...context })), type: 'final' },
  },
});

const machine = setup({
  types: { context: {} as { stamps: string[] }, events: {} as Leg & { type: 'visit' | 'arrived' } },
  actors: { stop },
}).createMachine({
  id: 'tour',
  context: { stamps: [] },
  on: {
    visit: {
      // The ID is the child's own: it must be known again after a sleep.
      actions: [spawnChild('stop', { id: ({ event }) => event.place, input: ({ event }) => event }), reply()],
    },
    arrived: { actions: assign({ stamps: ({ context, event }) => [...context.stamps, event.place] }) },
  },
});

export const tour = defineAgent({ type: 'tour', machine });
