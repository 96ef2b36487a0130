import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { encode } from '@wakebus/protocol';
import type { ObservedEvent } from '@wakebus/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { counter } from './counter-agent.ts';
import { type TestDeployment, failure, startDeployment } from './deployment.ts';
import { eventually } from './eventually.ts';

let deployment: TestDeployment<{ counter: typeof counter }>;

beforeAll(async () => {
  deployment = await startDeployment();
  await deployment.startNode([counter]);
});

afterAll(() => deployment[Symbol.asyncDispose]());

describe('inspect', () => {
  test('shows what an agent is', async () => {
    const { client } = deployment;
    await client.agent('counter', 'shown').call({ type: 'add', by: 4 }, { id: 'first' });

    const agent = await client.inspect('counter/shown');

    expect(agent).toMatchObject({
      address: 'counter/shown',
      state: 'open',
      context: { total: 4, seen: [] },
      status: 'active',
      machineVersion: 1,
      turns: 1,
      lifecycle: { name: 'awake' },
      lease: { live: true },
      replies: [{ id: 'first', body: { ok: true, value: 4 } }],
      timers: [],
      outbox: [],
    });
    expect(agent?.sizes.recordBytes).toBeGreaterThan(agent?.sizes.snapshotBytes ?? 0);
  });

  test('knows nobody who was never sent anything, and brings nobody to life', async () => {
    expect(await deployment.client.inspect('counter/nobody')).toBeUndefined();
    expect(await deployment.client.inspect('counter/nobody')).toBeUndefined();
  });

  test('never wakes a sleeping agent', async () => {
    const { client } = deployment;
    await client.agent('counter', 'sleeper').call({ type: 'rest' });
    // Its event goes a moment after its commit.
    await eventually(() => client.inspect('counter/sleeper')).toMatchObject({
      lifecycle: { name: 'asleep' },
      waiting: 0,
    });
    const before = await client.inspect('counter/sleeper');

    for (let i = 0; i < 20; i += 1) await client.inspect('counter/sleeper');
    await client.list();

    expect(await client.inspect('counter/sleeper')).toEqual(before);
  });

  test('shows an agent as awake only while its holder lives', async () => {
    await using other = await startDeployment<{ counter: typeof counter }>();
    const node = await other.startNode([counter]);
    await other.client.agent('counter', 'x').call({ type: 'add', by: 1 });
    expect((await other.client.inspect('counter/x'))?.lifecycle.name).toBe('awake');

    node.close();

    await eventually(async () => (await other.client.inspect('counter/x'))?.lifecycle.name, { timeout: 20_000 }).toBe(
      'asleep',
    );
  });

  test('refuses a damaged record by its code', async () => {
    const { client, connection } = deployment;
    connection.publish('$KV.wakebus_agents.counter.damaged', encode('not a record'));
    await connection.flush();

    await eventually(async () => (await failure(client.inspect('counter/damaged'))).code).toBe('RECORD_DAMAGED');
  });
});

describe('list', () => {
  let listed: TestDeployment<{ counter: typeof counter }>;

  beforeAll(async () => {
    listed = await startDeployment();
    await listed.startNode([counter]);
    for (let i = 0; i < 25; i += 1) await listed.client.agent('counter', `a${i}`).call({ type: 'add', by: i });
    await listed.client.agent('counter', 'a3').call({ type: 'finish' });
  });

  afterAll(() => listed[Symbol.asyncDispose]());

  async function pages(options: Parameters<typeof listed.client.list>[0]): Promise<string[][]> {
    const found: string[][] = [];
    let cursor: string | undefined;
    do {
      const page = await listed.client.list({ ...options, ...(cursor !== undefined && { cursor }) });
      found.push(page.agents.map(({ address }) => address));
      ({ cursor } = page);
    } while (cursor !== undefined);
    return found;
  }

  test('pages through every agent once', async () => {
    const found = await pages({ pageSize: 10 });

    expect(found.map((page) => page.length)).toEqual([10, 10, 5]);
    expect(new Set(found.flat()).size).toBe(25);
  });

  test('filters by type and by lifecycle', async () => {
    expect((await pages({ type: 'counter' })).flat()).toHaveLength(25);
    expect((await pages({ type: 'nothing' })).flat()).toEqual([]);
    expect((await pages({ lifecycle: 'completed', pageSize: 5 })).flat()).toEqual(['counter/a3']);
  });

  test('says of each what a table needs', async () => {
    const { agents } = await listed.client.list({ lifecycle: 'completed' });

    expect(agents[0]).toMatchObject({
      address: 'counter/a3',
      state: 'closed',
      turns: 2,
      machineVersion: 1,
      lifecycle: { name: 'completed' },
    });
  });

  test('lists a record that cannot be read as quarantined', async () => {
    listed.connection.publish('$KV.wakebus_agents.counter.odd', encode([1]));
    await listed.connection.flush();

    await eventually(async () => (await listed.client.list({ lifecycle: 'quarantined' })).agents).toMatchObject([
      { address: 'counter/odd', lifecycle: { code: 'RECORD_DAMAGED' } },
    ]);
  });

  test.each([{ pageSize: 0 }, { pageSize: 1_001 }, { cursor: 'x' }, { cursor: '-1' }])(
    'refuses %j',
    async (options) => {
      expect((await failure(listed.client.list(options))).code).toBe('INVALID_OPTION');
    },
  );
});

