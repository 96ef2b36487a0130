import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import { type AgentKey, type Layout, agentKey, isWakebusError } from '@wakebus/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectNats, createDeployment, natsPorts, readLayout } from '../../src/nats/mod.ts';

let server: NatsServers;
let connection: NatsConnection;

beforeAll(async () => {
  server = await startNatsServer();
  connection = await connectNats({ servers: server.url });
});

afterAll(async () => {
  await connection.close();
  await server.stop();
});

/** IDs as outside systems have them, plain ones and ones that must be escaped. */
const alphabets = ['abcXYZ019_-', '*>. \t/\\=%', 'äß漢🙂é'];
function randomId(): string {
  const letters = Array.from(alphabets.join(''));
  return Array.from(
    { length: 1 + Math.floor(Math.random() * 12) },
    () => letters[Math.floor(Math.random() * letters.length)],
  ).join('');
}

describe('creating a deployment', () => {
  test('gives the layout that was asked for, and it can be read again', async () => {
    const layout = await createDeployment(connection, { prefix: 'first', partitions: 12 });
    expect(layout).toMatchObject({ prefix: 'first', partitions: 12, shards: 1 });
    expect(await readLayout(connection, 'first')).toEqual(layout);
  });

  test('again changes nothing, whatever is asked for', async () => {
    await createDeployment(connection, { prefix: 'again', partitions: 12, inboxMaxMessages: 100 });
    const manager = await jetstreamManager(connection);
    const before = await manager.streams.info('again_inbox');
    const layout = await createDeployment(connection, { prefix: 'again', partitions: 30, inboxMaxMessages: 5 });
    expect(layout.partitions).toBe(12);
    expect((await manager.streams.info('again_inbox')).config).toEqual(before.config);
  });

  test('from several places at once ends with one layout', async () => {
    const layouts = await Promise.all(
      [2, 4, 8, 16].map((partitions) => createDeployment(connection, { prefix: 'race', partitions })),
    );
    expect(new Set(layouts.map(({ partitions }) => partitions)).size).toBe(1);
    expect(await readLayout(connection, 'race')).toEqual(layouts[0]);
  });

  test('after a crash half-way makes what is missing', async () => {
    const layout = await createDeployment(connection, { prefix: 'half', partitions: 2 });
    const manager = await jetstreamManager(connection);
    await manager.streams.delete(layout.inboxStream(0));
    await manager.streams.delete(layout.historyStream);
    await createDeployment(connection, { prefix: 'half' });
    expect((await manager.streams.info(layout.inboxStream(0))).state.messages).toBe(0);
    expect((await manager.streams.info(layout.historyStream)).state.messages).toBe(0);
  });

  test('a stream made anew has another incarnation', async () => {
    const layout = await createDeployment(connection, { prefix: 'anew', partitions: 2 });
    const inbox = natsPorts(connection, layout).inboxes[0];
    const before = await inbox?.info();
    const manager = await jetstreamManager(connection);
    await manager.streams.delete(layout.inboxStream(0));
    await createDeployment(connection, { prefix: 'anew' });
    expect((await inbox?.info())?.incarnation).not.toBe(before?.incarnation);
  });

  test('refuses what the server refuses, with its reason', async () => {
    const refused = createDeployment(connection, { prefix: 'three', replicas: 3 });
    await expect(refused).rejects.toThrow(/replicas > 1 not supported/);
    await expect(refused).rejects.toSatisfy((error) => isWakebusError(error, 'INVALID_OPTION'));
  });

  test('a deployment that does not exist is missing', async () => {
    await expect(readLayout(connection, 'nowhere')).rejects.toMatchObject({
      code: 'STREAM_MISSING',
      facts: { stream: 'nowhere_births' },
    });
  });
});

