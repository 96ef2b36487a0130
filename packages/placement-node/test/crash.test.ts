/** A placement node that is killed, at every step of a turn: nothing is lost, nothing doubled, and callers get their answers. */
import { encode } from '@wakebus/protocol';
import { describe, expect, test, vi } from 'vitest';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';
import type { Step } from './support/node-process.ts';

// All tests of this file run at once, with some twenty node processes: on a busy machine each takes thrice its time.
vi.setConfig({ testTimeout: 90_000 });
const deploy = useServer('all');
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

/** Every event of the test is in every list once, in order. */
async function expectWhole(bus: TestDeployment, count: number): Promise<void> {
  await bus.drained();
  for (const id of ['a', 'b', 'c']) expect(await bus.items(id)).toEqual(upTo(count));
}

/** Starts a node, and another one each time it dies, until nothing waits. @returns how many died. */
async function deathsUntilDrained(bus: TestDeployment): Promise<number> {
  for (let deaths = 0; deaths < 10; deaths += 1) {
    const node = await bus.startProcess();
    const ended = await Promise.race([node.exited().then(() => 'died'), bus.drained(25_000).then(() => 'drained')]);
    if (ended === 'drained') return deaths;
  }
  throw new Error('ten nodes have died');
}

describe.concurrent('a node that is killed', () => {
  const steps: ReadonlyArray<readonly [what: string, step: Step, time: number]> = [
    ['before it commits the birth', 'beforeCommit', 1],
    ['before it commits a later turn', 'beforeCommit', 4],
    ['between a commit and what the turn owes', 'afterCommit', 2],
    ['with half of its messages handed over', 'beforeRelay', 4],
    ['before it acknowledges', 'beforeAck', 2],
  ];
  test.each(steps)('%s leaves everything to the next one', async (_what, step, time) => {
    const bus = await deploy();
    const first = await bus.startProcess({ dieAt: { step, time } });
    const send = (item: number): Promise<unknown> =>
      bus.list('a').send({ type: 'fan', item, to: ['list/b', 'list/c'] });
    for (const item of upTo(3)) await send(item);
    const answer = bus.list('a').call({ type: 'fan', item: 4, to: ['list/b', 'list/c'] }, { id: 'call-4' });
    for (const item of [5, 6]) await send(item);
    await first.exited();

    await bus.startProcess();

    await expect(answer).resolves.toBeUndefined();
    await expectWhole(bus, 6);
    expect(await bus.deadLetters()).toEqual([]);
    expect(await bus.list('a').call({ type: 'fan', item: 4, to: [] }, { id: 'call-4' })).toBeUndefined();
    await expectWhole(bus, 6);
  });

  test('is replaced without new traffic, and before its deliveries come again', async () => {
    const bus = await deploy();
    const first = await bus.startNode();
    await first.drain();
    const { key } = bus.list('a');
    await bus.list('a').send({ type: 'add', item: 1 });
    // What a node has that died: a delivery which will not be made to anybody else while it counts as in work.
    const delivery = await bus.takeDelivery(bus.layout.partitionOf(key));
    const held = setInterval(() => delivery.working(), 1_000);

    await bus.startProcess();

    await eventually(async () => expect(await bus.items('a')).toEqual([1]));
    expect(await bus.count(bus.layout.inboxStream(0))).toBe(1);
    clearInterval(held);
    await bus.drained();
  });

  test('over and over loses nothing', async () => {
    const bus = await deploy();
    // Each death makes whatever waited at the head of a mailbox a little more suspect.
    const agent = { retry: { attempts: 3, backoffMs: 20 } };
    const sends = upTo(12).map((item) => bus.list('a').send({ type: 'fan', item, to: ['list/b', 'list/c'] }));
    await Promise.all(sends);

    for (const step of ['beforeAck', 'beforeCommit', 'beforeRelay', 'afterCommit'] as const)
      await (await bus.startProcess({ agent, dieAt: { step, time: 2 } })).exited();
    await bus.startProcess({ agent });

    await bus.drained();
    const order = await bus.items('a');
    expect([...order].toSorted((x, y) => Number(x) - Number(y))).toEqual(upTo(12));
    expect([await bus.items('b'), await bus.items('c')]).toEqual([order, order]);
    expect(await bus.deadLetters()).toEqual([]);
  });

  test('writes the history of its last turn all the same, through the next one', async () => {
    const bus = await deploy();
    const first = await bus.startProcess({ dieAt: { step: 'afterCommit', time: 1 } });
    await bus.list('a').send({ type: 'add', item: 1 });
    await first.exited();

    await bus.startProcess();

    await bus.drained();
    expect(await bus.history('a')).toMatchObject([{ turn: 1, node: first.nodeId, events: [{ seq: 1, type: 'add' }] }]);
  });

  test('arms its timers through the next one', async () => {
    const bus = await deploy();
    const first = await bus.startProcess({ dieAt: { step: 'afterCommit', time: 1 } });
    await bus.list('a').send({ type: 'alarm', ms: 100 });
    await first.exited();
    expect(await bus.count(bus.layout.timersStream(0))).toBe(0);

    await bus.startProcess();

    await eventually(async () => expect(await bus.items('a')).toEqual(['rang']));
  });
});

