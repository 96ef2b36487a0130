/** Agent types that an operator has disabled: none of them runs anywhere, and nothing of theirs is lost. */
import { expect, test } from 'vitest';
import { type PlacementNode, disableAgents, disabledAgents, enableAgents, natsPorts } from '../src/mod.ts';
import { listAgent } from './support/agents.ts';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';

const deploy = useServer();
const agents = [listAgent(), listAgent({ type: 'other' })];

function disable(bus: TestDeployment): Promise<void> {
  return disableAgents(natsPorts(bus.connection, bus.layout), 'list', 'it orders twice', Date.now());
}

function enable(bus: TestDeployment): Promise<boolean> {
  return enableAgents(natsPorts(bus.connection, bus.layout), 'list');
}

function sessions(...nodes: readonly PlacementNode[]): number {
  return nodes.reduce((sum, node) => sum + node.status().sessions, 0);
}

test('no agent of a disabled type runs anywhere until it is enabled; then what has waited is taken in order', async () => {
  const bus = await deploy();
  const nodes = [await bus.startNode({ agents }), await bus.startNode({ agents })];
  await eventually(() => expect(nodes.map((node) => node.status().members.length)).toEqual([2, 2]));
  const ids = Array.from({ length: 16 }, (_, i) => `a${i}`);
  await Promise.all(ids.map((id) => bus.list(id).call({ type: 'add', item: 0 })));
  await eventually(() => expect(nodes.map((node) => node.status().sessions > 0)).toEqual([true, true]));
  await bus.drained();

  await disable(bus);
  await eventually(() => expect(sessions(...nodes)).toBe(0));
  for (const item of [1, 2, 3]) await Promise.all(ids.map((id) => bus.list(id).send({ type: 'add', item })));
  for (const id of ids) expect(await bus.list(id, 'other').call({ type: 'add', item: 0 })).toBe(1);

  expect(await Promise.all(ids.map(async (id) => (await bus.inspect(id)).turns))).toEqual(ids.map(() => 1));
  // An answer comes before its message is acknowledged.
  await eventually(async () => expect(await bus.count(bus.layout.inboxStream(0))).toBe(3 * ids.length));
  expect((await bus.inspect('a0')).lifecycle.name).toBe('asleep');

  expect(await enable(bus)).toBe(true);
  for (const id of ids) await eventually(async () => expect(await bus.items(id)).toEqual([0, 1, 2, 3]));
  await bus.drained();
  expect(await enable(bus)).toBe(false);
});

test('an agent with messages in hand sleeps after the turn that runs', async () => {
  const bus = await deploy();
  const turn = Promise.withResolvers<void>();
  const commit = Promise.withResolvers<void>();
  const beforeCommit = (key: string): Promise<void> | undefined => {
    if (key !== 'list.busy') return undefined;
    turn.resolve();
    return commit.promise;
  };
  const node = await bus.startNode({ agents, probes: { beforeCommit } });
  await bus.list('idle').call({ type: 'add', item: 0 });
  await bus.list('busy').send({ type: 'add', item: 1 });
  await turn.promise;
  for (const item of [2, 3]) await bus.list('busy').send({ type: 'add', item });

  await disable(bus);
  await eventually(() => expect(sessions(node)).toBe(1));
  commit.resolve();
  await eventually(() => expect(sessions(node)).toBe(0));

  expect(await bus.inspect('busy')).toMatchObject({ turns: 1, lifecycle: { name: 'asleep' }, lease: { holder: '' } });
  await enable(bus);
  await eventually(async () => expect(await bus.items('busy')).toEqual([1, 2, 3]));
});

test('a node that starts later knows what is disabled, and its agents are born when they may', async () => {
  const bus = await deploy();
  await disable(bus);
  expect(await disabledAgents(natsPorts(bus.connection, bus.layout))).toMatchObject([
    { type: 'list', reason: 'it orders twice' },
  ]);
  const node = await bus.startNode({ agents });

  await bus.list('ada').send({ type: 'add', item: 1 });
  await bus.list('ada', 'other').call({ type: 'add', item: 1 });

  expect(await bus.client.inspect('list/ada')).toBeUndefined();
  expect(sessions(node)).toBe(1);
  await enable(bus);
  await eventually(async () => expect(await bus.items('ada')).toEqual([1]));
  expect(await disabledAgents(natsPorts(bus.connection, bus.layout))).toEqual([]);
});
