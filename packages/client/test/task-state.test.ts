import { chartOf, defineAgent, effect, sleepNow } from '@wakebus/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createActor, getNextTransitions, setup } from 'xstate';
import { type TestDeployment, startDeployment } from './deployment.ts';
import { eventually } from './eventually.ts';

const pack = effect({ run: () => Promise.resolve('packed') });
const machine = setup({
  actors: { pack },
  types: { events: {} as { type: 'order' | 'approve' | 'note' | 'cancel' | 'burst' } },
}).createMachine({
  initial: 'cart',
  on: {
    cancel: '.cancelled',
    burst: {
      guard: () => {
        throw new Error('it burst');
      },
    },
  },
  states: {
    cart: { on: { order: { target: 'checkout', actions: sleepNow() } } },
    checkout: {
      initial: 'review',
      states: {
        review: { on: { approve: [{ target: 'packing', guard: () => true }], note: {} } },
        packing: { invoke: { id: 'pack', src: 'pack', onDone: '#done' } },
      },
    },
    sent: { id: 'done', on: { note: {} } },
    cancelled: { type: 'final' },
  },
});
const parcel = defineAgent({ type: 'parcel', machine, retry: { attempts: 1, backoffMs: 1 } });

let deployment: TestDeployment<{ parcel: typeof parcel }>;

beforeAll(async () => {
  deployment = await startDeployment<{ parcel: typeof parcel }>();
  await deployment.startNode([parcel]);
});

afterAll(() => deployment[Symbol.asyncDispose]());

test('says where an agent stands, what is behind it, what may come next and what failed, and wakes nobody', async () => {
  const { client } = deployment;
  const agent = client.agent('parcel', 'p1');
  await agent.call({ type: 'order' });
  await eventually(async () => (await client.inspect('parcel/p1'))?.lifecycle.name).toBe('asleep');
  await eventually(async () => (await client.taskState('parcel/p1'))?.completedSteps.map(({ step }) => step)).toEqual(
    [],
  );
  const before = await client.inspect('parcel/p1');

  expect(await client.taskState('parcel/p1')).toMatchObject({
    currentSteps: ['checkout.review'],
    nextCandidates: [
      { event: 'approve', targets: ['checkout.packing'], isGuarded: true },
      { event: 'note', targets: [], isGuarded: false },
      { event: 'cancel', targets: ['cancelled'], isGuarded: false },
      { event: 'burst', targets: [], isGuarded: true },
    ],
    failures: [],
  });
  expect(await client.inspect('parcel/p1')).toEqual(before);

  await agent.send({ type: 'burst' });
  await agent.send({ type: 'approve' });
  await eventually(async () => (await client.taskState('parcel/p1'))?.completedSteps.map(({ step }) => step)).toEqual(
    expect.arrayContaining(['checkout.review', 'effect pack', 'checkout.packing']),
  );

  expect(await client.taskState('parcel/p1')).toMatchObject({
    currentSteps: ['sent'],
    failures: [{ code: 'DEAD_LETTERED', count: 1 }],
  });
});

test('has nothing before a final state, and knows nobody who was never sent anything', async () => {
  const { client } = deployment;
  await client.agent('parcel', 'p2').call({ type: 'cancel' });

  expect(await client.taskState('parcel/p2')).toMatchObject({ currentSteps: ['cancelled'], nextCandidates: [] });
  expect(await client.taskState('parcel/nobody')).toBeUndefined();
});

test('names the events that XState itself would', () => {
  const snapshot = createActor(machine).getSnapshot();

  expect(getNextTransitions(snapshot).map(({ eventType }) => eventType)).toEqual(['order', 'cancel', 'burst']);
  const chart = chartOf(machine);
  expect([...(chart['cart'] ?? []), ...(chart[''] ?? [])].map(({ event }) => event)).toEqual([
    'order',
    'cancel',
    'burst',
  ]);
});
