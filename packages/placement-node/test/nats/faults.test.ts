/** What the contracts cannot say, because it needs a server that dies, forgets or refuses. */
import { once } from 'node:events';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import { type Layout, agentKey } from '@wakebus/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectNats, createDeployment, natsPorts } from '../../src/nats/mod.ts';
import type { Delivery, EventLog } from '../../src/ports/event-log.ts';
import type { Ports } from '../../src/ports/ports.ts';

/** Longer than the client takes to reconnect, and any request to time out. */
const patience = { timeout: 15_000, interval: 20 };
const ann = agentKey('greeter', 'ann');

let server: NatsServers;
let connection: NatsConnection;
let layout: Layout;
let ports: Ports;
let inbox: EventLog;

beforeEach(async () => {
  server = await startNatsServer();
  connection = await connectNats({ servers: server.url });
  layout = await createDeployment(connection, { partitions: 4 });
  ports = natsPorts(connection, layout);
  inbox = ports.inboxes[0] as EventLog;
});

afterEach(async () => {
  await connection.close();
  await server.stop();
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

/** Sends until it is stored, under one ID, as every caller of an append must. */
async function send(body: string): Promise<void> {
  const append = (): Promise<{ kind: string }> =>
    inbox.append(layout.eventSubject(ann, 'said'), bytes(body), { messageId: body });
  await expect.poll(async () => (await append()).kind, patience).toBe('stored');
}

async function join(got: Delivery[], acknowledge = true): Promise<{ stop(): Promise<void> }> {
  const partition = layout.partitionOf(ann);
  const filters = [layout.partitionFilter(partition, 'greeter')];
  return inbox.consume(
    { name: layout.consumerName('default', partition), filters, ackWaitMs: 1_000 },
    {
      rank: 0,
      onDelivery: (delivery) => {
        got.push(delivery);
        if (acknowledge) inbox.ack(delivery.ackToken);
      },
    },
  );
}

const bodies = (got: readonly Delivery[]): Set<string> => new Set(got.map(({ data }) => text(data)));

describe('a consumption', () => {
  test.each(['SIGTERM', 'SIGKILL'] as const)('goes on after the server was restarted by %s', async (signal) => {
    const got: Delivery[] = [];
    await join(got);
    await send('before');
    await expect.poll(() => bodies(got), patience).toEqual(new Set(['before']));
    await server.servers[0]?.restart({ signal });
    await send('after');
    await expect.poll(() => bodies(got), patience).toEqual(new Set(['before', 'after']));
    expect(got.at(-1)?.deliverySeq).toBeGreaterThan((got[0]?.deliverySeq as number) + 1);
  });

  test('goes on after its consumer was deleted, and shows that the count has broken', async () => {
    const got: Delivery[] = [];
    await join(got, false);
    await send('before');
    await expect.poll(() => bodies(got), patience).toEqual(new Set(['before']));
    const manager = await jetstreamManager(connection);
    await manager.consumers.delete(layout.inboxStream(0), layout.consumerName('default', layout.partitionOf(ann)));
    await expect.poll(() => got.length, patience).toBe(2);
    expect(got[1]).toMatchObject({ seq: got[0]?.seq, deliveries: 1 });
    expect(got[1]?.deliverySeq).toBeGreaterThan((got[0]?.deliverySeq as number) + 1);
  });

  test('goes on after its consumer was reset by another process, and shows that the count has broken', async () => {
    const got: Delivery[] = [];
    await join(got, false);
    await send('1');
    await send('2');
    await expect.poll(() => got.length, patience).toBe(2);
    const name = layout.consumerName('default', layout.partitionOf(ann));
    await connection.request(`$JS.API.CONSUMER.RESET.${layout.inboxStream(0)}.${name}`, '{"seq":1}');
    await expect.poll(() => got.length, patience).toBe(4);
    const [, second, third, fourth] = got.map(({ deliverySeq }) => deliverySeq) as [number, number, number, number];
    expect(third).toBeGreaterThan(second + 1);
    expect(fourth).toBe(third + 1);
  });

  test('goes on after its stream was deleted and made anew', async () => {
    const got: Delivery[] = [];
    await join(got);
    const manager = await jetstreamManager(connection);
    await manager.streams.delete(layout.inboxStream(0));
    await createDeployment(connection);
    await send('after');
    await expect.poll(() => bodies(got), patience).toEqual(new Set(['after']));
  });

  test('goes on after its callback threw, and shows that the count has broken', async () => {
    const faults: string[] = [];
    const got: Delivery[] = [];
    const partition = layout.partitionOf(ann);
    const log = natsPorts(connection, layout, (fault) => void faults.push(String(fault))).inboxes[0] as EventLog;
    await log.consume(
      {
        name: layout.consumerName('default', partition),
        filters: [layout.partitionFilter(partition, 'greeter')],
        ackWaitMs: 1_000,
      },
      {
        rank: 0,
        onDelivery: (delivery) => {
          got.push(delivery);
          if (text(delivery.data) === 'bad') throw new Error('it burst');
        },
      },
    );
    for (const body of ['1', 'bad', '2', '3']) await send(body);

    await expect.poll(() => got.length, patience).toBeGreaterThanOrEqual(4);

    expect(faults).toContain('Error: it burst');
    const [one, bad, two, three] = got.map(({ deliverySeq }) => deliverySeq) as [number, number, number, number];
    expect([bad, three]).toEqual([one + 1, two + 1]);
    expect(two).toBeGreaterThan(bad + 1);
  });

  test('stops while the server is away', async () => {
    const got: Delivery[] = [];
    const consumption = await join(got);
    await server.servers[0]?.kill();
    await consumption.stop();
    await server.servers[0]?.restart();
    await send('after');
    expect((await inbox.info()).messages).toBe(1);
    expect(got).toEqual([]);
  });

  test('takes over the wait that the latest to join asks for', async () => {
    const partition = layout.partitionOf(ann);
    const name = layout.consumerName('default', partition);
    const options = { rank: 0, onDelivery: () => {} };
    const manager = await jetstreamManager(connection);
    for (const ackWaitMs of [1_000, 3_000]) {
      await inbox.consume({ name, filters: [layout.partitionFilter(partition, 'greeter')], ackWaitMs }, options);
      const { config } = await manager.consumers.info(layout.inboxStream(0), name);
      expect(config.ack_wait).toBe(ackWaitMs * 1_000_000);
    }
  });

  test('asks for little while nothing comes', async () => {
    await join([]);
    const before = connection.stats().outMsgs;
    await new Promise((resolve) => ports.clock.setTimer(3_000, () => resolve(undefined)));
    expect(connection.stats().outMsgs - before).toBeLessThan(4);
  });

  test('costs the server no consumer of its own', async () => {
    const manager = await jetstreamManager(connection);
    const consumption = await join([]);
    await consumption.stop();
    await (await join([])).stop();
    expect((await manager.streams.info(layout.inboxStream(0))).state.consumer_count).toBe(1);
  });
});

describe('a watch', () => {
  test('goes on after a restart, reports what changed and nothing twice', async () => {
    await ports.registry.put('stays', bytes('1'), 0);
    const log: string[] = [];
    await ports.registry.watch('>', (key, { bytes: value }) => log.push(`${key}=${value && text(value)}`));
    await server.servers[0]?.restart();
    const other = await connectNats({ servers: server.url });
    await natsPorts(other, layout).registry.put('new', bytes('1'), 0);
    await expect.poll(() => log, patience).toEqual(['stays=1', 'new=1']);
    await other.close();
  });

  test('reports as absent what vanished, marker and all, while nobody could see it', async () => {
    const put = await ports.leases.put('n1', bytes('1'), 0);
    expect(put.kind).toBe('stored');
    const log: string[] = [];
    await ports.leases.watch('>', (key, { bytes: value, revision }) =>
      log.push(`${key}=${value && text(value)} ${revision}`),
    );
    const manager = await jetstreamManager(connection);
    await manager.streams.purge(`KV_${layout.leasesBucket}`);
    await server.servers[0]?.restart();
    await expect.poll(() => log, patience).toEqual(['n1=1 1', 'n1=undefined 0']);
  });

  test('leaves no consumer behind, and neither does a listing', async () => {
    const watch = await ports.registry.watch('>', () => {});
    await ports.registry.keys('>');
    watch.stop();
    const manager = await jetstreamManager(connection);
    const consumers = async (): Promise<number> =>
      (await manager.streams.info(`KV_${layout.registryBucket}`)).state.consumer_count;
    await expect.poll(consumers, patience).toBe(0);
  });

  test('ends with its connection', async () => {
    await ports.registry.watch('>', () => {});
    const other = natsPorts(connection, layout).leases;
    await other.watch('>', () => {});
    await server.servers[0]?.kill();
    await connection.close();
    await new Promise((resolve) => ports.clock.setTimer(500, () => resolve(undefined)));
    await expect(other.watch('>', () => {})).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(other.keys('>')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('a listener that throws', () => {
  test('is reported, and its connection goes on hearing everything', async () => {
    const faults: Array<readonly [string, string]> = [];
    const { messenger } = natsPorts(connection, layout, (fault, subject) => void faults.push([String(fault), subject]));
    const heard: string[] = [];
    messenger.subscribe('scene.>', ({ subject }) => {
      heard.push(subject);
      if (subject === 'scene.bad') throw new Error('it burst');
    });

    for (const subject of ['scene.bad', 'scene.good']) messenger.publish(subject, bytes(''));

    await expect.poll(() => heard, patience).toEqual(['scene.bad', 'scene.good']);
    expect(faults).toEqual([['Error: it burst', 'scene.bad']]);
    expect((await inbox.info()).lastSeq).toBe(0);
  });

  test('that nobody is told of is a warning of the process', async () => {
    const warned = once(process, 'warning') as Promise<[Error]>;
    ports.messenger.subscribe('scene', () => {
      throw new Error('it burst');
    });

    ports.messenger.publish('scene', bytes(''));

    expect((await warned)[0].message).toBe('a message on scene could not be taken: Error: it burst');
  });
});

describe('without a server', () => {
  test('writes are unknown, reads are unavailable, and requests go unanswered', async () => {
    await server.servers[0]?.kill();
    expect(await inbox.append(layout.eventSubject(ann, 'said'), bytes(''))).toMatchObject({ kind: 'unknown' });
    const unavailable = expect.objectContaining({ code: 'UNAVAILABLE' });
    await Promise.all([
      expect(ports.agents.put('a', bytes(''), 0)).resolves.toMatchObject({ kind: 'unknown' }),
      expect(ports.agents.get('a')).rejects.toEqual(unavailable),
      expect(ports.agents.getFresh('a')).rejects.toEqual(unavailable),
      expect(ports.agents.keys('>')).rejects.toEqual(unavailable),
      expect(ports.agents.watch('>', () => {})).rejects.toEqual(unavailable),
      expect(inbox.read('>', 0, 10)).rejects.toEqual(unavailable),
      expect(inbox.last('a')).rejects.toEqual(unavailable),
      expect(inbox.get(1)).rejects.toEqual(unavailable),
      expect(inbox.info()).rejects.toEqual(unavailable),
      expect(inbox.subjects('>')).rejects.toEqual(unavailable),
      expect(inbox.purge('x')).resolves.toBe(false),
      expect(join([])).rejects.toEqual(unavailable),
      expect(ports.chunks.get('x')).rejects.toEqual(unavailable),
      expect(ports.chunks.put(bytes('x'))).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' }),
      expect(ports.messenger.request('x', bytes(''), 200)).resolves.toBeUndefined(),
    ]);
  });

  test('what waits for an answer hears at once that the server is gone', async () => {
    await server.servers[0]?.kill('SIGSTOP');
    const append = inbox.append(layout.eventSubject(ann, 'said'), bytes(''));
    await connection.reconnect();
    // Not by its timeout.
    expect(await append).toMatchObject({ kind: 'unknown', cause: { why: 'disconnected' } });
    await server.servers[0]?.kill('SIGCONT');
  });

  test('a closed connection is an answer too', async () => {
    await connection.close();
    expect(await inbox.append(layout.eventSubject(ann, 'said'), bytes(''))).toMatchObject({ kind: 'unknown' });
    inbox.appendLater(layout.eventSubject(ann, 'said'), bytes(''));
    inbox.ack('x');
    ports.messenger.publish('x', bytes(''));
    await expect(ports.agents.get('a')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('a stream that is missing', () => {
  test('is unavailable, not empty', async () => {
    const manager = await jetstreamManager(connection);
    await manager.streams.delete(layout.heldStream);
    await manager.streams.delete(`KV_${layout.agentsBucket}`);
    const unavailable = expect.objectContaining({ code: 'UNAVAILABLE' });
    await expect(ports.held.read('>', 0, 10)).rejects.toEqual(unavailable);
    await expect(ports.held.last('x')).rejects.toEqual(unavailable);
    await expect(ports.held.get(1)).rejects.toEqual(unavailable);
    await expect(ports.agents.get('a')).rejects.toEqual(unavailable);
    expect(await ports.agents.put('a', bytes(''), 0)).toMatchObject({ kind: 'unknown' });
  });
});

describe('a message that is too large', () => {
  test('for the stream, or for the server, is refused with its size', async () => {
    const subject = layout.eventSubject(ann, 'said');
    const refused = { code: 'EVENT_TOO_LARGE', next: 'terminal' };
    await expect(inbox.append(subject, new Uint8Array(400 * 1024))).rejects.toMatchObject(refused);
    await expect(inbox.append(subject, new Uint8Array(9 * 1024 * 1024))).rejects.toMatchObject(refused);
  });
});

describe('a publisher who forges', () => {
  test('the headers that a read adds does not change what is read', async () => {
    const headers = {
      'Nats-Subject': layout.runtimeSubject(ann, 'message'),
      'Nats-Sequence': '99',
      'Nats-Last-Sequence': '98',
      'Nats-Stream': 'other',
    };
    await inbox.append(layout.eventSubject(ann, 'said'), bytes('1'), { headers });
    await inbox.append(layout.eventSubject(ann, 'said'), bytes('2'), { headers });
    const stored = await inbox.read(layout.mailboxFilter(ann), 0, 10);
    expect(stored.map(({ seq }) => seq)).toEqual([1, 2]);
    for (const { subject } of stored) expect(layout.readInboxSubject(subject)).toMatchObject({ kind: 'event' });
    expect(await inbox.last(stored[0]?.subject ?? '')).toMatchObject({ seq: 2 });
  });
});