describe('observe', () => {
  test('sees lifecycle changes and emits of the agents asked for, and of no others', async () => {
    const { client } = deployment;
    const seen: ObservedEvent[] = [];
    const observation = client.observe('counter/loud', (event) => seen.push(event));
    await deployment.connection.flush();

    await client.agent('counter', 'other').call({ type: 'shout', word: 'no' });
    await client.agent('counter', 'loud').call({ type: 'shout', word: 'hey' });
    await client.agent('counter', 'loud').call({ type: 'rest' });

    await eventually(() => seen.map((event) => (event.kind === 'emit' ? event.event : event.name))).toEqual(
      expect.arrayContaining(['awake', { type: 'shouted', word: 'hey' }, 'asleep']),
    );
    expect(new Set(seen.map(({ address }) => address))).toEqual(new Set(['counter/loud']));
    observation.stop();
  });

  test.each(['counter/*', '*'])('sees all agents by %s', async (pattern) => {
    const { client } = deployment;
    const seen = new Set<string>();
    const observation = client.observe(pattern, ({ address }) => seen.add(address));
    await deployment.connection.flush();

    await client.agent('counter', `x${pattern.length}`).call({ type: 'add', by: 1 });

    await eventually(() => [...seen]).toContain(`counter/x${pattern.length}`);
    observation.stop();
  });

  test('passes over what is not a live event', async () => {
    const { client, connection } = deployment;
    const seen: ObservedEvent[] = [];
    const observation = client.observe('counter/junk', (event) => seen.push(event));
    connection.publish('wakebus.live.counter.junk', 'junk');
    connection.publish('wakebus.live.counter.junk', encode({ kind: 'other' }));
    await connection.flush();

    await client.agent('counter', 'junk').call({ type: 'shout', word: 'real' });

    await eventually(() => seen.some(({ kind }) => kind === 'emit')).toBe(true);
    expect(seen.every(({ kind }) => kind === 'emit' || kind === 'lifecycle')).toBe(true);
    observation.stop();
  });

  test('whose listener throws is an uncaught exception, and the connection goes on hearing everything', async () => {
    const { client, connection } = deployment;
    // The test runner listens too, and would count the exception as a failure.
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve));
    let hasThrown = false;
    const words: unknown[] = [];
    const observation = client.observe('counter/thrower', (event) => {
      if (event.kind === 'emit') words.push(event.event['word']);
      if (hasThrown) return;
      hasThrown = true;
      throw new Error('it burst');
    });
    await connection.flush();

    const answer = client.agent('counter', 'thrower').call({ type: 'shout', word: 'one' });

    expect(await uncaught).toMatchObject({ message: 'it burst' });
    for (const other of others) process.on('uncaughtException', other);
    await answer;
    await client.agent('counter', 'thrower').call({ type: 'shout', word: 'two' });
    await eventually(() => words).toContain('two');
    observation.stop();
  });

  test('refuses a pattern that is none', () => {
    expect(() => deployment.client.observe('no slash', () => {})).toThrow(/no slash/);
  });
});

