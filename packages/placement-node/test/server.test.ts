/** A server that fails, restarts or is not there. */
import { connect } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';
import { startNatsServer } from '@wakebus/nats-server';
import { MINIMUM_SERVER_VERSION, connectNats, startPlacementNode } from '../src/mod.ts';
import { listAgent } from './support/agents.ts';
import { useServer } from './support/deployment.ts';
import { eventually, failure } from './support/eventually.ts';

const deploy = useServer();
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

test('no server at the start is a typed error that says what to do', async () => {
  const error = await failure(connectNats({ servers: '127.0.0.1:1', timeout: 500 }));

  expect(error).toMatchObject({ code: 'NOT_CONNECTED', facts: { servers: '127.0.0.1:1' } });
  expect(error.message).toContain('wakebus dev');
});

test('a node on a closed connection is refused', async () => {
  const bus = await deploy();
  const connection = await connect({ servers: bus.server.url });
  await connection.close();

  await expect(bus.startNode({ connection } as never)).rejects.toThrow();
});

describe.each(['create', 'check'] as const)('a node that shall %s its deployment is not started', (setup) => {
  test('on a server that is too old', async () => {
    const bus = await deploy();
    const connection = await bus.connect();
    Object.assign(connection.info as object, { version: '2.9.25' });

    expect(await failure(startPlacementNode({ connection, setup, agents: [listAgent()] }))).toMatchObject({
      code: 'SERVER_TOO_OLD',
      facts: { version: '2.9.25', needed: MINIMUM_SERVER_VERSION },
    });
  });

  test('without JetStream', async () => {
    await using server = await startNatsServer({ config: 'accounts { A: { users: [{ user: a, password: a }] } }' });
    const connection = await connectNats({ servers: server.url, user: 'a', pass: 'a' });

    expect(await failure(startPlacementNode({ connection, setup, agents: [listAgent()] }))).toMatchObject({
      code: 'JETSTREAM_DISABLED',
    });
    await connection.close();
  });
});

describe('a server that is killed and restarted on its store', () => {
  test('in mid-run loses and doubles nothing, and keeps the order', async () => {
    const bus = await deploy();
    await bus.startNode({ agents: [listAgent({ sleep: { afterMs: 200 } })] });
    const sends: Array<Promise<unknown>> = [];
    const send = (from: number, to: number): void => {
      for (let item = from; item <= to; item += 1)
        sends.push(bus.list(`a${item % 5}`).send({ type: 'pass', item, path: ['list/sink'] }));
    };
    send(1, 150);
    await bus.server.servers[0]?.restart({ signal: 'SIGKILL' });
    send(151, 300);
    await Promise.all(sends);

    await bus.drained(25_000);

    const sink = await bus.items('sink');
    expect([...sink].toSorted((a, b) => Number(a) - Number(b))).toEqual(upTo(300));
    for (const i of [0, 1, 2, 3, 4]) {
      const own = await bus.items(`a${i}`);
      expect(sink.filter((item) => Number(item) % 5 === i)).toEqual(own);
    }
  });

  test('while a commit waits for it still commits once, and answers', async () => {
    const bus = await deploy();
    let letGo = (): void => {};
    const stopped = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    let isWaiting = false;
    const beforeCommit = (): Promise<void> => {
      isWaiting = true;
      return stopped;
    };
    await bus.startNode({ probes: { beforeCommit } });
    const call = bus.list('ada').call({ type: 'add', item: 1 });
    await eventually(() => expect(isWaiting).toBe(true));
    await bus.server.servers[0]?.kill();

    letGo();
    await bus.server.servers[0]?.restart();

    expect(await call).toBe(1);
    await bus.drained();
    expect((await bus.record('ada')).turns).toBe(1);
  });
});

describe('a message ID', () => {
  test('counts once, also after the server has forgotten it', async () => {
    const bus = await deploy({ duplicateWindowMs: 1_000 });
    await bus.startNode({ agents: [listAgent({ sleep: { afterMs: 20 } })] });
    const first = await bus.list('ada').send({ type: 'add', item: 1 }, { id: 'order-1' });
    await bus.list('witness').call({ type: 'alarm', ms: 1_500 });
    await eventually(async () => expect(await bus.items('witness')).toEqual(['rang']));

    const second = await bus.list('ada').send({ type: 'add', item: 1 }, { id: 'order-1' });

    expect([second.duplicate, second.seq > first.seq]).toEqual([false, true]);
    await bus.drained();
    expect(await bus.items('ada')).toEqual([1]);
    expect((await bus.record('ada')).cursor).toBe(second.seq);
  });

  test('to two agents is two messages', async () => {
    const bus = await deploy();
    await bus.startNode();

    await bus.list('ada').call({ type: 'add', item: 1 }, { id: 'order-1' });
    await bus.list('bob').call({ type: 'add', item: 1 }, { id: 'order-1' });

    expect([await bus.items('ada'), await bus.items('bob')]).toEqual([[1], [1]]);
  });

  test('is remembered by the thousand, in a chunk beside the record, for as long', async () => {
    const bus = await deploy({ duplicateWindowMs: 1_000 });
    await bus.startNode({ agents: [listAgent({ sleep: { afterMs: 20 } })] });
    const ids = upTo(2_000).map((i) => `${i}-random-${(i * 7919) % 10_007}x`);
    await Promise.all(ids.map((id) => bus.list('ada').send({ type: 'add', item: 1 }, { id })));
    await bus.drained();
    await eventually(async () => expect((await bus.inspect('ada')).lifecycle.name).toBe('asleep'));
    await bus.list('witness').call({ type: 'alarm', ms: 1_200 });
    await eventually(async () => expect(await bus.items('witness')).toEqual(['rang']));

    await Promise.all(ids.map((id) => bus.list('ada').send({ type: 'add', item: 1 }, { id })));

    await bus.drained();
    expect(await bus.items('ada')).toHaveLength(2_000);
    expect((await bus.bytes('ada')).length).toBeLessThan(100 * 1024);
  });
});
