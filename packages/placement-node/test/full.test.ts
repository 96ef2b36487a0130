/** An inbox that is full: outsiders wait, and the bus drains by itself. */
import { expect, test } from 'vitest';
import { listAgent } from './support/agents.ts';
import { useServer } from './support/deployment.ts';
import { eventually, failure } from './support/eventually.ts';

const deploy = useServer();
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

test('outsiders are refused in time by a typed error, and taken again when there is room', async () => {
  const bus = await deploy({ inboxMaxMessages: 50 });
  const sent: number[] = [];
  const refused = await failure(
    (async () => {
      for (let item = 1; item < 100; item += 1) {
        await bus.list('ada').send({ type: 'add', item });
        sent.push(item);
      }
    })(),
  );
  expect(refused.code).toBe('INBOX_FULL');

  await bus.startNode();

  await bus.drained();
  expect(await bus.items('ada')).toEqual(sent);
  await eventually(async () =>
    expect(await bus.list('ada').call({ type: 'add', item: 'again' })).toBe(sent.length + 1),
  );
});

test('a ring of agents that send to each other drains a full inbox by itself', async () => {
  const bus = await deploy({ inboxMaxMessages: 60 });
  const size = 6;
  const hops = 8;
  const ring = (from: number): string[] => upTo(hops).map((hop) => `list/r${(from + hop) % size}`);
  // A plain publisher, which no client holds back: the inbox is full to the last message.
  const sends = upTo(60).map((item) => bus.plainEvent(`r${item % size}`, 'pass', { item, path: ring(item % size) }));
  await Promise.all(sends);
  expect(await bus.count(bus.layout.inboxStream(0))).toBe(60);

  await bus.startNode();

  await eventually(async () => {
    const counts = await Promise.all(upTo(size).map(async (i) => (await bus.items(`r${i - 1}`)).length));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(60 * (hops + 1));
  });
  await bus.drained();
  for (const i of upTo(size)) expect((await bus.record(`r${i - 1}`)).outbox.length).toBeLessThan(100);
});

test('agents that answer each event by several drain a full inbox too, and lose nothing', async () => {
  const bus = await deploy({ inboxMaxMessages: 40 });
  const to = upTo(8).map((i) => `list/out${i}`);
  await Promise.all(upTo(40).map((item) => bus.plainEvent(`in${item % 4}`, 'fan', { item, to })));

  await bus.startNode({ agents: [listAgent({ sleep: { afterMs: 20 } })] });

  for (const i of upTo(8)) {
    await eventually(async () => {
      const items = await bus.items(`out${i}`);
      expect([...items].toSorted((a, b) => Number(a) - Number(b))).toEqual(upTo(40));
    });
  }
  await bus.drained();
  expect(await bus.count(bus.layout.timersStream(0))).toBe(0);
});

test('a full inbox blocks no commit: an agent goes on to change, and to fall asleep', async () => {
  const bus = await deploy({ inboxMaxMessages: 20 });
  const node = await bus.startNode({ agents: [listAgent({ sleep: { afterMs: 20 } })] });
  await Promise.all(upTo(19).map((item) => bus.plainEvent('nobody', 'add', { item }, 'ghost')));

  await bus.plainEvent('ada', 'rest', { item: 1 });

  await eventually(async () => expect((await bus.inspect('ada')).lifecycle.name).toBe('asleep'));
  await eventually(() => expect(node.status().sessions).toBe(0));
});
