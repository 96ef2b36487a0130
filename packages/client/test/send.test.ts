import { jetstreamManager } from '@nats-io/jetstream';
import { createClient } from '@wakebus/client';
import { startNatsServer } from '@wakebus/nats-server';
import { connectNats } from '@wakebus/placement-node';
import { decode, header } from '@wakebus/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDeployment, failure, startDeployment } from './deployment.ts';
import { eventually } from './eventually.ts';

let deployment: TestDeployment;

beforeAll(async () => {
  deployment = await startDeployment();
});

afterAll(() => deployment[Symbol.asyncDispose]());

/** The stored message at a sequence. */
async function stored(seq: number): Promise<{ subject: string; data: Uint8Array; header: (name: string) => string }> {
  const manager = await jetstreamManager(deployment.connection);
  const message = await manager.streams.getMessage('wakebus_inbox', { seq });
  if (message === null) throw new Error(`nothing at ${seq}`);
  return { subject: message.subject, data: message.data, header: (name) => message.header.get(name) };
}

test('is acknowledged with the place where the event is stored', async () => {
  const { seq, messageId, duplicate } = await deployment.client
    .agent('hello', 'ada')
    .send({ type: 'greet', name: 'x' });

  const message = await stored(seq);
  expect(duplicate).toBe(false);
  expect(message.subject).toMatch(/^wakebus\.inbox\.\d+\.hello\.ada\.e\.greet$/);
  expect(decode(message.data)).toEqual({ name: 'x' });
  expect(message.header(header.messageId)).toBe(`hello.ada:${messageId}`);
  expect(message.header(header.contentType)).toBe('application/msgpack');
});

test('escapes an ID that a subject could not hold', async () => {
  const { seq } = await deployment.client.agent('hello', 'a b/*>.😀').send({ type: 'issue.opened' });

  const { subject } = await stored(seq);
  expect(subject).toMatch(/\.hello\.a=20b=2F=2A=3E=2E=F0=9F=98=80\.e\.issue\.opened$/);
});

test('goes to the agent of an address, whose ID may hold slashes', async () => {
  const agent = deployment.client.agentAt('hello/2024/17');
  const { seq } = await agent.send({ type: 'greet' });

  expect((await stored(seq)).subject).toMatch(/\.hello\.2024=2F17\.e\.greet$/);
  expect(agent.key).toBe(deployment.client.agent('hello', '2024/17').key);
  expect(() => deployment.client.agentAt('hello')).toThrow(expect.objectContaining({ code: 'INVALID_ADDRESS' }));
});

test('numbers its own messages per agent, so that a receiver keeps them as one range', async () => {
  const first = deployment.client.agent('hello', 'first');
  const second = deployment.client.agent('hello', 'second');

  const ids = [
    await first.send({ type: 'a' }),
    await second.send({ type: 'a' }),
    await first.send({ type: 'a' }),
    await first.send({ type: 'a' }),
  ].map(({ messageId }) => messageId.split('-'));

  expect(ids.map(([, n]) => n)).toEqual(['1', '1', '2', '3']);
  expect(new Set(ids.map(([session]) => session)).size).toBe(1);
});

test('takes the same ID to one agent once, and to two agents twice', async () => {
  const bob = deployment.client.agent('hello', 'bob');
  const eve = deployment.client.agent('hello', 'eve');

  const outcomes = [
    await bob.send({ type: 'greet' }, { id: 'order-1' }),
    await bob.send({ type: 'greet' }, { id: 'order-1' }),
    await eve.send({ type: 'greet' }, { id: 'order-1' }),
  ];

  expect(outcomes.map(({ duplicate }) => duplicate)).toEqual([false, true, false]);
  expect(outcomes[1]?.seq).toBe(outcomes[0]?.seq);
});

function nested(depth: number): unknown {
  return Array.from({ length: depth }).reduce<unknown>((inner) => [inner], 0);
}

describe('refuses, with nothing sent,', () => {
  const cases: ReadonlyArray<
    readonly [what: string, code: string, id: string, event: string, more: object, options: object]
  > = [
    ['an empty ID', 'INVALID_ADDRESS', '', 'greet', {}, {}],
    ['an ID of 10 KB', 'INVALID_ADDRESS', 'x'.repeat(10_240), 'greet', {}, {}],
    ['an ill-formed ID', 'INVALID_ADDRESS', '\ud800', 'greet', {}, {}],
    ['an event without a name', 'INVALID_EVENT', 'ada', '', {}, {}],
    ['an event of the machine itself', 'RESERVED_EVENT', 'ada', 'xstate.done.actor.x', {}, {}],
    ['an event of the runtime', 'RESERVED_EVENT', 'ada', 'wakebus.remove', {}, {}],
    ['an event over 256 KB', 'EVENT_TOO_LARGE', 'ada', 'greet', { text: 'x'.repeat(256 * 1024) }, {}],
    ['a million keys', 'EVENT_TOO_LARGE', 'ada', 'greet', Object.fromEntries(Array(1e6).fill(0).entries()), {}],
    ['more elements than an agent reads', 'INVALID_PAYLOAD', 'ada', 'greet', { list: Array(100_001).fill(0) }, {}],
    ['an event nested too deep', 'INVALID_PAYLOAD', 'ada', 'greet', { deep: nested(65) }, {}],
    ['a function in an event', 'VALUE_NOT_DURABLE', 'ada', 'greet', { run: () => {} }, {}],
    ['a message ID with a line break', 'INVALID_OPTION', 'ada', 'greet', {}, { id: 'a\r\nWakebus-Reply: x' }],
    ['an empty message ID', 'INVALID_OPTION', 'ada', 'greet', {}, { id: '' }],
    ['a deadline of no time', 'INVALID_OPTION', 'ada', 'greet', {}, { deadlineMs: 0 }],
  ];

  test.each(cases)('%s: %s', async (_what, code, id, event, more, options) => {
    const before = (await (await jetstreamManager(deployment.connection)).streams.info('wakebus_inbox')).state.last_seq;

    const send = async (): Promise<unknown> =>
      deployment.client.agent('hello', id).send({ ...more, type: event }, options);

    expect((await failure(send())).code).toBe(code);
    const after = (await (await jetstreamManager(deployment.connection)).streams.info('wakebus_inbox')).state.last_seq;
    expect(after).toBe(before);
  });
});

