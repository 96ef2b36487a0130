/** Buckets are ordinary KV buckets: what other NATS clients write we read, and the reverse. */
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import type { Layout } from '@wakebus/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectNats, createDeployment, natsPorts } from '../../src/nats/mod.ts';
import type { RecordStore } from '../../src/ports/record-store.ts';

let server: NatsServers;
let connection: NatsConnection;
let layout: Layout;
let agents: RecordStore;

beforeAll(async () => {
  server = await startNatsServer();
  connection = await connectNats({ servers: server.url });
  layout = await createDeployment(connection, { partitions: 2 });
  agents = natsPorts(connection, layout).agents;
});

afterAll(async () => {
  await connection.close();
  await server.stop();
});

test('another client reads what we put, with its revision', async () => {
  const kv = await new Kvm(connection).open(layout.agentsBucket);
  const put = await agents.put('greeter.ann', Buffer.from('hello'), 0);
  const entry = await kv.get('greeter.ann');
  expect(entry?.string()).toBe('hello');
  expect(put).toEqual({ kind: 'stored', revision: entry?.revision });
});

test('another client sees what we removed as deleted', async () => {
  const kv = await new Kvm(connection).open(layout.agentsBucket);
  const { revision } = await agents.get('greeter.ann');
  await agents.remove('greeter.ann', revision);
  expect((await kv.get('greeter.ann'))?.operation).toBe('DEL');
});

test.each(['delete', 'purge'] as const)('we see what another client put, and its %s', async (verb) => {
  const kv = await new Kvm(connection).open(layout.agentsBucket);
  const key = `greeter.${verb}`;
  const revision = await kv.put(key, 'hello');
  expect(await agents.get(key)).toEqual({ bytes: new Uint8Array(Buffer.from('hello')), revision });
  await kv[verb](key);
  expect(await agents.get(key)).toEqual({ bytes: undefined, revision: revision + 1 });
  expect(await agents.getFresh(key)).toEqual({ bytes: undefined, revision: revision + 1 });
  expect(await agents.put(key, Buffer.from('again'), revision + 1)).toMatchObject({ kind: 'stored' });
});
