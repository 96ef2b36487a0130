import type { ServedGateway } from '@wakebus/gateway';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HostPaths } from '../src/hosts.ts';
import { findOwnRoute } from '../src/own-routes.ts';
import { tally } from './tally-agent.ts';
import { type World, ask, everyone, startWorld } from './world.ts';

let world: World;
let gateway: ServedGateway;

beforeAll(async () => {
  world = await startWorld();
  await world.startNode();
  gateway = await world.serve({ authorize: everyone });
});

afterAll(() => world[Symbol.asyncDispose]());

test('a route of the type’s own is its event, with the places of the path', async () => {
  const answer = await ask(gateway, 'POST', '/tally/notes/a%2Fb/hi%20there?wait', { body: { text: 'not this' } });

  expect([answer.status, answer.body]).toEqual([200, { notes: 1 }]);
  expect((await world.client.inspect(tally, 'a/b'))?.context).toMatchObject({ notes: ['hi there'] });
});

test.each(['/tally/notes/a', '/tally/other/a/b', '/nobody/notes/a/b', '/tally/notes/%zz/b'])(
  'POST %s is no route',
  async (path) => {
    expect(await ask(gateway, 'POST', path)).toMatchObject({ status: 404, body: { code: 'ROUTE_UNKNOWN' } });
  },
);

test('a token is asked for the agent that the route leads to', async () => {
  const guarded = await world.serve();
  const token = await world.token({ target: 'tally/mine', verbs: ['send'] });
  const post = (id: string): Promise<{ status: number }> =>
    ask(guarded, 'POST', `/tally/notes/${id}/x`, { headers: { Authorization: `Bearer ${token}` } });

  expect([(await post('mine')).status, (await post('yours')).status]).toEqual([202, 403]);
});

test('the first pattern that fits is taken', () => {
  const entry = {
    v: 1,
    type: 'order',
    pool: 'p',
    version: 1,
    events: [],
    updatedMs: 0,
    routes: { ':id/paid': 'paid', ':id/:what': 'other' },
  } as const;

  expect(findOwnRoute(entry, '7/paid')).toEqual({ id: '7', event: 'paid', fields: {} });
  expect(findOwnRoute(entry, '7/sent')).toEqual({ id: '7', event: 'other', fields: { what: 'sent' } });
});

test('a host name stands for an agent, or for a tenant whose name begins every ID', () => {
  const hosts = new HostPaths({
    '{id}.order.example.com': '/agents/order/{id}',
    '{tenant}.example.com': '/agents/order/{tenant}%2F',
  });

  expect(hosts.pathOf('17.order.example.com', '/paid')).toBe('/agents/order/17/paid');
  expect(hosts.pathOf('17.order.example.com', '/')).toBe('/agents/order/17');
  expect(hosts.pathOf('acme.example.com', '/17/paid')).toBe('/agents/order/acme%2F17/paid');
  expect(hosts.pathOf('a.b.example.com', '/agents')).toBe('/agents');
  expect(hosts.pathOf('acme.example.com', '/health')).toBe('/health');
});

test.each([{ 'Example.com': '/x' }, { 'a..b': '/x' }, { 'a.b': 'x' }])('the hosts %o are refused', (hosts) => {
  expect(() => new HostPaths(hosts as Record<string, string>)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION' }),
  );
});
