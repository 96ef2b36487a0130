/** Events that fail, and agents that stand still: what is retried, given up, suspended, and moved aside. */
import { describe, expect, test } from 'vitest';
import { listAgent, mendBoom } from './support/agents.ts';
import { useServer } from './support/deployment.ts';
import { eventually, failure } from './support/eventually.ts';

const deploy = useServer();
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('an event that throws', () => {
  test('is tried again after a while, alone, and then given up with all that it came with', async () => {
    const bus = await deploy();
    await bus.startNode({ agents: [listAgent({ retry: { attempts: 2, backoffMs: 20 } })] });
    const ada = bus.list('ada');

    await ada.send({ type: 'add', item: 1 });
    const call = failure(ada.call({ type: 'boom', extra: 'kept' } as never, { id: 'bad-1' }));
    await ada.send({ type: 'add', item: 2 });

    expect(await call).toMatchObject({ code: 'DEAD_LETTERED', facts: { attempts: 3 } });
    await bus.drained();
    expect(await bus.items('ada')).toEqual([1, 2]);
    const [letter] = await bus.deadLetters();
    expect(letter).toMatchObject({ key: 'list.ada', code: 'DEAD_LETTERED', attempts: 3 });
    expect(letter?.subject).toMatch(/\.list\.ada\.e\.boom$/);
    expect(letter?.headers).toMatchObject({ 'Nats-Msg-Id': 'list.ada:bad-1', 'Content-Type': 'application/msgpack' });
    expect((await bus.inspect('ada')).attempt).toBeUndefined();
  });

  test('keeps its count through a sleep and a change of nodes', async () => {
    const bus = await deploy();
    const first = await bus.startNode({ agents: [listAgent({ retry: { attempts: 3, backoffMs: 60_000 } })] });
    await bus.list('ada').send({ type: 'boom' });
    await eventually(async () => expect((await bus.inspect('ada')).attempt?.count).toBe(1));
    const { attempt, lifecycle } = await bus.inspect('ada');
    expect([attempt?.reason, lifecycle.name]).toEqual([expect.stringContaining('it burst'), 'backoff']);

    await first.drain();
    const second = await bus.startNode({ agents: [listAgent({ retry: { attempts: 3, backoffMs: 60_000 } })] });

    expect(second.status().members).toEqual([second.nodeId]);
    expect((await bus.inspect('ada')).attempt).toMatchObject({ seq: 1, count: 1 });
    expect(await bus.deadLetters()).toEqual([]);
  });

  test('leaves its neighbours alone', async () => {
    const bus = await deploy();
    await bus.startNode({ agents: [listAgent({ retry: { attempts: 3, backoffMs: 60_000 } })] });
    await Promise.all(upTo(20).map((i) => bus.list(`bad${i}`).send({ type: 'boom' })));

    for (const i of upTo(20)) expect(await bus.list(`good${i}`).call({ type: 'add', item: i })).toBe(1);
  });

  test('passes once its cause is mended', async () => {
    const bus = await deploy();
    await bus.startNode({ agents: [listAgent({ retry: { attempts: 3, backoffMs: 50 } })] });
    await bus.list('ada').send({ type: 'boom' });
    await eventually(async () => expect((await bus.inspect('ada')).attempt?.count).toBe(1));

    mendBoom(true);

    await eventually(async () => expect(await bus.items('ada')).toEqual(['boom']));
    mendBoom(false);
    expect(await bus.inspect('ada')).toMatchObject({ lifecycle: { name: 'awake' } });
  });
});

