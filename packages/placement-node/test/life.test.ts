/** One agent on one node: from its birth by a message to the sleep that costs nothing. */
import { headers } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';
import { listAgent } from './support/agents.ts';
import { useServer } from './support/deployment.ts';
import { eventually, failure } from './support/eventually.ts';

const deploy = useServer();

test('an agent is born by its first message, and answers', async () => {
  const bus = await deploy();
  await bus.startNode();

  expect(await bus.list('ada').call({ type: 'add', item: 'a' })).toBe(1);
  expect(await bus.list('ada').call({ type: 'add', item: 'b' })).toBe(2);

  expect(await bus.items('ada')).toEqual(['a', 'b']);
  expect((await bus.inspect('ada')).lifecycle.name).toBe('awake');
  await bus.drained();
});

test('what was sent while no node ran is processed in order when one comes', async () => {
  const bus = await deploy();
  for (let item = 1; item <= 50; item += 1) await bus.list('ada').send({ type: 'add', item });

  await bus.startNode();

  await bus.drained();
  expect(await bus.items('ada')).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
});

test('what has queued up is taken in few commits, and a held session never reads its record', async () => {
  const bus = await deploy();
  for (let item = 1; item <= 200; item += 1) await bus.list('ada').send({ type: 'add', item });
  await bus.startNode();
  await bus.drained();
  expect((await bus.record('ada')).turns).toBeLessThan(10);
  const reads: string[] = [];
  const bucket = `KV_${bus.layout.agentsBucket}`;
  const spy = bus.connection.subscribe('$JS.API.>', {
    callback: (_error, { subject }) => void (subject.includes(bucket) && reads.push(subject)),
  });
  await bus.connection.flush();

  for (let item = 201; item <= 230; item += 1) expect(await bus.list('ada').call({ type: 'add', item })).toBe(item);

  await bus.connection.flush();
  spy.unsubscribe();
  // The audit walks all records now and then; it does not ask for one of them.
  expect(reads.filter((subject) => !subject.startsWith('$JS.API.DIRECT.GET.') || subject.includes('list.ada'))).toEqual(
    [],
  );
});

describe('draining', () => {
  test('ends in bounded time although a commit never does, and others take the agent over', async () => {
    const bus = await deploy();
    let isStuck = false;
    const probes = {
      beforeCommit: (): Promise<void> => {
        isStuck = true;
        return new Promise(() => {});
      },
    };
    const stuck = await bus.startNode({ probes, limits: { drainMs: 200 } });
    await bus.list('ada').send({ type: 'add', item: 1 });
    await eventually(() => expect(isStuck).toBe(true));

    await stuck.drain();

    await bus.startNode();
    expect(await bus.list('ada').call({ type: 'add', item: 2 })).toBe(2);
    await bus.drained();
  });
});