describe('an event that any client publishes', () => {
  test('is stored under the partition that our code computes, whatever the ID', async () => {
    const layout = await createDeployment(connection, { prefix: 'wakebus', partitions: 64 });
    const js = jetstream(connection);
    const keys = Array.from({ length: 500 }, (_, i) => agentKey(`type-${i % 7}`, randomId()));
    const seqs = await Promise.all(keys.map((key) => js.publish(`agents.${key}.issue.opened.again`, '{}')));
    const [inbox] = natsPorts(connection, layout).inboxes;
    const stored = new Map<number, string>();
    for (let from = 0; stored.size < keys.length;) {
      for (const { seq, subject } of (await inbox?.read(layout.inboxFilter(), from, 1_000)) ?? []) {
        stored.set(seq, subject);
        from = seq + 1;
      }
    }
    for (const [i, key] of keys.entries()) {
      const subject = stored.get(seqs[i]?.seq ?? 0);
      expect(subject).toBe(`wakebus.inbox.${layout.partitionOf(key)}.${key}.e.issue.opened.again`);
      expect(layout.readInboxSubject(subject ?? '')).toEqual({ key, kind: 'event', event: 'issue.opened.again' });
    }
  });

  test.each([
    'agents.greeter.ann.s.timer',
    'agents.greeter.ann.s',
    'agents.greeter.ann.e.s.timer',
    'agents.s.timer.s.message',
    'agents.greeter.ann.s.message.more',
    'agents.{{wildcard(1)}}.ann.s.timer',
  ])('never arrives as one of the runtime: %s', async (subject) => {
    const layout = await createDeployment(connection, { prefix: 'wakebus', partitions: 64 });
    const { seq } = await jetstream(connection).publish(subject, '{}');
    const stored = await natsPorts(connection, layout).inboxes[0]?.get(seq);
    expect(layout.readInboxSubject(stored?.subject ?? '')).toMatchObject({ kind: 'event' });
    expect(stored?.subject.split('.')[5]).toBe('e');
  });

  test.each(['agents.*.>.s.timer', 'agents.greeter.*.s.timer', 'agents.greeter.ann.>'])(
    'with a wildcard for a name is stored as it came, where nobody takes it for anything: %s',
    async (subject) => {
      const layout = await createDeployment(connection, { prefix: 'wakebus', partitions: 64 });
      const { seq } = await jetstream(connection).publish(subject, '{}');
      const stored = await natsPorts(connection, layout).inboxes[0]?.get(seq);
      expect(stored?.subject).toBe(subject);
      expect(layout.readInboxSubject(subject)).toBeUndefined();
    },
  );

  test('goes nowhere without an event name', async () => {
    await createDeployment(connection, { prefix: 'wakebus', partitions: 64 });
    await expect(jetstream(connection).publish('agents.greeter.ann', '{}')).rejects.toThrow();
  });
});

/** One agent in each shard. */
const agentsOf = (layout: Layout): AgentKey[] =>
  Array.from({ length: layout.shards }, (_, shard) => {
    for (let n = 0; ; n += 1) {
      const key = agentKey('greeter', `a${n}`);
      if (layout.shardOf(layout.partitionOf(key)) === shard) return key;
    }
  });

describe('with several shards', () => {
  test('an event at the front door reaches the one shard that it belongs to', async () => {
    const layout = await createDeployment(connection, { prefix: 'shards', partitions: 16, shards: 3 });
    const { inboxes } = natsPorts(connection, layout);
    for (const [shard, key] of agentsOf(layout).entries()) {
      await jetstream(connection).publish(layout.agentSubject(key, 'said'), 'hi');
      const inbox = inboxes[shard];
      await expect.poll(async () => (await inbox?.info())?.messages, { timeout: 10_000 }).toBe(1);
      const [stored] = (await inbox?.read(layout.mailboxFilter(key), 0, 10)) ?? [];
      expect(layout.readInboxSubject(stored?.subject ?? '')).toEqual({ key, kind: 'event', event: 'said' });
    }
  });

  test('an event that our client sends goes straight into its shard, and a timer fires there', async () => {
    const layout = await createDeployment(connection, { prefix: 'straight', partitions: 16, shards: 3 });
    const { inboxes, timers } = natsPorts(connection, layout);
    for (const [shard, key] of agentsOf(layout).entries()) {
      const sent = await inboxes[shard]?.append(layout.eventSubject(key, 'said'), Buffer.from('hi'));
      expect(sent).toMatchObject({ kind: 'stored', seq: 1 });
      const schedule = { atMs: Date.now(), target: layout.fireSubject(key), ttlMs: 60_000 };
      await timers[shard]?.append(layout.timerSubject(key, 't'), Buffer.from('ring'), { schedule });
      await expect.poll(async () => (await inboxes[shard]?.info())?.lastSeq, { timeout: 10_000 }).toBe(2);
    }
  });
});
