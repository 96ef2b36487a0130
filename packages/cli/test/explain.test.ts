/** What an operator sees of a chain of wakes, of an agent that does not go on, and of all that happens. */
import { runCli } from '@wakebus/cli';
import type { Client } from '@wakebus/client';
import { type EffectArgs, defineAgent, effect, rateLimit, sendToAgent, sleepNow } from '@wakebus/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { eventually } from './eventually.ts';
import { type Place, startPlace } from './place.ts';

/** Refused once. */
const charge = effect({
  run: ({ attempt }: EffectArgs<unknown>) =>
    attempt === 1 ? Promise.reject(new Error('the bank is shut')) : Promise.resolve('receipt'),
  dedupe: 'key',
  keyHorizonMs: 86_400_000,
  retry: { attempts: 2, backoffMs: 1 },
});

const orderMachine = setup({
  types: { events: {} as { type: 'place' } | { type: 'boom' } },
  actors: { charge },
}).createMachine({
  initial: 'open',
  states: {
    open: { on: { place: 'waiting', boom: { guard: () => burst(), actions: sleepNow() } } },
    waiting: { entry: sleepNow(), after: { 50: 'charging' } },
    charging: { invoke: { id: 'charge', src: 'charge', onDone: 'charged' } },
    charged: { entry: [sendToAgent('ledger/main', { type: 'booked' }), sleepNow()] },
  },
});

function burst(): boolean {
  throw new Error('it burst');
}

const ledgerMachine = setup({
  types: { context: {} as { booked: number }, events: {} as { type: 'booked' } },
}).createMachine({
  context: { booked: 0 },
  on: { booked: { actions: [assign({ booked: ({ context }) => context.booked + 1 }), sleepNow()] } },
});

const order = defineAgent({ type: 'order', machine: orderMachine, retry: { attempts: 1, backoffMs: 1 } });
const ledger = defineAgent({ type: 'ledger', machine: ledgerMachine });

/** Lets one event an hour in, and no spam at all. */
const guarded = defineAgent({
  type: 'guarded',
  machine: setup({ types: { events: {} as { type: 'opened' } | { type: 'spam' } } }).createMachine({
    on: { opened: { actions: sleepNow() } },
  }),
  gate: [
    { name: 'no-spam', sees: 'event', judge: ({ event }) => (event.type === 'spam' ? spam : undefined) },
    rateLimit({ limit: 1, periodMs: 3_600_000 }),
  ],
});
const spam = { kind: 'drop', reason: 'it is spam' } as const;

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

let place: Place;
let client: Client;

