/** Several placement nodes: who runs what, and what becomes of it when they come, go, freeze or die. */
import { encode } from '@wakebus/protocol';
import { describe, expect, test, vi } from 'vitest';
import type { Probes } from '../src/mod.ts';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';

// All tests of this file run at once, with some twenty node processes: on a busy machine each takes thrice its time.
vi.setConfig({ testTimeout: 90_000 });
const deploy = useServer('all');
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

/** Sends 1 … `each` to every agent, in order, all agents at once. @returns when all is stored. */
async function load(bus: TestDeployment, agents: number, each: number, path: readonly string[] = []): Promise<void> {
  await Promise.all(
    upTo(agents).map(async (i) => {
      for (const item of upTo(each)) await bus.list(`a${i}`).send({ type: 'pass', item, path });
    }),
  );
}

async function expectComplete(bus: TestDeployment, agents: number, each: number): Promise<void> {
  await eventually(async () => {
    for (const i of upTo(agents)) expect(await bus.items(`a${i}`)).toHaveLength(each);
  });
  for (const i of upTo(agents)) expect(await bus.items(`a${i}`)).toEqual(upTo(each));
}

test('three nodes share the agents evenly', async () => {
  const bus = await deploy({ partitions: 64 });
  const nodes = [await bus.startNode(), await bus.startNode(), await bus.startNode()];
  await eventually(() => expect(nodes.map((node) => node.status().members.length)).toEqual([3, 3, 3]));

  // On a busy machine a heart may miss its beat, and others run that node's agents for a while. Their next
  // events bring them home: what is promised is where agents go, whatever has moved them.
  await eventually(async () => {
    await load(bus, 900, 1);
    await bus.drained();
    const sessions = nodes.map((node) => node.status().sessions);
    expect(sessions.reduce((sum, count) => sum + count, 0)).toBe(900);
    for (const count of sessions) {
      expect(count).toBeGreaterThan(300 * 0.85);
      expect(count).toBeLessThan(300 * 1.15);
    }
  });
});

describe.concurrent('under load', () => {
  test('a node that is killed loses, doubles and reorders nothing', async () => {
    const bus = await deploy();
    const victim = await bus.startProcess();
    await bus.startProcess();
    await bus.startProcess();
    const sending = load(bus, 30, 30, ['list/sink']);
    await eventually(async () => expect((await bus.items('a1')).length).toBeGreaterThan(5));

    await victim.kill();

    await sending;
    await expectComplete(bus, 30, 30);
    await eventually(async () => expect(await bus.items('sink')).toHaveLength(900));
    await bus.drained();
    expect(await bus.items('sink')).toHaveLength(900);
    expect(await bus.deadLetters()).toEqual([]);
  });

  test('a node that is killed leaves no turn behind, though nobody sends anything after that', async () => {
    const bus = await deploy();
    const { key } = bus.list('held');
    const victim = await bus.startProcess({ waitBeforeCommitOf: key });
    await load(bus, 10, 1);
    await expectComplete(bus, 10, 1);
    await bus.list('held').send({ type: 'fan', item: 1, to: ['list/b'] });
    await victim.waiting();
    const other = await bus.startNode();
    await eventually(() => expect(other.status().members).toHaveLength(2));

    await victim.kill();

    await eventually(async () => expect([await bus.items('held'), await bus.items('b')]).toEqual([[1], [1]]));
    await bus.drained();
    expect((await bus.record('held')).lease.epoch).toBe(1);
  });

  test('a node that is drained hands its agents over, and no call of theirs fails', async () => {
    const bus = await deploy();
    const first = await bus.startNode();
    const second = await bus.startNode();
    await eventually(() => expect([first, second].map((node) => node.status().members.length)).toEqual([2, 2]));
    await load(bus, 20, 1);
    await eventually(() => expect(first.status().sessions).toBeGreaterThan(0));

    const calls = upTo(20).map(async (i) => {
      for (const item of [2, 3, 4, 5, 6]) await bus.list(`a${i}`).call({ type: 'add', item });
    });
    await first.drain();

    await Promise.all(calls);
    await expectComplete(bus, 20, 6);
    expect([first.status().sessions, second.status().members]).toEqual([0, [second.nodeId]]);
    for (const i of upTo(20)) expect((await bus.record(`a${i}`)).lease.holder).not.toBe(first.nodeId);
  });

  // Tried again for the same reason as above: an agent that is taken for orphaned moves once more.
  test(
    'a node that joins takes its share, each agent moving at most once, and everything goes on',
    { retry: 2 },
    async () => {
      const bus = await deploy();
      await bus.startNode();
      const sending = load(bus, 40, 20);
      await eventually(async () => expect((await bus.items('a1')).length).toBeGreaterThan(3));

      const newcomer = await bus.startNode();

      await sending;
      await expectComplete(bus, 40, 20);
      await load(bus, 80, 1);
      await eventually(() => expect(newcomer.status().sessions).toBeGreaterThan(10));
      await bus.drained();
      expect(await bus.deadLetters()).toEqual([]);
      for (const i of upTo(40)) expect((await bus.record(`a${i}`)).lease.epoch).toBeLessThanOrEqual(2);
    },
  );

  test('a backlog that spills from node to node keeps its order and loses nothing', async () => {
    const bus = await deploy({ partitions: 4 });
    await bus.startNode({ limits: { maxTurnsInFlight: 1 } });
    await bus.startNode({ limits: { maxTurnsInFlight: 1 } });

    const sends = upTo(5_000).map((n) => bus.list(`a${(n % 4) + 1}`).send({ type: 'add', item: Math.ceil(n / 4) }));
    await Promise.all(sends);

    await bus.drained();
    for (const i of upTo(4)) {
      const items = (await bus.items(`a${i}`)) as number[];
      expect(items).toHaveLength(1_250);
      expect(items).toEqual(items.toSorted((a, b) => a - b));
    }
  });
});

