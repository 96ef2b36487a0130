/** Delayed events of agents that sleep, on a real server's schedules. */
import { type AnyAgentDefinition, defineAgent } from '@wakebus/core';
import { assign, enqueueActions, setup } from 'xstate';
import { expect, test } from 'vitest';
import { listAgent } from './support/agents.ts';
import { useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';

const deploy = useServer();

test('a delayed event wakes an agent that sleeps', async () => {
  const bus = await deploy();
  const node = await bus.startNode({ agents: [listAgent({ sleep: { afterMs: 0 } })] });

  await bus.list('ada').call({ type: 'alarm', ms: 700 });
  await eventually(() => expect(node.status().sessions).toBe(0));
  expect((await bus.inspect('ada')).timers).toMatchObject([{ id: 'bell', generation: 1 }]);
  expect(await bus.items('ada')).toEqual([]);

  await eventually(async () => expect(await bus.items('ada')).toEqual(['rang']));
  expect((await bus.inspect('ada')).timers).toEqual([]);
  await bus.drained();
});

test('a delayed event comes although no node ran when it was due', async () => {
  const bus = await deploy();
  const first = await bus.startNode();
  await bus.list('ada').call({ type: 'alarm', ms: 300 });
  await eventually(async () => expect(await bus.count(bus.layout.timersStream(0))).toBe(1));
  await first.drain();
  await eventually(async () => expect(await bus.count(bus.layout.inboxStream(0))).toBe(1));

  await bus.startNode();

  await eventually(async () => expect(await bus.items('ada')).toEqual(['rang']));
});

test('a delayed event survives a restart of the server', async () => {
  const bus = await deploy();
  const node = await bus.startNode({ agents: [listAgent({ sleep: { afterMs: 0 } })] });
  await bus.list('ada').call({ type: 'alarm', ms: 1_500 });
  await eventually(() => expect(node.status().sessions).toBe(0));

  await bus.server.servers[0]?.restart({ signal: 'SIGKILL' });

  await eventually(async () => expect(await bus.items('ada')).toEqual(['rang']));
});

test('a cancelled event does not fire, and neither does one that was armed anew too early', async () => {
  const bus = await deploy();
  await bus.startNode();
  const ada = bus.list('ada');

  await ada.call({ type: 'alarm', ms: 150, id: 'cancelled' });
  await ada.call({ type: 'alarm', ms: 150, id: 'later' });
  await ada.call({ type: 'hush', id: 'cancelled' });
  await ada.call({ type: 'alarm', ms: 600, id: 'later' });
  await ada.call({ type: 'alarm', ms: 400, id: 'witness' });

  await eventually(async () => expect((await bus.inspect('ada')).timers.map(({ id }) => id)).toEqual(['later']));
  expect(await bus.items('ada')).toEqual(['rang']);
  await eventually(async () => expect(await bus.items('ada')).toEqual(['rang', 'rang']));
  await bus.drained();
  expect(await bus.count(bus.layout.timersStream(0), bus.layout.timersFilter(bus.list('ada').key))).toBe(0);
});

test('an agent may have many timers, and each fires once', async () => {
  const bus = await deploy();
  await bus.startNode({ agents: [listAgent({ sleep: { afterMs: 20 } })] });

  await Promise.all(
    Array.from({ length: 60 }, (_, i) => bus.list(`a${i % 3}`).call({ type: 'alarm', ms: 200 + i, id: `t${i}` })),
  );

  await eventually(async () => {
    const rung = await Promise.all([0, 1, 2].map(async (i) => (await bus.items(`a${i}`)).length));
    expect(rung).toEqual([20, 20, 20]);
  });
  await bus.drained();
});

test('the timers of a removed agent never reach its next life', async () => {
  const bus = await deploy();
  await bus.startNode();
  await bus.list('ada').call({ type: 'alarm', ms: 300 });
  await bus.client.remove('list/ada');
  await bus.list('ada').call({ type: 'add', item: 'reborn' });
  await bus.list('witness').call({ type: 'alarm', ms: 500 });

  await eventually(async () => expect(await bus.items('witness')).toEqual(['rang']));

  await bus.drained();
  expect(await bus.items('ada')).toEqual(['reborn']);
});

/** Arms as many timers as it is told, all for one time, and keeps which of them came. */
function alarmClock(): AnyAgentDefinition {
  const machine = setup({
    types: {
      context: {} as { items: number[] },
      events: {} as { type: 'wind'; atMs: number; count: number } | { type: 'rang'; n: number },
    },
  }).createMachine({
    context: { items: [] },
    on: {
      wind: {
        actions: enqueueActions(({ event, enqueue }) => {
          const delay = event.atMs - Date.now();
          for (let n = 0; n < event.count; n += 1) enqueue.raise({ type: 'rang', n }, { id: `bell${n}`, delay });
        }),
      },
      rang: { actions: assign({ items: ({ context, event }) => [...context.items, event.n] }) },
    },
  });
  return defineAgent({ type: 'list', machine });
}

test('ten thousand timers that fall due while everything is down come once each', { timeout: 120_000 }, async () => {
  const bus = await deploy();
  const [agents, count] = [200, 50];
  const first = await bus.startNode({ agents: [alarmClock()] });
  const ids = Array.from({ length: agents }, (_, i) => `a${i}`);
  const atMs = Date.now() + 15_000;
  await Promise.all(ids.map((id) => bus.client.agent('list', id).call({ type: 'wind', atMs, count })));
  await first.drain();
  expect(await bus.count(bus.layout.timersStream(0))).toBe(agents * count);
  const [server] = bus.server.servers;
  await server?.kill();
  await eventually(() => expect(Date.now()).toBeGreaterThan(atMs), 20_000);
  await server?.restart();

  await bus.startNode({ agents: [alarmClock()] });

  const all = Array.from({ length: count }, (_, n) => n);
  await eventually(async () => {
    for (const id of ids) expect([...(await bus.items(id))].toSorted((a, b) => Number(a) - Number(b))).toEqual(all);
  }, 60_000);
  await bus.drained(20_000);
  for (const id of ids) expect(await bus.items(id)).toHaveLength(count);
});
