/** Keeping agents as they are, and looking at what was kept, from the command line. */
import { runCli } from '@wakebus/cli';
import type { Client } from '@wakebus/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { counter } from './counter-agent.ts';
import { type Place, type Run, startPlace } from './place.ts';

let place: Place;
let client: Client;

beforeAll(async () => {
  place = await startPlace();
  ({ client } = await place.serve(counter));
});

afterAll(() => place[Symbol.asyncDispose]());

async function run(...argv: string[]): Promise<Run> {
  using io = place.io();
  return { code: await runCli(argv, io), io };
}

function add(id: string): Promise<unknown> {
  return client.agent('counter', id).call({ type: 'add', by: 1 });
}

test('an agent is kept, listed, shown, compared and given up', async () => {
  await add('ann');

  const taken = await run('agents', 'snapshot', 'counter/ann', '--label', 'before lunch', '--reason', 'to try');
  await add('ann');

  expect([taken.code, taken.io.stdout]).toEqual([0, '1-1\n']);
  expect((await run('snapshots', 'list', 'counter/ann')).io.stdout).toMatch(/1-1 +call +before lunch +1 /);
  expect((await run('snapshots', 'show', 'counter/ann', '1-1')).io.stdout).toMatch(/^1-1 "before lunch" {2}call/);
  expect((await run('snapshots', 'diff', 'counter/ann', '1-1')).io.stdout).toMatch(/^~ \/context\/total 1 → 2\n/m);
  expect((await run('snapshots', 'diff', 'counter/ann', '1-1', '--json')).io.json()).toContainEqual(
    expect.objectContaining({ kind: 'change', at: '/context/total', before: 1, after: 2 }),
  );
  expect((await run('snapshots', 'remove', 'counter/ann', '1-1', '--no-input')).code).toBe(7);
  expect((await run('snapshots', 'remove', 'counter/ann', '1-1', '--force')).code).toBe(0);
  expect((await run('snapshots', 'show', 'counter/ann', '1-1')).code).toBe(3);
  expect((await run('audit', 'list', 'counter/ann')).io.stdout).toMatch(/snapshot +counter\/ann +done +to try/);
});

test('an agent is taken back, after its name is typed, and another one is begun from it', async () => {
  await add('bob');
  await run('agents', 'snapshot', 'counter/bob');
  await add('bob');

  const would = await run('agents', 'restore', 'counter/bob', '1-1', '--dry-run');
  const unasked = await run('agents', 'restore', 'counter/bob', '1-1', '--no-input');
  const done = await run('agents', 'restore', 'counter/bob', '1-1', '--force', '--reason', 'a slip');
  const forked = await run('agents', 'fork', 'counter/bob', 'counter/cid', '--snapshot', '1-1', '--json');

  expect(would.io.stderr).toMatch(/counter\/bob would be taken back: .*\/context\/total/);
  expect([unasked.code, done.code]).toEqual([7, 0]);
  expect(await add('bob')).toEqual({ total: 2 });
  expect(forked.io.json()).toEqual([
    { v: 1, kind: 'action', agent: 'counter/cid', from: 'counter/bob', snapshot: '1-1', done: 'forked' },
  ]);
  expect(await add('cid')).toEqual({ total: 2 });
  expect((await run('agents', 'fork', 'counter/bob', 'counter/cid')).code).toBe(1);
  expect((await run('agents', 'restore', 'counter/bob', '7-7', '--force')).code).toBe(3);
});
