/**
 * A chain through everything that a trace must survive: an order that waits for a timer, asleep; then has an
 * effect charge for it; then tells a ledger.
 */
import { type AnyAgentDefinition, type EffectArgs, defineAgent, effect, sendToAgent, sleepNow } from '@wakebus/core';
import { assign, setup } from 'xstate';

/** Planted where secrets are: it must not be found in what is exported. */
export const CANARY = 'canary-5f2b81c0';

const orderMachine = setup({
  types: {
    context: {} as { note: string; receipt: string },
    events: {} as { type: 'place'; note: string; waitMs: number; password?: string } | { type: 'boom' },
  },
  actors: {
    charge: effect({
      run: async ({ input, attempt }: EffectArgs<{ readonly note: string }>) => {
        // The first attempt fails with what it was given, as careless clients do.
        if (attempt === 1) throw new Error(`the bank refuses: ${input.note}`);
        return { receipt: `receipt for ${input.note}` };
      },
      dedupe: 'key',
      keyHorizonMs: 86_400_000,
      retry: { attempts: 2, backoffMs: 1 },
    }),
  },
  delays: { patience: ({ event }) => ('waitMs' in event ? event.waitMs : 0) },
}).createMachine({
  context: { note: '', receipt: '' },
  initial: 'open',
  states: {
    open: {
      on: {
        place: { target: 'waiting', actions: [assign({ note: ({ event }) => event.note }), sleepNow()] },
        boom: {
          guard: ({ context }) => {
            throw new Error(`it burst over ${context.note} ${CANARY}`);
          },
        },
      },
    },
    waiting: { after: { patience: 'charging' } },
    charging: {
      invoke: {
        id: 'charge',
        src: 'charge',
        input: ({ context }) => ({ note: context.note }),
        onDone: { target: 'charged', actions: assign({ receipt: ({ event }) => event.output.receipt }) },
      },
    },
    charged: { entry: [sendToAgent('ledger/main', { type: 'booked' }), sleepNow()] },
  },
});

const ledgerMachine = setup({
  types: { context: {} as { booked: number }, events: {} as { type: 'booked' } | { type: 'opened' } },
}).createMachine({
  context: { booked: 0 },
  on: {
    opened: {},
    booked: { actions: [assign({ booked: ({ context }) => context.booked + 1 }), sleepNow()] },
  },
});

/** Both types. */
export const chainAgents: readonly AnyAgentDefinition[] = [
  defineAgent({ type: 'order', machine: orderMachine, retry: { attempts: 1, backoffMs: 5 } }),
  defineAgent({ type: 'ledger', machine: ledgerMachine }),
];
