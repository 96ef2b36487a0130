/**
 * A chain through everything that a trace must survive: an order that waits for a timer, asleep; then has an
 * effect charge for it; then tells a ledger.
 */
import {
  type AnyAgentDefinition,
  type EffectArgs,
  type Resources,
  defineAgent,
  effect,
  rateLimit,
  sendToAgent,
  sleepNow,
} from '@wakebus/core';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { assign, setup } from 'xstate';

/** Planted where secrets are: it must not be found in what is exported. */
export const CANARY = 'canary-5f2b81c0';

/** Holds a file and a connection open, and leaves it to the runtime to close them. */
async function reach(url: string, resources: Resources): Promise<void> {
  await resources.open('code', {
    kind: 'handle',
    open: () => open(fileURLToPath(import.meta.url)),
    close: (file) => file.close(),
  });
  const { hostname, port } = new URL(url);
  const socket = await resources.open('peer', {
    kind: 'connection',
    open: () => connect(Number(port), hostname),
    close: (opened) => opened.destroy(),
  });
  // Until the other side says something.
  await once(socket, 'data');
}

const orderMachine = setup({
  types: {
    context: {} as { note: string; receipt: string },
    events: {} as
      | { type: 'place'; note: string; waitMs: number; password?: string }
      | { type: 'boom' }
      | { type: 'dawdle' }
      | { type: 'reach'; url: string },
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
    dawdle: effect({ run: () => new Promise(() => {}), timeoutMs: 20, onMaybe: 'fail' }),
    reach: effect({ run: ({ input, resources }: EffectArgs<{ readonly url: string }>) => reach(input.url, resources) }),
  },
  delays: { patience: ({ event }) => ('waitMs' in event ? event.waitMs : 0) },
}).createMachine({
  context: { note: '', receipt: '' },
  initial: 'open',
  states: {
    open: {
      on: {
        place: { target: 'waiting', actions: [assign({ note: ({ event }) => event.note }), sleepNow()] },
        dawdle: 'dawdling',
        reach: 'reaching',
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
    dawdling: { invoke: { id: 'dawdle', src: 'dawdle', onError: 'open' } },
    reaching: {
      invoke: {
        id: 'reach',
        src: 'reach',
        input: ({ event }) => ({ url: 'url' in event ? event.url : '' }),
        onDone: 'rested',
      },
    },
    rested: { entry: sleepNow() },
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

const guardedMachine = setup({ types: { events: {} as { type: 'opened' } | { type: 'spam' } } }).createMachine({
  on: { opened: { actions: sleepNow() } },
});

/** Lets nothing in that is spam, and of the rest one an hour. */
const guarded = defineAgent({
  type: 'guarded',
  machine: guardedMachine,
  gate: [
    {
      name: 'no-spam',
      sees: 'event',
      judge: ({ event }) => (event.type === 'spam' ? { kind: 'drop', reason: `not with ${CANARY}` } : undefined),
    },
    rateLimit({ limit: 1, periodMs: 3_600_000 }),
  ],
});

/** All types. */
export const chainAgents: readonly AnyAgentDefinition[] = [
  defineAgent({ type: 'order', machine: orderMachine, retry: { attempts: 1, backoffMs: 5 } }),
  defineAgent({ type: 'ledger', machine: ledgerMachine }),
  guarded,
];