beforeAll(async () => {
  place = await startPlace();
  ({ client } = await place.serve(order, ledger, guarded));
  const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`;
  await client.agent('order', '17').send({ type: 'place' }, { id: 'place-17', trace: { traceparent } });
  await client.follow('ledger/main', { after: 0 }).next();
});

afterAll(() => place[Symbol.asyncDispose]());

const run: Place['run'] = (...argv) => place.run(...argv);

describe('explain', () => {
  test('shows a chain from its beginning, whichever step is asked about', async () => {
    const { code, io } = await run('explain', 'ledger/main');

    expect(code).toBe(0);
    expect(io.stdout).toContain(`4 steps, 2 agents, 1 placement node, trace ${TRACE}`);
    const titles = io.stdout.split('\n').filter((line) => /^[ │├└─]*(order|ledger)\//.test(line));
    expect(titles.map((line) => line.replace(/\+\S+ \S+ {2}/, ''))).toEqual([
      'order/17  place from outside (place-17)',
      '└─ order/17  timer xstate.after.50.(machine).waiting → xstate.after.50.(machine).waiting',
      '   └─ order/17  effect done.actor.charge, after 1 repeated attempt',
      expect.stringMatching(/^ {6}└─ ledger\/main {2}booked from order\/17 \(order\.17:\d+\.0\) ◀$/),
    ]);
    expect(io.stdout).toMatch(/turn 1 on node-\S+, epoch 1, message \d+, woke the agent, \S+ ms, \d+ B/);
    expect(io.stdout).toMatch(/effect charge done on node-\S+ in \S+ \S+, 2 attempts, key order\.17~1@\d+\.\d+/);
    expect(io.stdout).toContain('made send booked to ledger/main');
  });

  test.each([['place-17'], ['order/17'], [TRACE]])('finds the same chain by %s', async (target) => {
    const { code, io } = await run('explain', target, '--json');

    expect(code).toBe(0);
    expect(io.json()).toMatchObject([{ kind: 'chain', steps: 4, traceId: TRACE, root: { event: { id: 'place-17' } } }]);
  });

  test('shows what a gate said, at the door and in a turn', async () => {
    await expect(client.agent('guarded', 'one').call({ type: 'spam' }, { id: 'spam' })).rejects.toThrow();
    await client.agent('guarded', 'two').send({ type: 'opened' });
    await eventually(async () => (await client.inspect('guarded/two'))?.turns).toBe(1);
    await expect(client.agent('guarded', 'two').call({ type: 'opened' }, { id: 'often' })).rejects.toThrow();

    await eventually(async () => (await run('explain', 'spam')).io.stdout).toMatch(
      /spam from outside \(spam\)\n +message \d+, turned away by node-\S+\n +gate no-spam says drop: it is spam/,
    );
    await eventually(async () => (await run('explain', 'often')).io.stdout).toMatch(
      /turn \d+ on node-.*[\s\S]*gate rateLimit says drop: /,
    );
  });

  test('what history does not have is not found', async () => {
    expect((await run('explain', 'order/nobody')).code).toBe(3);
    expect((await run('explain', 'no-such-message')).code).toBe(3);
  });
});

describe('debug', () => {
  test('an agent that is well has nothing wrong, in five parts', async () => {
    await eventually(async () => (await client.inspect('order/17'))?.lifecycle.name).toBe('asleep');
    const { code, io } = await run('debug', 'order/17', '--json');

    expect(code, io.stdout).toBe(0);
    expect([...new Set(io.json().map(({ part }) => part))]).toEqual([
      'checkpoint',
      'log',
      'wakes',
      'retries',
      'releases',
    ]);
  });

  test('says what was given up, and what stands still', async () => {
    await client.agent('order', 'broken').send({ type: 'boom' });
    await eventually(async () => (await client.inspect('order/broken'))?.cursor).toBeGreaterThan(0);
    await client.suspend('order/broken', { reason: 'being looked at' });
    const { code, io } = await run('debug', 'order/broken');

    expect(code).toBe(1);
    const wrong = io.stdout.split('\n').filter((line) => line.startsWith('✗'));
    expect(wrong).toEqual([
      expect.stringMatching(/^✗ checkpoint {2}suspended since .*: being looked at\. Mend the cause, then release it$/),
      expect.stringMatching(
        /^✗ retries {5}1 in the dead letters, the last .* ago: message \d+, DEAD_LETTERED, after 2 attempts/,
      ),
    ]);
  });

  test('an agent that nobody has sent to is not found', async () => {
    expect((await run('debug', 'order/nobody')).code).toBe(3);
  });
});

test('tail prints wakes and turns as they happen, until it is stopped', async () => {
  using io = place.io();
  const ended = runCli(['tail', 'ledger/*'], io);
  let sent = 0;
  await eventually(async () => {
    sent += 1;
    await client.agent('ledger', 'tailed').send({ type: 'booked' }, { id: `tailed-${sent}` });
    return io.stdout;
  }).toMatch(/ledger\/tailed {2}is awake on node-\S+ by booked\n[\s\S]*ledger\/tailed {2}turn \d+: booked in /);

  io.stop();
  expect(await ended).toBe(130);
  expect(io.stdout).not.toContain('order/');
});

test('top counts by type; without a terminal, one line a look', async () => {
  using io = place.io();
  const ended = runCli(['top', '--every', '500ms', '--looks', '2'], io);
  const { io: json } = await run('top', '--every', '100ms', '--looks', '1', '--json');

  expect(await ended).toBe(0);
  expect(io.stdout.trimEnd().split('\n')).toEqual(
    Array.from({ length: 2 }, () => expect.stringMatching(/Z {2}1 nodes {2}\d+ wakes {2}\d+ turns/) as string),
  );
  expect(json.json()).toMatchObject([
    { kind: 'top', types: [{ type: 'guarded' }, { type: 'ledger' }, { type: 'order' }], nodes: [{ pool: 'default' }] },
  ]);
  expect((await run('top', '--every', '1ms')).code).toBe(7);
  expect((await run('top', '--looks', 'few')).code).toBe(7);
});