describe('an agent type that stops on an event that keeps failing', () => {
  test('has failed with its mailbox kept, and goes on in order once it is mended and released', async () => {
    const bus = await deploy();
    await bus.startNode({ agents: [listAgent({ onPoison: 'stop', retry: { attempts: 2, backoffMs: 20 } })] });
    await bus.list('ada').send({ type: 'add', item: 1 });
    await bus.list('ada').send({ type: 'boom' });
    await bus.list('ada').send({ type: 'add', item: 2 });

    await eventually(async () =>
      expect((await bus.inspect('ada')).lifecycle).toMatchObject({ name: 'failed', code: 'AGENT_FAILED' }),
    );
    expect((await bus.inspect('ada')).attempt).toMatchObject({ count: 3 });
    expect(await bus.items('ada')).toEqual([1]);
    expect(await bus.deadLetters()).toEqual([]);
    expect(await bus.list('neighbour').call({ type: 'add', item: 'well' })).toBe(1);

    mendBoom(true);
    await bus.client.release('list/ada');

    await eventually(async () => expect(await bus.items('ada')).toEqual([1, 'boom', 2]));
    mendBoom(false);
    await bus.drained();
    expect((await bus.inspect('ada')).attempt).toBeUndefined();
  });

  test('fails again where nothing was mended, after as many tries', async () => {
    const bus = await deploy();
    await bus.startNode({ agents: [listAgent({ onPoison: 'stop', retry: { attempts: 1, backoffMs: 20 } })] });
    await bus.list('ada').send({ type: 'boom' });
    await eventually(async () => expect((await bus.inspect('ada')).lifecycle.name).toBe('failed'));
    const { sinceMs } = (await bus.inspect('ada')).lifecycle;

    await bus.client.release('list/ada');

    await eventually(async () => {
      const { lifecycle, attempt } = await bus.inspect('ada');
      expect(lifecycle.sinceMs).toBeGreaterThan(sinceMs);
      expect([lifecycle.name, attempt?.count]).toEqual(['failed', 2]);
    });
    expect(await bus.deadLetters()).toEqual([]);
  });
});

