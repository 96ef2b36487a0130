/** Paused agents: their states stay in memory within a budget, and go on without being read. */
import { expect, test } from 'vitest';
import { listAgent } from './support/agents.ts';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';
import { Switchboard, callerAgent } from './support/switchboard.ts';

const deploy = useServer();
const sleep = { afterMs: 50, mode: 'pause' } as const;
const agents = [listAgent({ sleep })];

async function isPaused(bus: TestDeployment, id: string, type: string = 'list'): Promise<void> {
  await eventually(async () => expect((await bus.inspect(id, type)).lifecycle.name).toBe('paused'));
}

test('an idle agent is paused: its node keeps it, and goes on with its next event without reading it', async () => {
  const bus = await deploy();
  const node = await bus.startNode({ agents });
  await bus.list('ada').call({ type: 'add', item: 'a' });
  await isPaused(bus, 'ada');
  const { lease, revision } = await bus.inspect('ada');
  expect([lease.holder, lease.epoch, node.status().sessions, node.status().paused]).toEqual([node.nodeId, 1, 1, 1]);
  const reads: string[] = [];
  const spy = bus.connection.subscribe('$JS.API.>', {
    callback: (_error, { subject }) => void (subject.endsWith('list.ada') && reads.push(subject)),
  });
  await bus.connection.flush();

  expect(await bus.list('ada').call({ type: 'add', item: 'b' })).toBe(2);

  await bus.connection.flush();
  spy.unsubscribe();
  expect(reads).toEqual([]);
  await isPaused(bus, 'ada');
  const after = await bus.inspect('ada');
  expect([after.lease.epoch, after.revision - revision, node.status().paused]).toEqual([1, 2, 1]);
});

test('an agent that asks to sleep is paused, too', async () => {
  const bus = await deploy();
  const node = await bus.startNode({ agents: [listAgent({ sleep: { afterMs: 600_000, mode: 'pause' } })] });

  await bus.list('ada').call({ type: 'rest' });

  await isPaused(bus, 'ada');
  expect(node.status().paused).toBe(1);
});

test('beyond the budget those that were paused longest are stopped', async () => {
  const bus = await deploy();
  const node = await bus.startNode({ agents, limits: { pausedBytes: 26_000 } });
  for (const id of ['ada', 'bob', 'eve']) {
    await bus.list(id).call({ type: 'add', item: id });
    await eventually(async () => expect((await bus.inspect(id)).lifecycle.name).not.toBe('awake'));
  }

  await eventually(async () => expect((await bus.inspect('ada')).lifecycle.name).toBe('asleep'));
  expect((await bus.inspect('ada')).lease.holder).toBe('');
  await isPaused(bus, 'bob');
  await isPaused(bus, 'eve');
  await eventually(() => expect([node.status().sessions, node.status().paused]).toEqual([2, 2]));
  expect(await bus.list('ada').call({ type: 'add', item: 'again' })).toBe(2);
});

test('a paused agent holds nothing that its effects have opened', async () => {
  const bus = await deploy();
  await using board = await Switchboard.open();
  const node = await bus.startNode({ agents: [callerAgent({ sleep })] });
  await bus.client.agent('caller', 'ada').send({ type: 'speak', id: 'a', say: 'hello', port: board.port });
  await eventually(() => expect(board.lines).toEqual(['hello']));

  await isPaused(bus, 'ada', 'caller');
  await eventually(() => expect([board.connected, node.status().resources.agents]).toEqual([0, 0]));
  expect(node.status().sessions).toBe(1);
});

test('a paused agent whose node is gone is asleep, and another node wakes it', async () => {
  const bus = await deploy();
  const first = await bus.startNode({ agents });
  await bus.list('ada').call({ type: 'add', item: 'a' });
  await isPaused(bus, 'ada');
  first.close();

  const second = await bus.startNode({ agents });

  expect(await bus.list('ada').call({ type: 'add', item: 'b' }, { timeoutMs: 30_000 })).toBe(2);
  expect((await bus.inspect('ada')).lease).toMatchObject({ holder: second.nodeId, epoch: 2 });
});

test('a drain stops paused agents', async () => {
  const bus = await deploy();
  const node = await bus.startNode({ agents });
  await bus.list('ada').call({ type: 'add', item: 'a' });
  await isPaused(bus, 'ada');

  await node.drain();

  const { lifecycle, lease } = await bus.inspect('ada');
  expect([lifecycle.name, lease.holder]).toEqual(['asleep', '']);
});