test.concurrent('a node that dies with messages aside leaves them to the next one, which needs no new traffic', async () => {
  const bus = await deploy();
  // Its third turn is the release: it dies before it has drained anything.
  const first = await bus.startProcess({ limits: { holdAfterMessages: 1 }, dieAt: { step: 'afterCommit', time: 3 } });
  await bus.list('a').call({ type: 'add', item: 0 });
  await bus.client.suspend('list/a');
  for (const item of upTo(30)) await bus.list('a').send({ type: 'add', item });
  await eventually(async () => expect(await bus.count(bus.layout.heldStream)).toBe(30));
  const released = bus.client.release('list/a');
  await first.exited();

  await bus.startProcess();

  await released;
  await eventually(async () => expect(await bus.items('a')).toEqual([0, ...upTo(30)]));
  await bus.drained();
});

test.concurrent('a birth without a record is finished while its first message is there', async () => {
  const bus = await deploy();
  const { seq } = await bus.list('a').send({ type: 'add', item: 1 });
  const { key } = bus.list('a');
  const inbox = await (await bus.manager()).streams.info(bus.layout.inboxStream(0));
  const incarnation = Object.entries(inbox.config.metadata ?? {}).find(([name]) => name.includes('incarnation'))?.[1];
  await bus.publish(bus.layout.birthSubject(key), encode({ v: 1, incarnation: 1, inbox: incarnation, seq, atMs: 1 }));

  await bus.startNode();

  await bus.drained();
  expect(await bus.items('a')).toEqual([1]);
});

describe.concurrent('an event that kills its node', () => {
  test('is given up after a few deaths; its neighbours and what stood behind it go on', async () => {
    const bus = await deploy();
    await bus.list('a').send({ type: 'add', item: 1 });
    await bus.list('a').send({ type: 'exit' });
    await bus.list('a').send({ type: 'add', item: 2 });
    await bus.list('neighbour').send({ type: 'add', item: 'x' });

    const deaths = await deathsUntilDrained(bus);

    expect(deaths).toBeGreaterThanOrEqual(2);
    expect(deaths).toBeLessThan(5);
    expect(await bus.items('a')).toEqual([1, 2]);
    expect(await bus.items('neighbour')).toEqual(['x']);
    expect(await bus.deadLetters()).toMatchObject([
      { code: 'DEAD_LETTERED', key: 'list.a', subject: expect.stringContaining('.e.exit') as string },
    ]);
  });

  test('takes no neighbour along, although all of them waited at every start', async () => {
    const bus = await deploy();
    await bus.list('killer').send({ type: 'exit' });
    for (const i of upTo(40)) await bus.list(`n${i}`).send({ type: 'add', item: i });

    await deathsUntilDrained(bus);

    for (const i of upTo(40)) expect(await bus.items(`n${i}`)).toEqual([i]);
    expect((await bus.deadLetters()).map(({ key }) => key)).toEqual(['list.killer']);
  });

  test('after its commit is not run again', async () => {
    const bus = await deploy();
    await bus.list('a').send({ type: 'exitLater' });
    await (await bus.startProcess()).exited();

    await bus.startProcess();

    await bus.drained();
    expect(await bus.items('a')).toEqual(['exitLater']);
    expect(await bus.list('a').call({ type: 'add', item: 1 })).toBe(2);
  });
});
