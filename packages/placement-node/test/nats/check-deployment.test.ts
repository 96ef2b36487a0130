import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { type NatsServers, minimumServerVersion, startNatsServer } from '@wakebus/nats-server';
import type { Layout } from '@wakebus/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isOlder } from '../../src/nats/check-server.ts';
import { MINIMUM_SERVER_VERSION, checkDeployment, connectNats, createDeployment } from '../../src/nats/mod.ts';

let server: NatsServers;
let connection: NatsConnection;
let deployments = 0;

beforeAll(async () => {
  server = await startNatsServer({
    config:
      'accounts { A: { jetstream: enabled, users: [{user: a, password: a}] }, B: { users: [{user: b, password: b}] } }',
  });
  connection = await connectNats({ servers: server.url, user: 'a', pass: 'a' });
});

afterAll(async () => {
  await connection.close();
  await server.stop();
});

function create(): Promise<Layout> {
  deployments += 1;
  return createDeployment(connection, { prefix: `check-${deployments}`, partitions: 2, shards: 2 });
}

/** Each error as its code and what it is about. */
async function found(layout: Layout, options = {}): Promise<string[]> {
  const errors = await checkDeployment(connection, layout, options);
  return errors.map(({ code, facts }) => [code, ...Object.values(facts)].join(' '));
}

describe('the start-up gate', () => {
  test('finds nothing wrong with what was just created', async () => {
    expect(await found(await create())).toEqual([]);
  });

  test('finds nothing wrong with limits that an operator has chosen', async () => {
    const layout = await create();
    const manager = await jetstreamManager(connection);
    await manager.streams.update(layout.inboxStream(0), { max_msgs: 7, max_bytes: 1_000_000, duplicate_window: 1e9 });
    await manager.streams.update(layout.historyStream, { max_age: 3_600e9 });
    expect(await found(layout)).toEqual([]);
  });

  test('names every stream that is missing', async () => {
    const layout = await create();
    const manager = await jetstreamManager(connection);
    await manager.streams.delete(layout.birthsStream);
    await manager.streams.delete(`KV_${layout.leasesBucket}`);
    expect(await found(layout)).toEqual([
      `STREAM_MISSING ${layout.birthsStream}`,
      `STREAM_MISSING KV_${layout.leasesBucket}`,
    ]);
  });

  test.each([
    ['messages that time out', { max_age: 60e9, duplicate_window: 60e9 }, 'max_age 60000000000 0'],
    ['publishers that remove', { allow_rollup_hdrs: true }, 'allow_rollup_hdrs true not set'],
    ['publishers that let time out', { allow_msg_ttl: true }, 'allow_msg_ttl true not set'],
    ['a mailbox with a limit', { max_msgs_per_subject: 10 }, 'max_msgs_per_subject 10 -1'],
    ['no direct reads', { allow_direct: false }, 'allow_direct not set true'],
    ['no timers', { sources: [] }, 'sources'],
  ])('refuses an inbox with %s', async (_what, change, says) => {
    const layout = await create();
    const manager = await jetstreamManager(connection);
    await manager.streams.update(layout.inboxStream(0), change);
    const errors = await found(layout);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(`STREAM_MISCONFIGURED ${layout.inboxStream(0)} ${says}`);
  });

  test('refuses an inbox that drops the oldest message, even beside other faults', async () => {
    const layout = await create();
    const manager = await jetstreamManager(connection);
    await manager.streams.update(layout.inboxStream(1), {
      discard: 'old',
      max_age: 60e9,
      duplicate_window: 60e9,
    } as object);
    expect(await found(layout)).toEqual([
      `STREAM_MISCONFIGURED ${layout.inboxStream(1)} discard old new`,
      `STREAM_MISCONFIGURED ${layout.inboxStream(1)} max_age 60000000000 0`,
    ]);
  });

  test('refuses records with a limit: a full store must never block a commit', async () => {
    const layout = await create();
    const manager = await jetstreamManager(connection);
    await manager.streams.update(`KV_${layout.agentsBucket}`, { max_bytes: 1_000_000 });
    expect(await found(layout)).toEqual([`STREAM_MISCONFIGURED KV_${layout.agentsBucket} max_bytes 1000000 -1`]);
  });

  test('refuses a stream of another layout', async () => {
    const layout = await create();
    const manager = await jetstreamManager(connection);
    const { config } = await manager.streams.info(layout.heldStream);
    await manager.streams.update(layout.heldStream, { metadata: { ...config.metadata, 'wakebus.partitions': '3' } });
    expect(await found(layout)).toEqual([`STREAM_MISCONFIGURED ${layout.heldStream} wakebus.partitions 3 2`]);
  });

  test('says when the account has no JetStream', async () => {
    const layout = await create();
    const other = await connectNats({ servers: server.url, user: 'b', pass: 'b' });
    const errors = await checkDeployment(other, layout);
    expect(errors.map(({ code }) => code)).toEqual(['JETSTREAM_DISABLED']);
    await other.close();
  });
});

describe('in production, the start-up gate', () => {
  test('refuses streams on a single server, one by one', async () => {
    const layout = await create();
    const errors = await checkDeployment(connection, layout, { production: true });
    const replicas = errors.filter(({ message }) => message.includes('replicas'));
    expect(replicas.length).toBeGreaterThan(8);
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['NOT_DURABLE_ENOUGH']));
  });

  test('refuses servers that flush late, and servers that it cannot ask', async () => {
    const layout = await create();
    const flushing = async (monitorUrls?: readonly string[]): Promise<string[]> =>
      (await found(layout, { production: true, monitorUrls })).filter((text) => text.includes('sync_interval'));
    const monitorUrl = `http://127.0.0.1:${server.servers[0]?.monitorPort}`;
    expect(await flushing([monitorUrl])).toEqual([expect.stringContaining('120s always')]);
    expect(await flushing()).toEqual([expect.stringContaining('unknown always')]);
    expect(await flushing(['http://127.0.0.1:1'])).toEqual([expect.stringContaining('unknown')]);
  });
});

describe('server versions', () => {
  test('the oldest that will do is the one that our own start takes', () => {
    expect(MINIMUM_SERVER_VERSION).toBe(minimumServerVersion);
  });

  test.each([
    ['2.9.10', '2.14.0', true],
    ['2.14.0', '2.14.0', false],
    ['2.14.0-RC.2', '2.14.0', false],
    ['2.15.1', '2.14.0', false],
    ['3.0.0', '2.14.9', false],
    ['v2.13.99', '2.14.0', true],
    ['unknown', '2.14.0', true],
  ])('%s is older than %s: %s', (version, than, older) => {
    expect(isOlder(version, than)).toBe(older);
  });
});
