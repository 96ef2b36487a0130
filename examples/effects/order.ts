/** An order that is paid by an effect. */
import { type EffectArgs, defineAgent, effect } from '@wakebus/core';
import { assign, setup } from 'xstate';

interface Bill {
  readonly till: string;
  readonly cents: number;
}

const charge = effect({
  run: async ({ input, idempotencyKey, signal }: EffectArgs<Bill>) => {
    const headers = { 'Idempotency-Key': idempotencyKey };
    const answer = await fetch(input.till, { method: 'POST', headers, body: String(input.cents), signal });
    return (await answer.json()) as { readonly receipt: number };
  },
  // The till honours keys, so what nobody knows about is simply asked for again.
  dedupe: 'key',
  keyHorizonMs: 86_400_000,
  timeoutMs: 30_000,
});

const machine = setup({
  types: { context: {} as { paid: unknown }, events: {} as { type: 'pay' } & Bill },
  actors: { charge },
}).createMachine({
  context: { paid: undefined },
  initial: 'open',
  states: {
    open: { on: { pay: 'paying' } },
    paying: {
      invoke: {
        id: 'charge',
        src: 'charge',
        input: ({ event }) => ({ till: event.till, cents: event.cents }),
        onDone: { target: 'paid', actions: assign({ paid: ({ event }) => event.output }) },
        onError: 'open',
      },
    },
    paid: {},
  },
});

/** An order. It sleeps whenever it waits. */
export const order = defineAgent({ type: 'order', machine, sleep: { afterMs: 0 } });
