/** Child actors and delays that stand still, on a real server: agents sleep, move and die, and their families with them. */
import { type AnyAgentDefinition, defineAgent, effect, remaining, reply } from '@wakebus/core';
import { agentKey } from '@wakebus/protocol';
import { assign, raise, sendTo, setup, spawnChild } from 'xstate';
import { expect, test } from 'vitest';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';

const deploy = useServer();

interface ParentContext {
  readonly items: readonly string[];
}

/** A parent whose children each wait, work outside, and are done. */
function parentAgent(work: (id: string) => Promise<string>, afterMs: number = 0): AnyAgentDefinition {
  const job = effect({ run: ({ input }: { input: string }) => work(input), dedupe: 'key', keyHorizonMs: 3_600_000 });
  const child = setup({
    types: { context: {} as { id: string; result: string }, input: {} as { id: string; ms: number } },
    actors: { job },
    delays: { wait: ({ event }) => (event as unknown as { input: { ms: number } }).input.ms },
  }).createMachine({
    id: 'child',
    context: ({ input }) => ({ id: input.id, result: '' }),
    initial: 'waiting',
    states: {
      waiting: { after: { wait: 'working' }, on: { hurry: 'working' } },
      working: {
        invoke: {
          id: 'job',
          src: 'job',
          input: ({ context }) => context.id,
          onDone: { target: 'over', actions: assign({ result: ({ event }) => event.output }) },
        },
      },
      over: { type: 'final' },
    },
    output: ({ context }) => context.result,
  });
  const machine = setup({
    types: {
      context: {} as ParentContext,
      events: {} as { type: string; kid: string; ms: number; output: string },
    },
    actors: { child },
    delays: { still: remaining(({ event }) => event.ms) },
    actions: { note: assign({ items: ({ context, event }) => [...context.items, event.output ?? event.type] }) },
  }).createMachine({
    id: 'parent',
    context: { items: [] },
    on: {
      make: {
        actions: [
          spawnChild('child', {
            id: ({ event }) => event.kid,
            input: ({ event }) => ({ id: event.kid, ms: event.ms }),
          }),
          reply(),
        ],
      },
      hurry: { actions: [sendTo(({ event }) => event.kid, { type: 'hurry' }), reply()] },
      later: { actions: [raise({ type: 'rang' } as never, { id: 'still', delay: 'still' }), reply()] },
      rang: { actions: 'note' },
      'xstate.done.actor.*': { actions: 'note' },
    },
  });
  return defineAgent({ type: 'parent', machine, sleep: { afterMs } });
}

function itemsBecome(bus: TestDeployment, items: readonly string[]): Promise<void> {
  return eventually(async () => expect(await bus.items('ada', 'parent')).toEqual(items));
}

test('a child waits, works and ends while its agent sleeps in between', async () => {
  const bus = await deploy();
  const node = await bus.startNode({ agents: [parentAgent((id) => Promise.resolve(`${id} done`))] });
  const ada = bus.client.agent('parent', 'ada');

  await ada.call({ type: 'make', kid: 'one', ms: 60_000 });
  await eventually(() => expect(node.status().sessions).toBe(0));

  expect(await bus.inspect('ada', 'parent')).toMatchObject({
    timers: [{ id: 'xstate.after.wait.child.waiting', actor: 'one:1' }],
    children: { one: { name: 'one:1', src: 'child', state: 'waiting', status: 'active' } },
  });
  await ada.call({ type: 'make', kid: 'two', ms: 300 });
  await itemsBecome(bus, ['two done']);
  await ada.call({ type: 'hurry', kid: 'one' });
  await itemsBecome(bus, ['two done', 'one done']);
  expect((await bus.inspect('ada', 'parent')).journal).toMatchObject([
    { id: 'job', actor: 'two:2', state: 'done' },
    { id: 'job', actor: 'one:1', state: 'done' },
  ]);
  await bus.drained();
});

test('a family goes on at another node, with its delays and its effects', async () => {
  const bus = await deploy();
  const released = Promise.withResolvers<string>();
  const first = await bus.startNode({ agents: [parentAgent(() => released.promise, 60_000)] });
  const ada = bus.client.agent('parent', 'ada');
  await ada.call({ type: 'make', kid: 'one', ms: 60_000 });
  await ada.call({ type: 'make', kid: 'two', ms: 60_000 });
  await ada.call({ type: 'hurry', kid: 'two' });
  await eventually(() => expect(first.status().effects).toBe(1));
  const second = await bus.startNode({ agents: [parentAgent((id) => Promise.resolve(`${id} there`))] });

  const drained = first.drain();
  released.resolve('two here');
  await drained;

  await itemsBecome(bus, ['two here']);
  expect((await bus.inspect('ada', 'parent')).timers).toMatchObject([{ actor: 'one:1' }]);
  await ada.call({ type: 'hurry', kid: 'one' });

  await itemsBecome(bus, ['two here', 'one there']);
  expect(second.status().effects).toBe(0);
  await bus.drained();
});

test('a delay that stands still has no schedule while its agent sleeps, and goes on when it wakes', async () => {
  const bus = await deploy();
  const node = await bus.startNode({ agents: [parentAgent((id) => Promise.resolve(id))] });
  const ada = bus.client.agent('parent', 'ada');
  const filter = bus.layout.timersFilter(agentKey('parent', 'ada'));
  await ada.call({ type: 'later', ms: 60_000 });
  await eventually(async () => {
    expect(node.status().sessions).toBe(0);
    expect((await bus.inspect('ada', 'parent')).timers).toMatchObject([
      { id: 'still', leftMs: expect.any(Number) as number },
    ]);
    expect(await bus.count(bus.layout.timersStream(0), filter)).toBe(0);
  });
  await node.drain();
  await bus.startNode({ agents: [parentAgent((id) => Promise.resolve(id), 60_000)] });

  await ada.call({ type: 'make', kid: 'one', ms: 0 });

  await itemsBecome(bus, ['one']);
  const [timer] = (await bus.inspect('ada', 'parent')).timers;
  expect(timer).toMatchObject({ id: 'still', generation: expect.any(Number) as number });
  expect(timer?.leftMs).toBeUndefined();
  expect(await bus.count(bus.layout.timersStream(0), filter)).toBe(1);
});
