/** Going back: an agent to one of its snapshots, and others begun from one. */
import { defineAgent, effect, reply } from '@wakebus/core';
import { describe, expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { listAgent } from './support/agents.ts';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';

const deploy = useServer();

async function withItems(items: readonly unknown[], more: object = {}): Promise<TestDeployment> {
  const bus = await deploy();
  await bus.startNode({ agents: [listAgent(more)], limits: { spillBytes: 2_000 } });
  for (const item of items) await bus.list('a').call({ type: 'add', item });
  return bus;
}

/** Says which agent it is of `list/a`: everything that must never go back. */
async function place(
  bus: TestDeployment,
): Promise<{ cursor: number; turns: number; generation: number; epoch: number }> {
  const { cursor, turns, generation, lease } = await bus.record('a');
  return { cursor, turns, generation, epoch: lease.epoch };
}

describe('an agent that is taken back', () => {
  test('has the state of then and goes on from where its inbox is, with why in the audit and in its history', async () => {
    const bus = await withItems(['one']);
    const { id } = await bus.client.snapshots.take('list/a');
    for (const item of ['two', 'three']) await bus.list('a').call({ type: 'add', item });
    const before = await place(bus);

    await bus.client.restore('list/a', id, { reason: 'two was a mistake', by: 'ada' });

    expect(await bus.items('a')).toEqual(['one']);
    expect(await bus.list('a').call({ type: 'add', item: 'four' })).toBe(2);
    const after = await place(bus);
    expect(after.cursor).toBeGreaterThan(before.cursor);
    expect(after.turns).toBe(before.turns + 2);
    expect((await bus.client.audit({ target: 'list/a' })).entries.at(-1)).toMatchObject({
      action: 'restore',
      outcome: 'done',
      by: 'ada',
      reason: 'two was a mistake',
      facts: { restore: { snapshot: id } },
    });
    await eventually(async () =>
      expect((await bus.history('a')).flatMap(({ events }) => events.map(({ type }) => type))).toContain(
        'wakebus.restore',
      ),
    );
  });

  test('knows what it has processed since, and has the events of after in their order', async () => {
    const bus = await withItems(['one']);
    const { id } = await bus.client.snapshots.take('list/a');
    await bus.list('a').send({ type: 'add', item: 'two' }, { id: 'order-2' });

    await bus.stopNodes();
    await bus.list('a').send({ type: 'add', item: 'before' });
    const restored = bus.client.restore('list/a', id);
    await eventually(async () => expect(await bus.count(bus.layout.inboxStream(0))).toBe(2));
    await bus.list('a').send({ type: 'add', item: 'three' });
    await bus.list('a').send({ type: 'add', item: 'two' }, { id: 'order-2' });
    await bus.startNode();
    await restored;
    await bus.drained();

    expect(await bus.items('a')).toEqual(['one', 'three']);
  });

  test('has the delayed events of then, and not those of later', async () => {
    const bus = await withItems([]);
    await bus.list('a').call({ type: 'alarm', ms: 3_600_000, id: 'then' });
    const { id } = await bus.client.snapshots.take('list/a');
    await bus.list('a').call({ type: 'hush', id: 'then' });
    await bus.list('a').call({ type: 'alarm', ms: 3_600_000, id: 'later' });
    const { generation } = await bus.record('a');

    await bus.client.restore('list/a', id);

    const { timers } = await bus.record('a');
    expect(timers.map((timer) => timer.id)).toEqual(['then']);
    expect(timers[0]?.generation).toBeGreaterThan(generation);
    await bus.client.timers.fire('list/a', 'then');
    expect(await bus.items('a')).toEqual(['rang']);
    await bus.client.restore('list/a', id, { timers: 'drop' });
    expect((await bus.record('a')).timers).toEqual([]);
  });

  test('stays suspended, runs again when it had failed, and lives once more when it was removed', async () => {
    const bus = await withItems(['one'], { retry: { attempts: 0 }, onPoison: 'stop' });
    const { id } = await bus.client.snapshots.take('list/a');

    await bus.client.suspend('list/a');
    await bus.client.restore('list/a', id);
    expect((await bus.inspect('a')).lifecycle.name).toBe('suspended');
    await bus.client.release('list/a');
    await bus.client.remove('list/a');
    await bus.client.restore('list/a', id);

    expect(await bus.items('a')).toEqual(['one']);
    expect((await bus.record('a')).incarnation).toBe(2);
    expect(await bus.list('a').call({ type: 'add', item: 'two' })).toBe(2);
  });

  test('may have a state that has outgrown its record, also in quarantine', async () => {
    const bus = await withItems(['one']);
    await bus.list('a').call({ type: 'grow', bytes: 10_000 });
    const { id } = await bus.client.snapshots.take('list/a');
    await bus.list('a').call({ type: 'grow', bytes: 1 });
    await bus.stopNodes();
    await bus.overwrite('a', Buffer.from('damaged'));
    await bus.startNode({ limits: { spillBytes: 2_000 } });

    await bus.client.restore('list/a', id);

    expect((await bus.inspect('a')).sizes.snapshotBytes).toBeGreaterThan(10_000);
    expect(await bus.list('a').call({ type: 'add', item: 'two' })).toBe(2);
  });

  test('is left as it is where the snapshot is not there, or is of a newer machine', async () => {
    const bus = await withItems(['one'], { version: 2 });
    const { id } = await bus.client.snapshots.take('list/a');

    await expect(bus.client.restore('list/a', '9-9')).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' });
    await expect(bus.client.restore('list/nobody', id)).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' });
    await bus.stopNodes();
    await bus.client.fork('list/a', 'list/b', { deadlineMs: 200 }).catch(() => {});
    await bus.startNode({ agents: [listAgent({ version: 1 })] });

    await eventually(async () => expect((await bus.record('b')).lifecycle.name).toBe('removed'));
    expect((await bus.record('b')).snapshot.length).toBe(0);
  });
});

describe('effects', () => {
  const gates = new Map<string, () => void>();
  const runs: string[] = [];
  const pay = effect<string, string>({
    run: ({ idempotencyKey }) => {
      runs.push(idempotencyKey);
      return new Promise((resolve) => gates.set(idempotencyKey, () => resolve('paid')));
    },
    dedupe: 'key',
    keyHorizonMs: 3_600_000,
  });
  const machine = setup({ types: { context: {} as { got: unknown[] } }, actors: { pay } }).createMachine({
    context: { got: [] },
    initial: 'idle',
    on: { tell: { actions: reply(({ context }) => context.got) } },
    states: {
      idle: { on: { buy: 'paying' } },
      paying: {
        invoke: {
          id: 'payment',
          src: 'pay',
          input: 'x',
          onDone: { target: 'idle', actions: assign({ got: ({ context, event }) => [...context.got, event.output] }) },
        },
      },
    },
  });

  test('that are not over keep it from going back, unless they are aborted; those of then are not run again', async () => {
    const bus = await deploy();
    await bus.startNode({ agents: [defineAgent({ type: 'buyer', machine })] });
    const ada = bus.client.agent('buyer', 'ada');
    await ada.send({ type: 'buy' });
    await eventually(() => expect(gates.size).toBe(1));
    const { id } = await bus.client.snapshots.take('buyer/ada');

    await expect(bus.client.restore('buyer/ada', id)).rejects.toMatchObject({ code: 'AGENT_REFUSED' });
    for (const finish of gates.values()) finish();
    await eventually(async () => expect(await ada.call({ type: 'tell' })).toEqual(['paid']));
    await bus.client.restore('buyer/ada', id);
    const copy = await bus.client.fork('buyer/ada', 'buyer/bob', { snapshot: id });

    for (const name of ['ada', 'bob']) {
      const agent = await bus.client.inspect(`buyer/${name}`);
      expect(agent).toMatchObject({ state: 'paying' });
      expect(agent?.journal.filter(({ state }) => state === 'maybe')).toMatchObject([{ id: 'payment' }]);
    }
    expect([copy, runs.length]).toEqual([id, 1]);
    await ada.resolveEffect('payment', 'done', 'paid long ago');
    expect(await ada.call({ type: 'tell' })).toEqual(['paid long ago']);
    await bus.client.restore('buyer/ada', id);
    await bus.client.restore('buyer/ada', id, { effects: 'abort' });
    expect((await bus.client.inspect('buyer/ada'))?.journal.map(({ state }) => state)).toContain('maybe');
  });
});

describe('a fork', () => {
  test('is an agent of its own, with the state and nothing that the other has yet to do', async () => {
    const bus = await withItems(['one']);
    await bus.list('a').call({ type: 'grow', bytes: 10_000 });
    await bus.list('a').call({ type: 'alarm', ms: 3_600_000 });

    await bus.client.fork('list/a', 'list/b', { reason: 'to try' });
    await bus.list('b').call({ type: 'add', item: 'two' });

    expect((await bus.record('b')).timers.map(({ id }) => id)).toEqual(['bell']);
    const forked = await bus.record('b');
    expect([forked.incarnation, forked.outbox, forked.lease.epoch > 0]).toEqual([1, [], true]);
    expect(await bus.list('a').call({ type: 'add', item: 'three' })).toBe(2);
    expect(await bus.count(bus.layout.birthsStream, bus.layout.birthSubject(bus.list('b').key))).toBe(1);
    expect(await bus.client.snapshots.list('list/b')).toMatchObject([{ cause: 'fork', from: { address: 'list/a' } }]);
    expect((await bus.client.audit({ target: 'list/b' })).entries).toMatchObject([
      { action: 'fork', outcome: 'asked', reason: 'to try', facts: { from: 'list/a' } },
      { action: 'fork', outcome: 'done' },
    ]);
  });

  test('takes no place that is taken, and is of the same type', async () => {
    const bus = await withItems(['one']);
    await bus.list('b').call({ type: 'add', item: 'mine' });

    await expect(bus.client.fork('list/a', 'list/b')).rejects.toMatchObject({ code: 'AGENT_REFUSED' });
    await expect(bus.client.fork('list/a', 'other/b')).rejects.toMatchObject({ code: 'INVALID_OPTION' });

    expect(await bus.items('b')).toEqual(['mine']);
  });

  test('in the place of one that was removed takes nothing away of what is kept of that', async () => {
    const bus = await withItems(['one']);
    await bus.list('b').call({ type: 'add', item: 'mine' });
    const mine = await bus.client.snapshots.take('list/b');
    await bus.client.remove('list/b');

    const from = await bus.client.fork('list/a', 'list/b');

    await eventually(async () => expect(await bus.items('b')).toEqual(['one']));
    expect(from).toBe(mine.id);
    expect((await bus.client.snapshots.get('list/b', mine.id)).agent.context).toMatchObject({ items: ['mine'] });
    await bus.client.restore('list/b', mine.id);
    expect(await bus.items('b')).toEqual(['mine']);
  });
});
