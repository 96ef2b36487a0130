import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import { type AgentKey, type Layout, agentKey } from '@wakebus/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FrontDoor } from '../../src/nats/front-door.ts';
import { Link } from '../../src/nats/link.ts';
import { connectNats, createDeployment, natsPorts } from '../../src/nats/mod.ts';
import type { Delivery, EventLog } from '../../src/ports/event-log.ts';

let server: NatsServers;
let connection: NatsConnection;
let deployments = 0;

beforeAll(async () => {
  server = await startNatsServer();
  connection = await connectNats({ servers: server.url });
});

afterAll(async () => {
  await connection.close();
  await server.stop();
});

interface Place {
  readonly layout: Layout;
  readonly door: FrontDoor;
  /** What stands at the front door. */
  readonly standing: () => Promise<number>;
  readonly publish: (key: AgentKey) => Promise<void>;
  /** Takes what waits in a shard, as a placement node would. @returns how much it was. */
  readonly take: (shard: number) => Promise<() => number>;
}

async function place(): Promise<Place> {
  deployments += 1;
  const layout = await createDeployment(connection, { prefix: `d${deployments}`, partitions: 4, shards: 2 });
  const { frontDoor, inboxes } = natsPorts(connection, layout);
  const door = new FrontDoor(new Link(connection, () => {}), layout);
  return {
    layout,
    door,
    standing: async () => (await (frontDoor as EventLog).info()).messages,
    publish: async (key) => {
      await jetstream(connection).publish(layout.agentSubject(key, 'said'), 'hi');
    },
    take: async (shard) => {
      const taken: Delivery[] = [];
      const inbox = inboxes[shard] as EventLog;
      await inbox.consume(
        { name: 'all', filters: [layout.inboxFilter()], ackWaitMs: 5_000 },
        {
          rank: 0,
          onDelivery: (delivery) => {
            taken.push(delivery);
            door.note(delivery);
            inbox.ack(delivery.ackToken);
          },
        },
      );
      return () => taken.length;
    },
  };
}

/** Agents of one shard. */
function agentsOf(layout: Layout, shard: number, count: number): AgentKey[] {
  const all = Array.from({ length: 100 }, (_, i) => agentKey('greeter', `a${i}`));
  return all.filter((key) => layout.shardOf(layout.partitionOf(key)) === shard).slice(0, count);
}

test('what the shards have goes away from the front door, and what they have not stays', async () => {
  const { layout, door, publish, standing, take } = await place();
  for (const key of [...agentsOf(layout, 0, 5), ...agentsOf(layout, 1, 5)]) await publish(key);
  const taken = await take(0);
  await expect.poll(taken, { timeout: 10_000 }).toBe(5);

  await door.trim();
  expect(await standing()).toBe(10);
  await door.trim();

  // Shard 1 has its five too, but nothing that it has delivered says so.
  expect(await standing()).toBe(5);
  const others = await take(1);
  await expect.poll(others, { timeout: 10_000 }).toBe(5);
  await door.trim();
  expect(await standing()).toBe(0);
});

test('a shard goes on fetching from a front door that was trimmed, and nothing comes twice', async () => {
  const { layout, door, publish, standing, take } = await place();
  const [key] = agentsOf(layout, 0, 1) as [AgentKey];
  const taken = await take(0);
  await publish(key);
  await expect.poll(taken, { timeout: 10_000 }).toBe(1);
  await door.trim();
  await door.trim();
  expect(await standing()).toBe(0);
  await server.servers[0]?.restart({ signal: 'SIGKILL' });

  await expect
    .poll(
      () =>
        publish(key).then(
          () => true,
          () => false,
        ),
      { timeout: 10_000 },
    )
    .toBe(true);
  await expect.poll(taken, { timeout: 20_000 }).toBe(2);
});

test('a forged origin removes nothing that has only just come', async () => {
  const { layout, door, publish, standing } = await place();
  const [key] = agentsOf(layout, 0, 1) as [AgentKey];
  door.note({
    seq: 1,
    subject: layout.eventSubject(key, 'said'),
    headers: { 'Nats-Stream-Source': `${layout.frontDoorStream} 1000000 x x x` },
    data: new Uint8Array(),
    storedMs: 0,
    deliverySeq: 1,
    deliveries: 1,
    ackToken: '',
  });
  await door.trim();

  await publish(key);
  await door.trim();

  expect(await standing()).toBe(1);
});
