/** Kept snapshots over HTTP: by whom they may be made and seen. */
import { defineAgent, reply } from '@wakebus/core';
import type { ServedGateway } from '@wakebus/gateway';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { type Answer, type World, ask, startWorld } from './world.ts';

const machine = setup({ types: { context: {} as { sum: number }, events: {} as { type: 'add' } } }).createMachine({
  context: { sum: 0 },
  on: { add: { actions: [assign({ sum: ({ context }) => context.sum + 1 }), reply(({ context }) => context.sum)] } },
});

type Verbs = NonNullable<NonNullable<Parameters<World['token']>[0]>['verbs']>;

let world: World;
let gateway: ServedGateway;

beforeAll(async () => {
  world = await startWorld();
  await world.startNode([defineAgent({ type: 'tally', machine })]);
  gateway = await world.serve();
});

afterAll(() => world[Symbol.asyncDispose]());

async function requestAs(verbs: Verbs, method: string, path: string, body?: unknown): Promise<Answer> {
  const headers = { Authorization: `Bearer ${await world.token({ target: 'tally/*', verbs })}` };
  return ask(gateway, method, `/agents/tally/ada${path}`, { headers, ...(body !== undefined && { body }) });
}

test('an agent is kept as it is, listed, shown, compared and given up', async () => {
  await requestAs(['call'], 'POST', '/add?wait');

  const taken = await requestAs(['control'], 'POST', '/snapshots', { label: 'noon', reason: 'to try' });
  await requestAs(['call'], 'POST', '/add?wait');

  expect([taken.status, taken.body]).toMatchObject([201, { id: '1-1', label: 'noon', cause: 'call' }]);
  expect((await requestAs(['read'], 'GET', '/snapshots')).body).toMatchObject({ snapshots: [{ id: '1-1' }] });
  expect((await requestAs(['read'], 'GET', '/snapshots/1-1')).body).toMatchObject({ agent: { context: { sum: 1 } } });
  expect((await requestAs(['read'], 'GET', '/snapshots/1-1/diff')).body['changes']).toContainEqual({
    at: '/context/sum',
    before: 1,
    after: 2,
  });
  expect((await requestAs(['control'], 'DELETE', '/snapshots/1-1')).status).toBe(204);
  expect((await requestAs(['read'], 'GET', '/snapshots/1-1')).body).toMatchObject({
    code: 'SNAPSHOT_NOT_FOUND',
    status: 404,
  });
});

test('nobody makes one who may not control the agent, or sees one who may not read it', async () => {
  const statuses = [
    await requestAs(['read', 'send', 'call'], 'POST', '/snapshots'),
    await requestAs(['control', 'send'], 'GET', '/snapshots'),
    await requestAs(['control', 'send'], 'GET', '/snapshots/1-1/diff'),
    await requestAs(['read'], 'DELETE', '/snapshots/1-1'),
  ].map(({ status }) => status);

  expect(statuses).toEqual([403, 403, 403, 403]);
});

test('an agent is taken back, and another one is begun from it, by who may control both', async () => {
  await requestAs(['call'], 'POST', '/add?wait');
  const { body } = await requestAs(['control'], 'POST', '/snapshots');
  await requestAs(['call'], 'POST', '/add?wait');
  const snapshot = body['id'];

  const refused = await requestAs(['read', 'call'], 'POST', '/control/restore', { snapshot });
  const restored = await requestAs(['control'], 'POST', '/control/restore', { snapshot, reason: 'a slip' });
  const forked = await requestAs(['control', 'read'], 'POST', '/control/fork', { to: 'tally/bob', snapshot });
  const elsewhere = await requestAs(['control', 'read'], 'POST', '/control/fork', { to: 'other/bob', snapshot });

  expect([refused, restored, forked, elsewhere].map(({ status }) => status)).toEqual([403, 204, 201, 403]);
  expect(await world.client.inspect('tally/bob')).toMatchObject({ context: (await shown(snapshot)).context });
  expect(await world.client.inspect('tally/ada')).toMatchObject({ context: (await shown(snapshot)).context });
  expect((await requestAs(['control'], 'POST', '/control/restore', { snapshot: 3 })).status).toBe(400);
});

async function shown(snapshot: unknown): Promise<{ context: unknown }> {
  return (await requestAs(['read'], 'GET', `/snapshots/${String(snapshot)}`)).body['agent'] as { context: unknown };
}