describe.concurrent('a node that is frozen between transition and commit', () => {
  test('past its lease finds that its agent has moved on, and doubles nothing', async () => {
    const bus = await deploy();
    const { key } = bus.list('a');
    const frozen = await bus.startProcess({ waitBeforeCommitOf: key });
    await bus.list('a').send({ type: 'fan', item: 1, to: ['list/b'] });
    await frozen.waiting();
    frozen.signal('SIGSTOP');

    const other = await bus.startProcess();
    await bus.list('a').call({ type: 'fan', item: 2, to: ['list/b'] });
    await eventually(async () => expect(await bus.leases()).toEqual([other.nodeId]));
    frozen.signal('SIGCONT');
    frozen.goOn();

    await eventually(async () =>
      expect((await bus.leases()).toSorted()).toEqual([frozen.nodeId, other.nodeId].toSorted()),
    );
    await bus.list('a').call({ type: 'fan', item: 3, to: ['list/b'] });
    await eventually(async () => expect(await bus.items('b')).toEqual([1, 2, 3]));
    await bus.drained();
    expect([await bus.items('a'), (await bus.record('a')).turns]).toEqual([[1, 2, 3], 3]);
  });

  test('within its lease loses to whoever took its agent meanwhile', async () => {
    const bus = await deploy();
    const { key } = bus.list('a');
    const frozen = await bus.startProcess({ waitBeforeCommitOf: key });
    await bus.list('a').send({ type: 'fan', item: 1, to: ['list/b'] });
    await frozen.waiting();
    frozen.signal('SIGSTOP');

    const other = await bus.startProcess();
    await bus.list('a').call({ type: 'fan', item: 2, to: ['list/b'] });
    expect((await bus.leases()).toSorted()).toEqual([frozen.nodeId, other.nodeId].toSorted());
    frozen.signal('SIGCONT');
    frozen.goOn();

    await bus.list('a').call({ type: 'fan', item: 3, to: ['list/b'] });
    await eventually(async () => expect(await bus.items('b')).toEqual([1, 2, 3]));
    await bus.drained();
    expect([await bus.items('a'), (await bus.record('a')).turns]).toEqual([[1, 2, 3], 3]);
  });
});

test.concurrent('two nodes that claim an agent at once commit its turn once', async () => {
  const bus = await deploy();
  const { key } = bus.list('a');
  let waiting = 0;
  let letGo = (): void => {};
  const together = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const probes: Probes = {
    beforeCommit: () => {
      waiting += 1;
      return together;
    },
  };
  const nodes = [await bus.startNode({ probes }), await bus.startNode({ probes })];
  await bus.list('a').send({ type: 'fan', item: 1, to: ['list/b'] });
  await eventually(() => expect(waiting).toBe(1));

  // Both are told that messages wait, as two nodes would that see different members.
  for (const { nodeId } of nodes)
    bus.connection.publish(bus.layout.nodeSubject(nodeId, 'forward'), encode({ key, doorbells: [] }));
  await eventually(() => expect(waiting).toBe(2));
  letGo();

  await eventually(async () => expect(await bus.items('b')).toEqual([1]));
  await bus.drained();
  expect([await bus.items('a'), (await bus.record('a')).turns]).toEqual([[1], 1]);
});

test.concurrent('a node that leaves says at once that it takes nothing over', async () => {
  const bus = await deploy();
  let letGo = (): void => {};
  const later = new Promise<void>((resolve) => (letGo = resolve));
  const node = await bus.startNode({ probes: { beforeCommit: () => later } });
  await bus.list('a').send({ type: 'add', item: 1 });
  await eventually(() => expect(node.status().sessions).toBe(1));
  const subject = bus.layout.nodeSubject(node.nodeId, 'forward');
  const forward = encode({ key: bus.list('b').key, doorbells: [] });
  const ask = (): Promise<{ data: Uint8Array }> => bus.connection.request(subject, forward, { timeout: 20_000 });

  expect((await ask()).data.length).toBe(0);
  const drained = node.drain();
  await eventually(async () => expect((await ask()).data.length).toBe(1));

  letGo();
  await drained;
});