describe('a turn that cannot be stored', () => {
  test('suspends its agent with a typed error; what came before it is kept, and it waits', async () => {
    const bus = await deploy();
    await bus.startNode();
    for (const item of upTo(3)) await bus.list('ada').send({ type: 'add', item });
    await bus.list('ada').send({ type: 'unstorable' });
    await bus.list('ada').send({ type: 'add', item: 4 });

    await eventually(async () =>
      expect((await bus.inspect('ada')).lifecycle).toMatchObject({ name: 'suspended', code: 'VALUE_NOT_DURABLE' }),
    );

    expect(await bus.items('ada')).toEqual([1, 2, 3]);
    expect(await bus.count(bus.layout.inboxStream(0))).toBe(2);
    expect(await bus.deadLetters()).toEqual([]);
  });

  test('because it is too large says the size of each part, also at a birth', async () => {
    const bus = await deploy();
    await bus.startNode({ limits: { spillBytes: Infinity } });

    await bus.list('ada').send({ type: 'grow', bytes: 900_000 });

    await eventually(async () => expect((await bus.inspect('ada')).lifecycle.name).toBe('suspended'));
    const { lifecycle } = await bus.inspect('ada');
    expect([lifecycle.code, lifecycle.message]).toEqual([
      'TURN_TOO_LARGE',
      expect.stringMatching(/over 786432 \(snapshot 900\d\d\d, outbox/),
    ]);
  });

  test('is tried again when an operator releases the agent', async () => {
    const bus = await deploy();
    await bus.startNode({ limits: { spillBytes: Infinity } });
    await bus.list('ada').send({ type: 'grow', bytes: 900_000 });
    await eventually(async () => expect((await bus.inspect('ada')).lifecycle.name).toBe('suspended'));
    const { sinceMs } = (await bus.inspect('ada')).lifecycle;

    await bus.client.release('list/ada');

    await eventually(async () => {
      const { lifecycle } = await bus.inspect('ada');
      expect(lifecycle).toMatchObject({ name: 'suspended', code: 'TURN_TOO_LARGE' });
      expect(lifecycle.sinceMs).toBeGreaterThan(sinceMs);
    });
  });
});

describe('a suspended agent', () => {
  test('keeps its messages, hears its release among them, and takes them in order', async () => {
    const bus = await deploy();
    await bus.startNode();
    await bus.list('ada').call({ type: 'add', item: 0 });
    await bus.client.suspend('list/ada', { reason: 'for a look' });
    for (const item of upTo(20)) await bus.list('ada').send({ type: 'add', item });
    expect((await bus.inspect('ada')).lifecycle).toMatchObject({ name: 'suspended', message: 'for a look' });

    await bus.client.release('list/ada');

    await eventually(async () => expect(await bus.items('ada')).toEqual([0, ...upTo(20)]));
    await bus.drained();
    expect(await bus.count(bus.layout.heldStream)).toBe(0);
  });

  test('with a thousand messages before its release is released all the same', async () => {
    const bus = await deploy();
    await bus.startNode();
    await bus.list('ada').call({ type: 'add', item: 0 });
    await bus.client.suspend('list/ada');
    await Promise.all(upTo(900).map((item) => bus.list('ada').send({ type: 'add', item })));

    await bus.client.release('list/ada');

    await eventually(async () => expect(await bus.items('ada')).toHaveLength(901));
    await bus.drained();
  });

  test('has a long mailbox moved aside, in order, and drained in order before what came later', async () => {
    const bus = await deploy();
    let letGo = (): void => {};
    const sent = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    // The third turn is the release: what comes later is there before anything is drained.
    let turns = 0;
    const afterCommit = (key: string): Promise<void> | undefined => {
      turns += key === 'list.ada' ? 1 : 0;
      return key === 'list.ada' && turns === 3 ? sent : undefined;
    };
    await bus.startNode({
      limits: { holdAfterMessages: 100 },
      probes: { afterCommit: afterCommit },
    });
    await bus.list('ada').call({ type: 'add', item: 0 });
    await bus.client.suspend('list/ada');
    for (let at = 0; at < 5_000; at += 500)
      await Promise.all(upTo(500).map((i) => bus.list('ada').send({ type: 'add', item: at + i })));

    await bus.drained();
    const held = await bus.held();
    expect(held).toHaveLength(5_000);
    expect(held.map(({ seq }) => seq)).toEqual(held.map(({ seq }) => seq).toSorted((a, b) => a - b));
    for (const i of upTo(10)) expect(await bus.list(`neighbour${i}`).call({ type: 'add', item: i })).toBe(1);
    const released = bus.client.release('list/ada');
    await eventually(async () => expect((await bus.inspect('ada')).lifecycle.name).toBe('awake'));
    await bus.list('ada').send({ type: 'add', item: 5_001 });
    letGo();
    await released;

    await eventually(async () => expect(await bus.items('ada')).toHaveLength(5_002));
    const items = await bus.items('ada');
    expect(items.slice(-1)).toEqual([5_001]);
    expect([...items].toSorted((a, b) => Number(a) - Number(b))).toEqual([0, ...upTo(5_001)]);
    await bus.drained();
    expect(await bus.count(bus.layout.heldStream)).toBe(0);
  });

  test('answers a call from aside when it runs again', async () => {
    const bus = await deploy();
    await bus.startNode({ limits: { holdAfterMessages: 1 } });
    await bus.list('ada').call({ type: 'add', item: 1 });
    await bus.client.suspend('list/ada');
    const call = bus.list('ada').call({ type: 'add', item: 2 });
    await eventually(async () => expect(await bus.count(bus.layout.heldStream)).toBe(1));

    await bus.client.release('list/ada');

    expect(await call).toBe(2);
  });

  test('that is removed is not born again by what had waited', async () => {
    const bus = await deploy();
    await bus.startNode();
    await bus.list('ada').call({ type: 'add', item: 1 });
    await bus.client.suspend('list/ada');
    for (const item of upTo(5)) await bus.list('ada').send({ type: 'add', item });

    await bus.client.remove('list/ada');

    await bus.drained();
    await eventually(async () => expect(await bus.deadLetters()).toHaveLength(5));
    expect((await bus.inspect('ada')).lifecycle.name).toBe('removed');
    expect(await bus.list('ada').call({ type: 'add', item: 'new' })).toBe(1);
  });
});
