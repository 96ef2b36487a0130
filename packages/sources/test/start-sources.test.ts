import { WakebusError } from '@wakebus/protocol';
import { type Source, defineSource, lookAtSources, startSources } from '@wakebus/sources';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type World, eventually, soon, startWorld } from './world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld();
  await world.startNode();
});

afterAll(() => world[Symbol.asyncDispose]());

/** Resolves when the signal ends it. */
function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** A source that brings some texts in and then waits. */
function texts(name: string, id: string, all: ReadonlyArray<readonly [key: string, text: string]>): Source {
  return defineSource({
    name,
    start: async (sink, signal) => {
      sink.ready();
      for (const [key, text] of all) await sink.send({ agent: `keeper/${id}`, event: 'keep', data: { text } }, key);
      await ended(signal);
    },
  });
}

describe('a source of one’s own', () => {
  test('brings events in, the same key once, also in another process', async () => {
    const sources = await world.start([
      texts('own', 'ada', [
        ['1', 'a'],
        ['2', 'b'],
        ['1', 'a again'],
      ]),
    ]);
    await eventually(() => sources.health()[0]?.stored).toBe(2);
    await sources.stop();
    const again = await world.start([
      texts('own', 'ada', [
        ['2', 'b again'],
        ['3', 'c'],
      ]),
    ]);

    await eventually(() => world.kept('ada')).toEqual(['a', 'b', 'c']);
    expect(again.health()).toMatchObject([
      { name: 'own', state: 'running', isHealthy: true, stored: 1, duplicates: 1 },
    ]);
  });

  test('of another name has keys of its own', async () => {
    await world.start([texts('one', 'bob', [['1', 'a']]), texts('two', 'bob', [['1', 'b']])]);

    await eventually(async () => (await world.kept('bob')).toSorted()).toEqual(['a', 'b']);
  });

  test('remembers across processes, and learns when another was faster', async () => {
    const seen: unknown[] = [];
    const counting = defineSource({
      name: 'remembering',
      start: async (sink) => {
        const { state } = sink;
        const { value = 0, revision } = await state.get<number>('page/7');
        seen.push(value, await state.put('page/7', value + 1, revision + (value === 1 ? 1 : 0)));
        seen.push((await state.keys()).length);
        sink.ready();
      },
    });
    for (let i = 0; i < 2; i += 1) {
      const sources = await world.start([counting]);
      await eventually(() => sources.health()[0]?.state).toBe('ended');
      await sources.stop();
    }

    expect(seen).toEqual([0, expect.any(Number), 1, 1, undefined, 1]);
  });
});

describe('a source that fails', () => {
  test('is started again, says so in its health and the log, and disturbs no other', async () => {
    const starts: number[] = [];
    const warned: unknown[] = [];
    const failing = defineSource({
      name: 'failing',
      start: async (sink, signal) => {
        starts.push(performance.now());
        if (starts.length < 4) throw new Error(`no ${starts.length}`);
        sink.ready();
        await ended(signal);
      },
    });
    const log = { warn: (text: string, facts?: object) => void warned.push(text, facts) };

    const sources = await world.start([failing, texts('steady', 'cid', [['1', 'a']])], { ...soon, log });

    await eventually(() => sources.health()[0]).toMatchObject({ state: 'running', isHealthy: true, restarts: 3 });
    expect(sources.health()[0]?.error).toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining('no 3'),
    });
    expect(warned).toContainEqual(expect.objectContaining({ source: 'failing', code: 'SOURCE_FAILED' }));
    expect(await eventually(() => world.kept('cid')).toEqual(['a']));
    expect(sources.health()[1]).toMatchObject({ state: 'running', restarts: 0 });
  });

  test('is unhealthy meanwhile, and its signal has ended', async () => {
    let signals = 0;
    const failing = defineSource({
      name: 'down',
      start: async (_sink, signal) => {
        signal.addEventListener('abort', () => (signals += 1));
        throw new WakebusError('SOURCE_MISCONFIGURED', { source: 'down', what: 'it', actual: 'a', needed: 'b' });
      },
      health: () => ({ more: 1 }),
    });

    const sources = await world.start([failing], { ...soon, restartPauses: { firstMs: 3_600_000, mostMs: 3_600_000 } });

    await eventually(() => sources.health()).toMatchObject([
      { state: 'restarting', isHealthy: false, error: { code: 'SOURCE_MISCONFIGURED' }, detail: { more: 1 } },
    ]);
    expect(signals).toBe(1);
    const seen = (await lookAtSources(world.connection, 'wakebus')).filter(({ name }) => name === 'down');
    expect(seen).toMatchObject([{ state: 'restarting', error: { code: 'SOURCE_MISCONFIGURED' } }]);
    expect(seen[0]).not.toHaveProperty('detail');
    expect(await lookAtSources(world.connection, 'another')).toEqual([]);
    await sources.stop();
    expect((await lookAtSources(world.connection, 'wakebus')).map(({ name }) => name)).not.toContain('down');
    expect(sources.health()).toMatchObject([{ state: 'stopped', isHealthy: false }]);
  });
});

test('what can never be stored is said to the source, and what it gives up is a dead letter, once', async () => {
  const codes: unknown[] = [];
  const wrong = defineSource({
    name: 'wrong',
    start: async (sink, signal) => {
      sink.ready();
      for (const event of [
        { agent: 'keeper', event: 'keep' },
        { agent: 'keeper/x', event: 'xstate.init' },
      ])
        await sink.send(event, '1').catch((error: unknown) => codes.push((error as WakebusError).code));
      for (let i = 0; i < 2; i += 1)
        await sink.refuse({
          key: '1',
          why: 'no agent',
          attempts: 2,
          data: Buffer.from('{"a":1}'),
          from: 'orders.x',
          seq: 9,
        });
      await ended(signal);
    },
  });

  const sources = await world.start([wrong]);

  await eventually(() => sources.health()[0]?.refused).toBe(2);
  expect(codes).toEqual(['INVALID_ADDRESS', 'RESERVED_EVENT']);
  const { messages } = await world.client.deadLetters.list({ code: 'SOURCE_REFUSED' });
  expect(messages).toMatchObject([
    { what: 'stray', attempts: 2, seq: 9, message: expect.stringContaining('no agent') },
  ]);
  expect(await world.client.deadLetters.get(messages[0]?.id as number)).toMatchObject({ payload: { a: 1 } });
});

test('names are checked, and the deployment has to be there', async () => {
  expect(() => defineSource({ name: 'a b', start: async () => {} })).toThrow(/1 to 64/);
  await expect(world.start([texts('x', 'x', []), texts('x', 'x', [])])).rejects.toMatchObject({
    code: 'INVALID_OPTION',
  });
  await expect(startSources(world.connection, [], { prefix: 'other' })).rejects.toMatchObject({
    code: 'STREAM_MISSING',
  });
});

test('while the inbox is full a source waits, says so, and loses nothing', async () => {
  await using small = await startWorld({ inboxMaxMessages: 20 });
  const all = Array.from({ length: 40 }, (_, i): [string, string] => [String(i), String(i)]);
  const sources = await small.start([texts('patient', 'dan', all)]);

  await eventually(() => sources.health()[0]).toMatchObject({
    state: 'waiting',
    isHealthy: false,
    error: { code: 'INBOX_FULL' },
  });
  await small.startNode();

  await eventually(() => small.kept('dan')).toEqual(all.map(([, text]) => text));
  await eventually(() => sources.health()[0]).toMatchObject({
    state: 'running',
    stored: 40,
    duplicates: 0,
    restarts: 0,
  });
});