describe('sleep', () => {
  test('comes after `sleep.afterMs` of nothing: nobody holds the agent, and the node holds nothing of it', async () => {
    const bus = await deploy();
    const node = await bus.startNode({ agents: [listAgent({ sleep: { afterMs: 60 } })] });
    await bus.list('ada').call({ type: 'add', item: 'a' });
    expect(node.status().sessions).toBe(1);

    await eventually(() => expect(node.status().sessions).toBe(0));

    const { lifecycle, lease } = await bus.inspect('ada');
    expect([lifecycle.name, lease.holder, lease.epoch]).toEqual(['asleep', '', 1]);
    expect(await bus.items('ada')).toEqual(['a']);
  });

  test('comes with the turn in which the machine asks for it: one commit for wake, turn and sleep', async () => {
    const bus = await deploy();
    const node = await bus.startNode();
    await bus.list('ada').call({ type: 'rest' });
    await eventually(() => expect(node.status().sessions).toBe(0));
    const { revision: before } = await bus.inspect('ada');

    await bus.list('ada').call({ type: 'rest' });

    await eventually(() => expect(node.status().sessions).toBe(0));
    const { lifecycle, lease, revision } = await bus.inspect('ada');
    expect([lifecycle.name, lease.holder, lease.epoch]).toEqual(['asleep', '', 2]);
    expect(revision - before).toBe(1);
  });

  test('by idleness costs two commits with the wake and the turn', async () => {
    const bus = await deploy();
    const node = await bus.startNode({ agents: [listAgent({ sleep: { afterMs: 30 } })] });
    await bus.list('ada').call({ type: 'add', item: 'a' });
    await eventually(() => expect(node.status().sessions).toBe(0));
    const { revision: before } = await bus.inspect('ada');

    await bus.list('ada').call({ type: 'add', item: 'b' });

    await eventually(() => expect(node.status().sessions).toBe(0));
    expect((await bus.inspect('ada')).revision - before).toBe(2);
  });

  test('with a message to hand over first costs two commits, and leaves nothing owed', async () => {
    const bus = await deploy();
    const node = await bus.startNode({ agents: [listAgent({ sleep: { afterMs: 30 } })] });
    await bus.list('ada').call({ type: 'fan', item: 'x', to: ['list/bob'] });

    await eventually(() => expect(node.status().sessions).toBe(0));

    const record = await bus.record('ada');
    expect([record.outbox, record.settled, record.turns]).toEqual([[], true, 1]);
    expect(await bus.items('bob')).toEqual(['x']);
  });

  test('is not fallen into while messages wait', async () => {
    const bus = await deploy();
    for (let item = 1; item <= 20; item += 1)
      await bus.list('ada').send(item % 5 === 0 ? { type: 'rest', item } : { type: 'add', item });

    const node = await bus.startNode();

    await bus.drained();
    await eventually(() => expect(node.status().sessions).toBe(0));
    expect(await bus.items('ada')).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  test('comes to the least recently used when more are awake than `limits.maxSessions`', async () => {
    const bus = await deploy();
    const node = await bus.startNode({ limits: { maxSessions: 10 } });

    for (let i = 0; i < 40; i += 1) await bus.list(`a${i}`).call({ type: 'add', item: i });

    await eventually(() => expect(node.status().sessions).toBeLessThanOrEqual(10));
    expect((await bus.inspect('a0')).lifecycle.name).toBe('asleep');
    expect((await bus.inspect('a39')).lifecycle.name).toBe('awake');
    expect(await bus.list('a0').call({ type: 'tell' })).toEqual([0]);
  });
});

describe('an answer', () => {
  test('is a typed error where the agent refuses, knows no such event, or has ended', async () => {
    const bus = await deploy();
    await bus.startNode();
    const ada = bus.list('ada');

    expect(await failure(ada.call({ type: 'decline' }))).toMatchObject({
      code: 'AGENT_REFUSED',
      facts: { address: 'list/ada', reason: 'it does not want to', detail: { hint: 'ask later' } },
    });
    expect((await failure(ada.call({ type: 'nonsense' } as never))).code).toBe('EVENT_UNKNOWN');
    await ada.call({ type: 'finish' });
    expect((await failure(ada.call({ type: 'tell' }))).code).toBe('AGENT_COMPLETED');
  });

  test('that nobody waits for harms nothing', async () => {
    const bus = await deploy();
    await bus.startNode();
    const late = await bus.connect();
    await late.request(bus.layout.agentSubject(bus.list('ada').key, 'tell'), '', { timeout: 1_000 });
    const dead = headers();
    dead.set('Wakebus-Reply', '_INBOX.nobody.listens.here');

    bus.connection.publish(bus.layout.agentSubject(bus.list('ada').key, 'tell'), '', { headers: dead });

    expect(await bus.list('ada').call({ type: 'add', item: 1 })).toBe(1);
    await bus.drained();
  });
});

describe('history', () => {
  test('has one entry a commit with events, with what was consumed and what came of it', async () => {
    const bus = await deploy();
    await bus.startNode();
    for (let item = 1; item <= 5; item += 1) await bus.list('ada').call({ type: 'add', item });
    await bus.list('ada').call({ type: 'finish' });
    await bus.drained();

    const { turns } = await bus.record('ada');
    const entries = await bus.history('ada');

    expect(entries.map(({ turn }) => turn)).toEqual(Array.from({ length: turns }, (_, i) => i + 1));
    expect(entries.flatMap(({ events }) => events.map(({ type, payload }) => [type, payload]))).toEqual([
      ...[1, 2, 3, 4, 5].map((item) => ['add', { item }]),
      ['finish', {}],
    ]);
    expect(entries.at(-1)).toMatchObject({ state: 'finished', lifecycle: 'completed', outputs: [] });
    expect(entries[0]?.wake).toMatch(/\.list\.ada\.e\.add$/);
    expect(entries.filter(({ wake }) => wake !== undefined)).toHaveLength(1);
  });

  test('is not written where it is switched off', async () => {
    const bus = await deploy();
    await bus.startNode({ history: false });

    await bus.list('ada').call({ type: 'add', item: 1 });

    await bus.drained();
    expect(await bus.count(bus.layout.historyStream)).toBe(0);
  });
});

test('a removed agent leaves a tombstone, and its next message is the birth of another one', async () => {
  const bus = await deploy();
  const node = await bus.startNode();
  await bus.list('ada').call({ type: 'add', item: 'old' });

  await bus.client.remove('list/ada');

  await eventually(() => expect(node.status().sessions).toBe(0));
  expect((await bus.inspect('ada')).lifecycle.name).toBe('removed');
  expect(await bus.list('ada').call({ type: 'add', item: 'new' })).toBe(1);
  expect((await bus.inspect('ada')).incarnation).toBe(2);
});

test('live events tell who wakes, emits and sleeps', async () => {
  const bus = await deploy();
  const node = await bus.startNode();
  const seen: unknown[] = [];
  bus.client.observe('list/ada', (event) => {
    seen.push(event.kind === 'emit' ? event.event : event.name);
  });
  await bus.connection.flush();

  await bus.list('ada').call({ type: 'shout', item: 'hey' });
  await bus.list('ada').call({ type: 'rest' });

  await eventually(() => expect(node.status().sessions).toBe(0));
  await eventually(() => expect(seen).toEqual(['awake', { type: 'shouted', item: 'hey' }, 'asleep']));
});
