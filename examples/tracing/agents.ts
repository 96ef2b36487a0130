/** Two agents: an order that, once placed, asks its customer's account for the money. */
import { type AnyAgentDefinition, defineAgent, sendToAgent } from '@wakebus/core';
import { assign, createMachine } from 'xstate';

const orderMachine = createMachine({
  types: {} as { events: { type: 'place'; customer: string; total: number } },
  initial: 'open',
  states: {
    open: {
      on: {
        place: {
          target: 'placed',
          actions: sendToAgent(
            ({ event }) => `account/${event.customer}`,
            ({ event }) => ({ type: 'charge', amount: event.total }),
          ),
        },
      },
    },
    placed: {},
  },
});

const accountMachine = createMachine({
  types: {} as { context: { balance: number }; events: { type: 'charge'; amount: number } },
  context: { balance: 100 },
  on: { charge: { actions: assign({ balance: ({ context, event }) => context.balance - event.amount }) } },
});

export const order: AnyAgentDefinition = defineAgent({ type: 'order', machine: orderMachine });
export const account: AnyAgentDefinition = defineAgent({ type: 'account', machine: accountMachine });
