/** Messages between agents: each once, in order, and nothing left owed. */
import { describe, expect, test } from 'vitest';
import { listAgent } from './support/agents.ts';
import { useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';

const deploy = useServer();
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('a chain of agents', () => {
  test('passes messages on in their order, and owes nothing in the end', async () => {
    const bus = await deploy();
    const node = await bus.startNode({ agents: [listAgent({ sleep: { afterMs: 50 } })] });

    await Promise.all(upTo(100).map((item) => bus.list('a').send({ type: 'pass', item, path: ['list/b', 'list/c'] })));

    await eventually(async () => expect(await bus.items('c')).toHaveLength(100));
    const order = await bus.items('a');
    expect([...order].toSorted((x, y) => Number(x) - Number(y))).toEqual(upTo(100));
    expect(await bus.items('b')).toEqual(order);
    expect(await bus.items('c')).toEqual(order);
    await bus.drained();
    await eventually(() => expect(node.status().sessions).toBe(0));
    for (const id of ['a', 'b']) {
      const { outbox, settled, peers } = await bus.record(id);
      expect([outbox, settled, [...peers.values()].map(({ number }) => number)]).toEqual([[], true, [100]]);
    }
  });

  test('trims its outbox while it is busy, and does not wait for sleep', async () => {
    const bus = await deploy();
    await bus.startNode();

    for (const item of upTo(30)) await bus.list('a').call({ type: 'pass', item, path: ['list/b'] });

    expect((await bus.record('a')).outbox.length).toBeLessThan(30);
    await eventually(async () => expect(await bus.items('b')).toEqual(upTo(30)));
  });

  test('that bites its own tail ends', async () => {
    const bus = await deploy();
    await bus.startNode();
    const ring = Array.from({ length: 30 }, (_, i) => `list/${'abc'[(i + 1) % 3] ?? ''}`);

    await bus.list('a').send({ type: 'pass', item: 'x', path: ring });

    await eventually(async () => {
      const counts = await Promise.all(['a', 'b', 'c'].map(async (id) => (await bus.items(id)).length));
      expect(counts).toEqual([11, 10, 10]);
    });
    await bus.drained();
  });
});

test('an agent may send to itself, and takes its own messages in order', async () => {
  const bus = await deploy();
  await bus.startNode();

  await bus.list('a').send({ type: 'pass', item: 'first', path: ['list/a', 'list/a'] });
  await bus.list('a').send({ type: 'pass', item: 'second', path: ['list/a'] });

  await bus.drained();
  const items = await bus.items('a');
  expect([...items].toSorted()).toEqual(['first', 'first', 'first', 'second', 'second']);
});

test('one event may send to many agents: each gets its message once', async () => {
  const bus = await deploy();
  await bus.startNode();
  const to = Array.from({ length: 100 }, (_, i) => `list/r${i}`);

  await bus.list('a').send({ type: 'fan', item: 1, to });
  await bus.list('a').send({ type: 'fan', item: 2, to });

  await bus.drained();
  for (let i = 0; i < 100; i += 1) expect(await bus.items(`r${i}`)).toEqual([1, 2]);
});

test('a message to a type that nobody runs waits, and harms neither sender nor neighbours', async () => {
  const bus = await deploy();
  await bus.startNode();

  await bus.list('a').call({ type: 'fan', item: 'x', to: ['ghost/1', 'list/b'] });

  await eventually(async () => expect(await bus.items('b')).toEqual(['x']));
  expect(await bus.list('a').call({ type: 'add', item: 'y' })).toBe(2);
  await eventually(async () => expect(await bus.count(bus.layout.inboxStream(0))).toBe(1));
  await bus.startNode({ agents: [listAgent({ type: 'ghost' })] });
  await eventually(async () => expect(await bus.items('1', 'ghost')).toEqual(['x']));
  await bus.drained();
});

test('an event is acknowledged only when what it caused is handed over, whatever was handed over before', async () => {
  const bus = await deploy();
  const gates = { relay: Promise.withResolvers<void>(), release: Promise.withResolvers<void>() };
  let turns = 0;
  await bus.startNode({
    history: false,
    probes: {
      beforeRelay: (key) => (key === 'list.a' ? gates.relay.promise : undefined),
      afterCommit: (key) => (key === 'list.a' && (turns += 1) === 2 ? gates.release.promise : undefined),
    },
  });
  await bus.list('a').send({ type: 'fan', item: 1, to: ['list/b'] });
  await eventually(() => expect(turns).toBe(1));
  await bus.list('a').send({ type: 'fan', item: 2, to: ['list/b'] });
  await eventually(() => expect(turns).toBe(2));

  // The second turn is committed, and nothing of it has left: its event must stay while the first one goes.
  gates.relay.resolve();

  await eventually(async () => expect(await bus.items('b')).toEqual([1]));
  await eventually(async () => expect(await bus.count(bus.layout.inboxStream(0))).toBe(1));
  gates.release.resolve();
  await eventually(async () => expect(await bus.items('b')).toEqual([1, 2]));
  await bus.drained();
});

test('answers wait for the commit: an agent that cannot commit says nothing', async () => {
  const bus = await deploy();
  let letGo = (): void => {};
  const stopped = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isWaiting = false;
  await bus.startNode({
    probes: {
      beforeCommit: () => {
        isWaiting = true;
        return stopped;
      },
    },
  });
  let answer: unknown;
  const call = bus.list('a').call({ type: 'fan', item: 'x', to: ['list/b'] });
  void call.then(() => (answer = 'answered'));

  await eventually(() => expect(isWaiting).toBe(true));
  await bus.connection.flush();
  expect([answer, await bus.client.inspect('list/a'), await bus.count(bus.layout.inboxStream(0))]).toEqual([
    undefined,
    undefined,
    1,
  ]);
  letGo();

  await call;
  await eventually(async () => expect(await bus.items('b')).toEqual(['x']));
});
