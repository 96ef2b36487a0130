/** Dead letters, held messages and the audit as an operator sees them. */
import { runCli } from '@wakebus/cli';
import type { Client } from '@wakebus/client';
import { defineAgent, reply } from '@wakebus/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { eventually } from './eventually.ts';
import { type Place, type Run, startPlace } from './place.ts';

/** A shop that takes no order until it is open. */
const shop = { isOpen: false };
const machine = setup({
  types: { context: {} as { orders: number }, events: {} as { type: 'order'; item: string } | { type: 'tell' } },
}).createMachine({
  context: { orders: 0 },
  on: {
    order: {
      guard: () => {
        if (!shop.isOpen) throw new Error('the shop is closed');
        return true;
      },
      actions: assign({ orders: ({ context }) => context.orders + 1 }),
    },
    tell: { actions: reply(({ context }) => context.orders) },
  },
});
const definition = defineAgent({ type: 'shop', machine, retry: { attempts: 1, backoffMs: 1 } });

let place: Place;
let client: Client;

beforeAll(async () => {
  place = await startPlace();
  ({ client } = await place.serve(definition));
});

afterAll(() => place[Symbol.asyncDispose]());

const run: Place['run'] = (...argv) => place.run(...argv);

/** A command at a terminal, where somebody types one line. */
async function answering(typed: string, ...argv: string[]): Promise<Run> {
  using io = place.io({ typed });
  return { code: await runCli(argv, io), io };
}

async function letters(id: string): Promise<number[]> {
  const { io } = await run('dead', 'list', '--agent', `shop/${id}`, '--json');
  return io.stdout === '' ? [] : io.json().map((row) => row['id'] as number);
}

/** Gives up some orders. @returns the numbers of their letters. */
async function lose(id: string, items: readonly string[]): Promise<number[]> {
  shop.isOpen = false;
  for (const item of items) await run('send', `shop/${id}`, 'order', JSON.stringify({ item }));
  await eventually(() => letters(id)).toHaveLength(items.length);
  shop.isOpen = true;
  return letters(id);
}

function orders(id: string): Promise<unknown> {
  return client.agent('shop', id).call({ type: 'tell' });
}

test('dead letters are listed and shown with why and what they carry', async () => {
  const [id] = await lose('ann', ['tea']);

  const listed = await run('dead', 'list', '--type', 'shop', '--code', 'DEAD_LETTERED');
  const shown = await run('dead', 'get', String(id));

  expect(listed.io.stdout).toMatch(/shop\/ann +order +DEAD_LETTERED +2 /);
  expect(shown.io.stdout).toMatch(/the shop is closed(?:.|\n)*item: 'tea'/);
  expect((await run('dead', 'get', String(id), '--json')).io.json()).toMatchObject([
    { v: 1, kind: 'dead-letter', id, address: 'shop/ann', event: 'order', payload: { item: 'tea' } },
  ]);
  expect((await run('dead', 'list', '--code', 'NONE')).io.stderr).toBe('0 dead letters\n');
});

test('a replay says what it would do, does it, and is in the audit with who and why', async () => {
  const ids = await lose('bob', ['tea', 'jam']);

  const dry = await run('dead', 'replay', '--agent', 'shop/bob', '--dry-run');
  expect([dry.code, dry.io.stderr]).toEqual([0, '2 dead letters would be replayed\n']);
  expect(await letters('bob')).toEqual(ids);

  const done = await run('dead', 'replay', ...ids.map(String), '--reason', 'open again', '--json');
  expect(done.io.json()).toMatchObject(ids.map((id) => ({ kind: 'replay', id, agent: 'shop/bob', duplicate: false })));
  expect(await orders('bob')).toBe(2);
  expect(await letters('bob')).toEqual([]);
  const audit = await run('audit', 'list', 'shop/bob');
  expect(audit.io.stdout).toMatch(/olga +replay +shop\/bob +done +open again/);
  expect(audit.io.stderr).toBe('2 actions\n');
});

test('a discard asks for the name, typed, or for --force', async () => {
  const [id] = await lose('cid', ['tea']);
  const discard = ['dead', 'discard', String(id), '--reason', 'a test'];

  expect(await run(...discard)).toMatchObject({
    code: 7,
    io: { stderr: expect.stringContaining('--force') as string },
  });
  expect((await answering('shop/bob', ...discard)).code).toBe(7);
  expect((await answering('shop/cid', ...discard, '--no-input')).code).toBe(7);
  expect(await letters('cid')).toEqual([id]);

  const typed = await answering('shop/cid', ...discard);
  expect([typed.code, typed.io.stderr]).toEqual([0, expect.stringContaining('1 dead letter discarded')]);
  const again = await lose('cid', ['jam']);
  expect((await run('dead', 'discard', '--agent', 'shop/cid', '--force')).code).toBe(0);
  expect([again.length, await letters('cid')]).toEqual([1, []]);
});

test.each([
  [['dead', 'get', '999999'], 3, 'PARKED_NOT_FOUND'],
  [['dead', 'replay', '999999'], 3, 'PARKED_NOT_FOUND'],
  [['dead', 'get', 'x'], 7, 'INVALID_OPTION'],
  [['dead', 'replay'], 7, 'INVALID_OPTION'],
  [['dead', 'replay', '1', '--all'], 7, 'INVALID_OPTION'],
  [['dead', 'discard', '--held'], 7, 'INVALID_OPTION'],
  [['dead', 'list', '--agent', 'noslash'], 7, 'INVALID_ADDRESS'],
])('%j says why not, by its exit code too', async (argv, code, named) => {
  const done = await run(...argv);

  expect([done.code, done.io.stderr]).toEqual([code, expect.stringContaining(named)]);
});

test('held messages are listed and shown, thrown away, or taken once the agent runs again', async () => {
  shop.isOpen = true;
  expect(await orders('dan')).toBe(0);
  await client.suspend('shop/dan', { reason: 'stocktaking' });
  await run('send', 'shop/dan', 'order', '{"item":"tea"}');
  await client.suspend('shop/dan', { reason: 'stocktaking' });

  const listed = await run('dead', 'list', '--held', '--agent', 'shop/dan', '--json');
  const [row] = listed.io.json();
  expect(row).toMatchObject({ kind: 'held-message', event: 'order', code: 'SUSPENDED' });
  expect((await run('dead', 'get', '--held', String(row?.['id']))).io.stdout).toMatch(
    /stocktaking(?:.|\n)*item: 'tea'/,
  );

  expect((await run('dead', 'discard', '--held', 'shop/dan', '--dry-run')).io.stderr).toMatch(
    /^1 message for shop\/dan/,
  );
  expect((await run('dead', 'discard', '--held', 'shop/dan', '--force')).code).toBe(0);
  await eventually(async () => (await run('dead', 'list', '--held', '--agent', 'shop/dan')).io.stderr).toBe(
    '0 held messages\n',
  );
  await run('send', 'shop/dan', 'order', '{"item":"jam"}');
  expect((await run('dead', 'replay', '--held', 'shop/dan', '--reason', 'counted')).code).toBe(0);
  expect(await orders('dan')).toBe(1);
});
