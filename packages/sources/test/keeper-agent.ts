/** The agent of these tests: it keeps the texts that it gets, each as often as it comes. */
import { defineAgent } from '@wakebus/core';
import { assign, setup } from 'xstate';

const machine = setup({
  types: { context: {} as { kept: string[] }, events: {} as { type: 'keep'; text: string } },
}).createMachine({
  context: { kept: [] },
  on: { keep: { actions: assign({ kept: ({ context, event }) => [...context.kept, event.text] }) } },
});

export const keeper = defineAgent({ type: 'keeper', machine });
