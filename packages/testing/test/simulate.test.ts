import { defineAgent } from '@wakebus/core';
import { simulate } from '@wakebus/testing';
import { assign, setup } from 'xstate';
import { expect, test } from 'vitest';

interface Purse {
  readonly coins: number;
}

/** A purse whose coins may not be overdrawn, if its guard is right. */
function purse(canPay: (coins: number, amount: number) => boolean): ReturnType<typeof defineAgent> {
  const machine = setup({
    types: { context: {} as Purse, events: {} as { type: 'put' | 'pay'; amount: number } },
  }).createMachine({
    context: { coins: 0 },
    on: {
      put: { actions: assign({ coins: ({ context, event }) => context.coins + event.amount }) },
      pay: {
        guard: ({ context, event }) => canPay(context.coins, event.amount),
        actions: assign({ coins: ({ context, event }) => context.coins - event.amount }),
      },
    },
  });
  return defineAgent({ type: 'purse', machine }) as never;
}

const options = {
  seeds: 3,
  events: (random: { below(limit: number): number }) => ({
    type: random.below(2) === 0 ? 'put' : 'pay',
    amount: 1 + random.below(10),
  }),
  invariant: ({ context }: { context: Purse }) => context.coins >= 0 || `${context.coins} coins are in it`,
};

test('a sound machine keeps its invariant on every rough day', async () => {
  const { passed, violations, story } = await simulate<Purse>(
    purse((coins, amount) => coins >= amount),
    options,
  );
  expect([passed, violations, story]).toEqual([3, [], '']);
});

test('a machine that breaks its invariant is told the seed, the state and the smallest run', async () => {
  const { violations, story } = await simulate<Purse>(
    purse(() => true),
    { ...options, seeds: 1 },
  );
  expect(violations[0]).toMatch(/^purse, seed 1: purse\.a\d, revision \d+: -\d+ coins are in it$/);
  expect(story).toContain('"faults":{}');
  expect(story).toMatch(/took pay c\d-\d+/);
});

test('what must hold of all agents at rest is asked once everything has arrived', async () => {
  const { violations } = await simulate<Purse>(
    purse((coins, amount) => coins >= amount),
    { ...options, seeds: 1, atRest: (states) => states.length > 100 },
  );
  expect(violations).toEqual(['purse, seed 1: at rest: the invariant does not hold']);
});
