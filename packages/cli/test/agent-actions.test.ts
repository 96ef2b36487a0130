/** An operator's hand on agents, and what the audit says of it. */
import { runCli } from '@wakebus/cli';
import type { Client } from '@wakebus/client';
import { agentKey } from '@wakebus/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { counter } from './counter-agent.ts';
import { eventually } from './eventually.ts';
import { type Place, type Run, startPlace } from './place.ts';

let place: Place;
let client: Client;

beforeAll(async () => {
  place = await startPlace();
  ({ client } = await place.serve(counter));
});

afterAll(() => place[Symbol.asyncDispose]());

async function run(typed: string | undefined, ...argv: string[]): Promise<Run> {
  using io = place.io(typed === undefined ? {} : { typed });
  return { code: await runCli(argv, io), io };
}

function add(id: string): Promise<unknown> {
  return client.agent('counter', id).call({ type: 'add', by: 1 });
}

async function lifecycleOf(id: string): Promise<string | undefined> {
  return (await client.inspect(`counter/${id}`))?.lifecycle.name;
}

test('agents are suspended and resumed, with who and why in the audit', async () => {
  await add('ann');
  await add('bob');

  const dry = await run(undefined, 'agents', 'suspend', 'counter/ann', 'counter/bob', '--dry-run');
  expect([dry.code, dry.io.stderr]).toEqual([0, 'counter/ann would be suspended\ncounter/bob would be suspended\n']);
  expect(await lifecycleOf('ann')).not.toBe('suspended');

  const done = await run(undefined, 'agents', 'suspend', 'counter/ann', 'counter/bob', '--reason', 'to look', '--json');
  expect(done.io.json()).toEqual([
    { v: 1, kind: 'action', agent: 'counter/ann', done: 'suspended' },
    { v: 1, kind: 'action', agent: 'counter/bob', done: 'suspended' },
  ]);
  expect([await lifecycleOf('ann'), await lifecycleOf('bob')]).toEqual(['suspended', 'suspended']);
  expect((await run(undefined, 'agents', 'recover', 'counter/ann')).io.stderr).toMatch(/it is suspended/);

  expect((await run(undefined, 'agents', 'resume', 'counter/ann', 'counter/bob')).code).toBe(0);
  expect(await add('ann')).toEqual({ total: 2 });
  const audit = await run(undefined, 'audit', 'list', 'counter/ann');
  expect(audit.io.stdout).toMatch(
    /olga +suspend +counter\/ann +done +to look(?:.|\n)*recover .*failed \(AGENT_REFUSED\)/,
  );
});

test('an agent in quarantine is recovered by a decision, which asks before it gives a state up', async () => {
  await add('cid');
  const key = agentKey('counter', 'cid');
  place.connection.publish(`$KV.wakebus_agents.${key}`, 'damaged');
  await place.connection.flush();
  await client.agent('counter', 'cid').send({ type: 'add', by: 1 });
  await eventually(async () => (await run(undefined, 'doctor')).io.stderr).toMatch(
    /counter\/cid is quarantined.*wakebus agents recover counter\/cid --keep\|--anew/,
  );

  expect((await run(undefined, 'agents', 'recover', 'counter/cid')).io.stderr).toMatch(/whether to keep its state/);
  expect((await run(undefined, 'agents', 'recover', 'counter/cid', '--keep')).io.stderr).toMatch(/its state is gone/);
  expect((await run(undefined, 'agents', 'recover', 'counter/cid', '--keep', '--anew', '--force')).code).toBe(7);
  expect((await run('counter/ann', 'agents', 'recover', 'counter/cid', '--anew')).code).toBe(7);
  expect((await run('counter/cid', 'agents', 'recover', 'counter/cid', '--anew')).code).toBe(0);

  expect(await add('cid')).toEqual({ total: 2 });
});

test('an agent is removed when its name is typed, or by --force', async () => {
  await add('dan');

  expect((await run(undefined, 'agents', 'remove', 'counter/dan')).code).toBe(7);
  expect((await run('counter/dan', 'agents', 'remove', 'counter/dan', '--reason', 'a test')).code).toBe(0);

  expect(await lifecycleOf('dan')).toBe('removed');
  expect((await run(undefined, 'agents', 'remove', 'counter/dan', '--force')).code).toBe(3);
  expect((await run(undefined, 'agents', 'remove', 'noslash', '--force')).code).toBe(7);
});

test('a whole type is disabled and enabled, and everybody who looks is told', async () => {
  await add('fay');
  const disabled = await run(undefined, 'agents', 'disable', 'counter', '--reason', 'it counts twice');
  await eventually(() => lifecycleOf('fay')).toBe('asleep');
  await client.agent('counter', 'fay').send({ type: 'add', by: 1 });

  expect([disabled.code, disabled.io.stderr]).toEqual([0, expect.stringContaining('"counter": disabled')]);
  expect((await run(undefined, 'status')).io.stdout).toMatch(/disabled counter +\S+ \S+ ago: it counts twice/);
  expect((await run(undefined, 'doctor')).io.stderr).toMatch(/"counter" are disabled.*wakebus agents enable counter/);
  expect((await run(undefined, 'agents', 'disable', 'no type')).code).toBe(7);

  expect((await run(undefined, 'agents', 'enable', 'counter')).io.stderr).toContain('"counter": enabled');
  expect((await run(undefined, 'agents', 'enable', 'counter')).io.stderr).toContain('was not disabled');
  await eventually(async () => (await client.inspect('counter/fay'))?.turns).toBe(2);
  expect((await run(undefined, 'doctor')).io.stderr).not.toContain('are disabled');
  expect((await run(undefined, 'audit', 'list', 'counter')).io.stdout).toMatch(
    /disable +counter +done +it counts twice +\{"of":"agents"\}/,
  );
});
