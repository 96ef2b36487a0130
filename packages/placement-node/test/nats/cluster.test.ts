/** Three servers with everything replicated: what a single one cannot show. */
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { type NatsServers, type ServerHandle, startNatsServer } from '@wakebus/nats-server';
import { type Layout, agentKey } from '@wakebus/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkDeployment, connectNats, createDeployment, natsPorts } from '../../src/nats/mod.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import type { RecordStore } from '../../src/ports/record-store.ts';
import type { Ports } from '../../src/ports/ports.ts';

/** A dead leader costs writers up to 9 s. */
const patience = { timeout: 25_000, interval: 50 };
const ann = agentKey('greeter', 'ann');

let cluster: NatsServers;
let connection: NatsConnection;
let layout: Layout;
let ports: Ports;
let inbox: EventLog;

beforeAll(async () => {
  cluster = await startNatsServer({ cluster: true, syncInterval: 'always' });
  connection = await connectNats({ servers: [...cluster.urls] });
  layout = await createDeployment(connection, { partitions: 2, replicas: 3 });
  ports = natsPorts(connection, layout);
  inbox = ports.inboxes[0] as EventLog;
});

afterAll(async () => {
  await connection.close();
  await cluster.stop();
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function send(body: string): Promise<void> {
  const subject = layout.eventSubject(ann, 'said');
  const append = (): Promise<{ kind: string }> => inbox.append(subject, bytes(body), { messageId: body });
  await expect.poll(async () => (await append()).kind, patience).toBe('stored');
}

function serverNamed(name: string | undefined): ServerHandle {
  return cluster.servers.find((server) => server.name === name) as ServerHandle;
}

test('is durable enough for production', async () => {
  const monitorUrls = cluster.servers.map(({ monitorPort }) => `http://127.0.0.1:${monitorPort}`);
  expect(await checkDeployment(connection, layout, { production: true, monitorUrls })).toEqual([]);
});

test('of many writes at one revision through different servers, one is stored, and no outcome lies', async () => {
  const connections = await Promise.all(cluster.urls.map((url) => connectNats({ servers: url })));
  const stores = connections.map((each) => natsPorts(each, layout).agents);
  for (let round = 0; round < 20; round += 1) {
    const key = `greeter.r${round}`;
    const outcomes = await Promise.all(
      Array.from({ length: 9 }, (_, i) => (stores[i % 3] as RecordStore).put(key, bytes(String(i)), 0)),
    );
    const won = outcomes.flatMap((outcome, i) => (outcome.kind === 'stored' ? [i] : []));
    expect(won).toHaveLength(1);
    expect(Number(new TextDecoder().decode((await ports.agents.getFresh(key)).bytes))).toBe(won[0]);
  }
  await Promise.all(connections.map((each) => each.close()));
});

test('a consumption goes on when the leader of its consumer dies, and nothing is lost or doubled', async () => {
  const partition = layout.partitionOf(ann);
  const name = layout.consumerName('default', partition);
  const got: string[] = [];
  const filters = [layout.partitionFilter(partition, 'greeter')];
  const onDelivery = ({
    data,
    ackToken,
    deliveries,
  }: {
    data: Uint8Array;
    ackToken: string;
    deliveries: number;
  }): void => {
    if (deliveries === 1) got.push(new TextDecoder().decode(data));
    inbox.ack(ackToken);
  };
  const consumption = await inbox.consume({ name, filters, ackWaitMs: 2_000 }, { rank: 0, onDelivery });
  await send('before');
  await expect.poll(() => new Set(got), patience).toEqual(new Set(['before']));
  const manager = await jetstreamManager(connection);
  const { cluster: raft } = await manager.consumers.info(layout.inboxStream(0), name);
  const leader = serverNamed(raft?.leader);
  await leader.kill();
  await send('after');
  await expect.poll(() => new Set(got), patience).toEqual(new Set(['before', 'after']));
  await expect.poll(async () => (await inbox.info()).messages, patience).toBe(0);
  expect((await inbox.info()).lastSeq).toBe(2);
  await leader.restart();
  await consumption.stop();
});