describe('remove, suspend and release', () => {
  test('a removed agent is gone, and may be born again', async () => {
    const { client } = deployment;
    const agent = client.agent('counter', 'gone');
    await agent.call({ type: 'add', by: 5 });

    await client.remove('counter/gone', { reason: 'test' });

    expect((await client.inspect('counter/gone'))?.lifecycle.name).toBe('removed');
    expect((await client.list({ type: 'counter' })).agents.map(({ address }) => address)).not.toContain('counter/gone');
    expect((await failure(client.remove('counter/gone'))).code).toBe('AGENT_NOT_FOUND');
    expect(await agent.call({ type: 'add', by: 1 })).toBe(1);
    expect((await client.inspect('counter/gone'))?.incarnation).toBe(2);
  });

  test('inspection counts what waits for an agent, in its mailbox and aside', async () => {
    const ada = deployment.client.agent('counter', 'waited-for');
    await ada.call({ type: 'add', by: 1 });
    const waiting = async (): Promise<number | undefined> =>
      (await deployment.client.inspect('counter/waited-for'))?.waiting;
    await eventually(waiting).toBe(0);
    await deployment.client.suspend('counter/waited-for');
    await eventually(waiting).toBe(0);

    for (const by of [2, 3, 4]) await ada.send({ type: 'add', by });
    const { layout } = deployment.client;
    await jetstream(deployment.connection).publish(layout.heldSubject(ada.key), 'one that stands aside');

    expect(await waiting()).toBe(4);
    await (await jetstreamManager(deployment.connection)).streams.purge(layout.heldStream);
    await deployment.client.release('counter/waited-for');
    await eventually(waiting).toBe(0);
    expect((await deployment.client.inspect('counter/waited-for'))?.context).toMatchObject({ total: 10 });
  });

  test('a suspended agent takes nothing until it is released, and loses nothing', async () => {
    const { client } = deployment;
    const agent = client.agent('counter', 'held');
    await agent.call({ type: 'add', by: 1 });
    await client.suspend('counter/held', { reason: 'to look' });
    expect((await client.inspect('counter/held'))?.lifecycle).toMatchObject({ name: 'suspended', message: 'to look' });
    const waiting = agent.call({ type: 'add', by: 1 });
    await eventually(async () => (await failure(agent.call({ type: 'add', by: 1 }, { deadlineMs: 100 }))).code).toBe(
      'CALL_TIMEOUT',
    );

    await client.release('counter/held');

    expect(await waiting).toBe(2);
  });

  test('nobody is born by being removed', async () => {
    const { client } = deployment;

    expect((await failure(client.remove('counter/never'))).code).toBe('AGENT_NOT_FOUND');
    expect((await failure(client.suspend('counter/never'))).code).toBe('AGENT_NOT_FOUND');
    expect(await client.inspect('counter/never')).toBeUndefined();
  });
});

describe('an agent type', () => {
  test('is disabled and enabled as a whole, by whom and why being in the audit', async () => {
    const { client } = deployment;
    await client.agent('counter', 'halted').call({ type: 'add', by: 1 });
    await client.types.disable('counter', { reason: 'it counts twice', by: 'ann' });
    expect(await client.types.disabled('counter')).toMatchObject({ type: 'counter', reason: 'it counts twice' });
    await eventually(() => client.inspect('counter/halted')).toMatchObject({ lifecycle: { name: 'asleep' } });
    const taken = client.agent('counter', 'halted').call({ type: 'add', by: 2 });
    await eventually(() => client.inspect('counter/halted')).toMatchObject({ waiting: 1, turns: 1 });

    expect(await client.types.enable('counter')).toBe(true);

    await taken;
    expect((await client.inspect('counter/halted'))?.context).toMatchObject({ total: 3 });
    expect(await client.types.disabled('counter')).toBeUndefined();
    expect(await client.types.enable('counter')).toBe(false);
    const { entries } = await client.audit({ target: 'counter' });
    expect(entries.map(({ action, outcome, by, reason }) => [action, outcome, by, reason])).toEqual([
      ['disable', 'asked', 'ann', 'it counts twice'],
      ['disable', 'done', 'ann', 'it counts twice'],
      ...Array.from({ length: 2 }, () => [
        ['enable', 'asked', 'unknown', undefined],
        ['enable', 'done', 'unknown', undefined],
      ]).flat(),
    ]);
  });

  test('that is none is refused', async () => {
    const { types } = deployment.client;
    expect(await failure(types.disable('no type'))).toMatchObject({ code: 'INVALID_ADDRESS' });
    expect(await failure(types.enable('*'))).toMatchObject({ code: 'INVALID_ADDRESS' });
  });
});
