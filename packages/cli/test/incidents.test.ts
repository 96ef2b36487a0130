/** Incidents as an operator sees them, and as they leave for somewhere else. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runCli } from '@wakebus/cli';
import type { Client } from '@wakebus/client';
import { defineAgent } from '@wakebus/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMachine } from 'xstate';
import { eventually } from './eventually.ts';
import { type Place, startPlace } from './place.ts';

const machine = createMachine({
  on: {
    order: {
      guard: () => {
        throw new Error('the shop is\nclosed');
      },
      actions: () => {},
    },
  },
});
const retry = { attempts: 1, backoffMs: 1 };
const agents = [
  defineAgent({ type: 'shop', machine, retry }),
  defineAgent({ type: 'stall', machine, retry, onPoison: 'stop' }),
];

let place: Place;
let client: Client;

beforeAll(async () => {
  place = await startPlace();
  ({ client } = await place.serve(...agents));
});

afterAll(() => place[Symbol.asyncDispose]());

async function order(type: string, id: string): Promise<void> {
  await client.agent({ type }, id).send({ type: 'order' });
}

test('incidents are listed by agents and kind, and go on after the last one', async () => {
  for (const id of ['ann', 'bob']) await order('shop', id);
  await order('stall', 'cyd');
  await eventually(async () => (await place.run('incidents', 'list')).io.stderr).toBe('3 incidents\n');

  const failed = await place.run('incidents', 'list', '--kind', 'failed');
  const first = await place.run('incidents', 'list', 'shop/*', '--limit', '1');
  const { cursor } = /--cursor (?<cursor>\d+)/.exec(first.io.stderr)?.groups ?? {};
  const rest = await place.run('incidents', 'list', 'shop/*', '--cursor', cursor ?? '', '--json');

  expect(failed.io.stdout).toMatch(
    /^WHEN +WHAT +AGENT +CODE +FACTS\n.* failed +stall\/cyd +AGENT_FAILED +seq=3 attempts=2$/m,
  );
  // Which of them was given up first is open.
  expect(rest.io.json()).toMatchObject([
    { v: 1, kind: 'incident', what: 'dead-lettered', agent: first.io.stdout.includes('ann') ? 'shop/bob' : 'shop/ann' },
  ]);
  expect((await place.run('incidents', 'list', '--cursor', 'x')).code).toBe(7);
});

test('incidents are printed as they are told, each on one line', async () => {
  using io = place.io();
  const tailing = runCli(['incidents', 'tail', 'stall/*'], io);
  const told: string[] = [];

  // Which of them comes after the follower has begun, nobody can say.
  await eventually(async () => {
    told.push(`dan${told.length}`);
    await order('stall', told.at(-1) as string);
    return io.stdout;
  }).toMatch(/^\S+Z  failed  stall\/dan\d+  AGENT_FAILED  seq=\d+ attempts=2  .*the shop is\\x0aclosed.*\n/);
  io.stop();

  expect(await tailing).toBe(130);
});

test('incidents are forwarded to a webhook with the secret of a variable, until Ctrl-C', async () => {
  const taken: string[] = [];
  const receiver = createServer((request, response) => {
    taken.push(`${String(request.headers['webhook-id'])} ${String(request.headers['webhook-signature'])}`);
    request.resume();
    response.end();
  });
  await once(receiver.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const secret = Buffer.alloc(24, 1).toString('base64');
  using io = place.io({ env: { OPS_SECRET: secret } });
  const forwarding = runCli(['incidents', 'forward', '--to', url, '--secret-env', 'OPS_SECRET', '--json'], io);
  await eventually(() => io.stdout).toBe(`{"v":1,"kind":"forwarder","name":"default","to":"${url}"}\n`);

  await order('stall', 'eve');

  await eventually(() => taken).toContainEqual(expect.stringMatching(/^failed\/stall\/eve\/\d+ v1,\S{44}$/));
  io.stop();
  expect(await forwarding).toBe(0);
  receiver.closeAllConnections();
  receiver.close();
});

test.each([
  [['incidents', 'forward', '--secret-env', 'X'], 2],
  [['incidents', 'forward', '--to', 'http://127.0.0.1:1/', '--secret-env', 'NOT_SET'], 7],
  [['incidents', 'list', '--kind', 'party'], 2],
])('%j exits with %d', async (argv, code) => {
  expect((await place.run(...argv)).code).toBe(code);
});
