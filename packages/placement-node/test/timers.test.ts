/** Delayed events of agents that sleep, on a real server's schedules. */
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
