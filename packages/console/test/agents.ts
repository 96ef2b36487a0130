/** The agents of these tests: an order with states inside states, timers, effects and a failure that can be mended; a shop that orders report to. */
import { defineAgent, effect, reply, sendToAgent, sleepNow } from '@wakebus/core';
import { assign, setup } from 'xstate';

/** Whether the till has paper. */
export const till = { isMended: true };

type OrderEvent =
  | { type: 'place'; item: string }
  | { type: 'pay'; cents: number }
  | { type: 'ship' }
  | { type: 'cancel' }
  | { type: 'note'; text: string };

const orders = setup({
  types: { context: {} as { item: string; paid: number; notes: string[] }, events: {} as OrderEvent },
}).createMachine({
  id: 'order',
  context: { item: '', paid: 0, notes: [] },
  initial: 'new',
  on: {
    note: {
      actions: [
        assign({ notes: ({ context, event }) => [...context.notes, event.text] }),
        reply(({ context }) => context.notes.length),
        sleepNow(),
      ],
    },
  },
  states: {
    new: {
      on: {
        place: {
          target: 'open',
          actions: [
            assign({ item: ({ event }) => event.item }),
            sendToAgent('shop/main', { type: 'placed' }),
            sleepNow(),
          ],
        },
      },
    },
    open: {
      initial: 'unpaid',
      on: { cancel: 'cancelled' },
      after: { 604_800_000: 'cancelled' },
      states: {
        unpaid: {
          on: {
            pay: {
              guard: () => {
                if (!till.isMended) throw new Error('the till is out of paper');
                return true;
              },
              target: 'paid',
              actions: [assign({ paid: ({ event }) => event.cents }), reply('thanks'), sleepNow()],
            },
          },
        },
        paid: { on: { ship: '#order.shipped' } },
      },
    },
    shipped: { type: 'final' },
    cancelled: { entry: sleepNow() },
  },
});

/** A call that nobody answers, and that cannot be taken back. */
const call = effect({ run: () => new Promise<string>(() => {}), irreversible: true, timeoutMs: 50 });

const shop = setup({
  types: {
    context: {} as { orders: number },
    events: {} as { type: 'placed' } | { type: 'tell' } | { type: 'restock' },
  },
  actors: { call },
}).createMachine({
  context: { orders: 0 },
  initial: 'trading',
  on: {
    placed: { actions: [assign({ orders: ({ context }) => context.orders + 1 }), sleepNow()] },
    tell: { actions: [reply(({ context }) => context.orders), sleepNow()] },
  },
  states: {
    trading: { on: { restock: 'restocking' } },
    restocking: { invoke: { id: 'delivery', src: 'call', onDone: 'trading', onError: 'trading' } },
  },
});

const place = { type: 'object', properties: { item: { type: 'string', examples: ['a lamp'] } }, required: ['item'] };
const pay = { type: 'object', properties: { cents: { type: 'integer' } }, required: ['cents'] };

export const order = defineAgent({
  type: 'order',
  machine: orders,
  schemas: { place, pay },
  retry: { attempts: 1, backoffMs: 1 },
});

export const store = defineAgent({ type: 'shop', machine: shop });
