/** Schedules, timers and doorbells as an operator has them. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Client } from '@wakebus/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { counter } from './counter-agent.ts';
import { eventually } from './eventually.ts';
import { type Place, startPlace } from './place.ts';

const MAIN = join(import.meta.dirname, '..', 'src', 'main.ts');

let place: Place;
let client: Client;

beforeAll(async () => {
  place = await startPlace();
  ({ client } = await place.serve(counter));
});

afterAll(() => place[Symbol.asyncDispose]());

const run: Place['run'] = (...argv) => place.run(...argv);

async function totalOf(id: string): Promise<number> {
  const found = await client.inspect(`counter/${id}`);
  return (found?.context as { total?: number } | undefined)?.total ?? 0;
}

test('a schedule is added, listed, fired and removed', async () => {
  const flags = ['--cron', '0 0 0 1 1 *', '--tz', 'Europe/Berlin', '--missed', 'once', '--overlap', 'queue'];
  const added = await run('schedules', 'add', 'counter/ada', 'yearly', 'add', '{"by":5}', '--jitter', '0s', ...flags);
  expect([added.code, added.io.stderr]).toEqual([0, expect.stringMatching(/^yearly of counter\/ada comes in \d+ d/)]);
  expect(added.io.stdout).toMatch(/-12-31T23:00:00\.000Z\n$/);

  const listed = await run('schedules', 'list', '--agent', 'counter/ada');
  expect(listed.io.stdout).toMatch(/counter\/ada +yearly +0 0 0 1 1 \* Europe\/Berlin +add +in \d+ d +once +queue/);
  expect((await run('timers', 'list', '--type', 'counter', '--json')).io.json()).toMatchObject([
    { v: 1, kind: 'timer', agent: 'counter/ada', id: 'yearly', event: { type: 'add', by: 5 } },
  ]);
  expect((await run('timers', 'fire', 'counter/ada', 'yearly')).code).toBe(0);
  expect(await totalOf('ada')).toBe(5);

  expect((await run('schedules', 'remove', 'counter/ada', 'yearly')).code).toBe(0);

  const again = await run('timers', 'cancel', 'counter/ada', 'yearly');
  expect([again.code, again.io.stderr]).toEqual([3, expect.stringContaining('TIMER_NOT_FOUND')]);
  expect((await run('schedules', 'list')).io.stderr).toBe('0 schedules\n');
});

test('a schedule says what is wrong with it, before or after it is sent', async () => {
  const wrong: ReadonlyArray<readonly [readonly string[], RegExp]> = [
    [['--cron', '* * * * *'], /missed/],
    [['--cron', 'soon', '--missed', 'skip'], /cron/],
    [['--every', 'often', '--missed', 'skip'], /--every/],
    [['--every', '10s', '--cron', '* * * * *', '--missed', 'skip'], /one of cron, everyMs and atMs/],
    [['--at', 'noon'], /--at/],
  ];
  for (const [flags, message] of wrong) {
    const { code, io } = await run('schedules', 'add', 'counter/bob', 'x', 'add', ...flags);
    expect([code, io.stderr]).toEqual([7, expect.stringMatching(message)]);
  }
});

test('an event is sent for later, and taken back', async () => {
  const soon = await run('send', 'counter/cid', 'add', '{"by":1}', '--in', '200ms');
  const { code } = await run('send', 'counter/cid', 'add', '{"by":10}', '--at', '2099-01-01T00:00:00Z', '--id', 'far');
  expect([soon.code, code]).toEqual([0, 0]);
  await eventually(() => totalOf('cid')).toBe(1);

  expect((await run('timers', 'list', '--agent', 'counter/cid')).io.stdout).toMatch(/far +schedule +add/);
  expect((await run('timers', 'cancel', 'counter/cid', 'far')).code).toBe(0);

  expect((await run('send', 'counter/cid', 'add', '--in', '1s', '--wait')).code).toBe(7);
});

test('a doorbell rings once a period, whoever rings, and another one beside it', async () => {
  const rings = [
    await run('doorbell', 'counter/dan', 'add', '{"by":1}', '--period', '1000d'),
    await run('doorbell', 'counter/dan', 'add', '{"by":1}', '--period', '1000d'),
    await run('doorbell', 'counter/dan', 'add', '{"by":1}', '--period', '1000d', '--name', 'other'),
  ];

  expect(rings.map(({ code, io }) => [code, io.stderr])).toEqual([
    [0, 'it rang\n'],
    [0, 'it has rung in this period\n'],
    [0, 'it rang\n'],
  ]);
  await eventually(() => totalOf('dan')).toBe(2);
});

test('a doorbell is light: neither the runtime nor XState is loaded for it', () => {
  const hook = `import { registerHooks } from 'node:module';
    registerHooks({ load: (url, context, next) => (console.log(url), next(url, context)) });`;
  const argv = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, MAIN, 'doorbell', 'counter/eve', 'add'];
  const { stdout, status } = spawnSync(process.execPath, argv, {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], WAKEBUS_SERVERS: place.server.url },
  });

  expect(status).toBe(0);
  expect(stdout).toContain('packages/client/');
  expect(stdout).not.toMatch(/packages\/(?:placement-node|core|nats-server)\/|node_modules\/(?:xstate|croner)\//);
});