test('keeps what is sent while the server restarts, once', async () => {
  const { client, server, connection } = deployment;
  const agent = client.agent('hello', 'restart');
  const [only] = server.servers;

  const sends: Array<Promise<unknown>> = [];
  for (let i = 0; i < 20; i += 1) sends.push(agent.send({ type: 'greet', i }));
  const restarted = only?.restart({ signal: 'SIGKILL' });
  for (let i = 20; i < 40; i += 1) sends.push(agent.send({ type: 'greet', i }));
  await Promise.all([...sends, restarted]);

  const manager = await jetstreamManager(connection);
  const { state } = await manager.streams.info('wakebus_inbox', { subjects_filter: 'wakebus.inbox.*.hello.restart.>' });
  expect(Object.values(state.subjects ?? {})).toEqual([40]);
});

test('says that nothing was stored when no stream listens', async () => {
  await using alone = await startDeployment();
  const manager = await jetstreamManager(alone.connection);
  await manager.streams.delete('wakebus_inbox');

  const error = await failure(alone.client.agent('hello', 'ada').send({ type: 'greet' }, { deadlineMs: 1_000 }));

  expect(error.code).toBe('UNAVAILABLE');
});

test('says that the outcome is unknown when the server falls silent', async () => {
  await using alone = await startDeployment();
  const [only] = alone.server.servers;
  const agent = alone.client.agent('hello', 'ada');
  await only?.kill('SIGSTOP');

  // Some sends are still answered before the signal has arrived.
  let error: unknown;
  for (let n = 0; error === undefined; n += 1) {
    error = await agent.send({ type: 'greet' }, { deadlineMs: 200, id: `k${n}` }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
  }
  await only?.kill('SIGCONT');

  const { code, facts } = error as { code: string; facts: { id: string } };
  expect(code).toBe('OUTCOME_UNKNOWN');
  expect(await agent.send({ type: 'greet' }, { id: facts.id })).toMatchObject({ duplicate: true });
});

test('is refused at once on a closed connection', async () => {
  await using alone = await startDeployment();
  await alone.connection.close();

  expect((await failure(alone.client.agent('hello', 'ada').send({ type: 'greet' }))).code).toBe('UNAVAILABLE');
});

describe('an inbox with room for ten events', () => {
  test('takes eight from outside, and more when it has drained', async () => {
    await using small = await startDeployment({ inboxMaxMessages: 10 });
    const agent = small.client.agent('hello', 'ada');
    const manager = await jetstreamManager(small.connection);
    for (let i = 0; i < 8; i += 1) await agent.send({ type: 'greet' });
    const late = await small.anotherClient();
    await eventually(async () => (await failure(late.agent('hello', 'ada').send({ type: 'greet' }))).code).toBe(
      'INBOX_FULL',
    );

    await manager.streams.purge('wakebus_inbox');

    await eventually(() => late.agent('hello', 'ada').send({ type: 'greet' })).toMatchObject({
      duplicate: false,
    });
  });

  test('refuses by itself what comes too fast to be counted', async () => {
    await using small = await startDeployment({ inboxMaxMessages: 10 });
    const agent = small.client.agent('hello', 'ada');

    const outcomes = await Promise.allSettled(Array.from({ length: 40 }, () => agent.send({ type: 'greet' })));

    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.length).toBeGreaterThanOrEqual(30);
    expect(refused.every(({ reason }) => (reason as { code: string }).code === 'INBOX_FULL')).toBe(true);
  });
});

test('finds the shards of a deployment and writes straight into the right one', async () => {
  await using sharded = await startDeployment({ prefix: 'four', shards: 4, partitions: 16 });

  for (let i = 0; i < 32; i += 1) await sharded.client.agent('hello', `a${i}`).send({ type: 'greet' });

  const manager = await jetstreamManager(sharded.connection);
  const counts = await Promise.all(
    [0, 1, 2, 3].map(async (shard) => (await manager.streams.info(`four_inbox_${shard}`)).state.messages),
  );
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(32);
  expect(Math.min(...counts)).toBeGreaterThan(0);
});

describe('a client is not made', () => {
  test('without a deployment: STREAM_MISSING says what to run', async () => {
    const error = await failure(createClient(deployment.connection, { prefix: 'elsewhere' }));

    expect(error.code).toBe('STREAM_MISSING');
    expect(error.message).toContain('wakebus setup');
  });

  test('without JetStream: JETSTREAM_DISABLED', async () => {
    await using server = await startNatsServer({ config: 'accounts { A: { users: [{ user: a, password: a }] } }' });
    const connection = await connectNats({ servers: server.url, user: 'a', pass: 'a' });

    expect((await failure(createClient(connection))).code).toBe('JETSTREAM_DISABLED');
    await connection.close();
  });
});
