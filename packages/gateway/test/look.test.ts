import type { ServedGateway } from '@wakebus/gateway';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tally } from './tally-agent.ts';
import { type World, ask, eventually, everyone, startWorld } from './world.ts';

let world: World;
let gateway: ServedGateway;

beforeAll(async () => {
  world = await startWorld();
  await world.startNode();
  gateway = await world.serve({ authorize: everyone, corsOrigins: ['https://console.example'] });
});

afterAll(() => world[Symbol.asyncDispose]());

function note(id: string, text: string): Promise<unknown> {
  return world.client.agent('tally', id).call({ type: 'note', text }, { id: text });
}

/** Puts an agent to sleep and waits until it is. */
async function sleep(id: string): Promise<void> {
  await world.client.agent('tally', id).call({ type: 'rest' });
  await eventually(() => world.client.inspect(tally, id)).toMatchObject({ lifecycle: { name: 'asleep' }, waiting: 0 });
}

test('looking at a sleeping agent from every side wakes nobody', async () => {
  await note('sleeper', 'one');
  await sleep('sleeper');
  const before = await world.client.inspect(tally, 'sleeper');

  const shown = await ask(gateway, 'GET', '/agents/tally/sleeper');
  await ask(gateway, 'HEAD', '/agents/tally/sleeper');
  for (const path of [
    '/agents',
    '/agents/tally',
    '/agents/tally/sleeper/history',
    '/history',
    '/types',
    '/types/tally',
  ])
    expect([path, (await ask(gateway, 'GET', path)).status]).toEqual([path, 200]);

  expect(shown.body).toMatchObject({ address: 'tally/sleeper', state: 'open', context: { notes: ['one'] } });
  expect(await world.client.inspect(tally, 'sleeper')).toEqual(before);
});

test('an agent that has not changed is answered 304', async () => {
  await note('tagged', 'one');
  await sleep('tagged');
  const first = await ask(gateway, 'GET', '/agents/tally/tagged');
  const headers = { 'If-None-Match': first.headers.get('etag') ?? '' };
  const second = await ask(gateway, 'GET', '/agents/tally/tagged', { headers });
  await note('tagged', 'two');

  expect([first.status, second.status]).toEqual([200, 304]);
  expect((await ask(gateway, 'GET', '/agents/tally/tagged', { headers })).status).toBe(200);
});

test('agents are listed page by page, and history by sequence', async () => {
  for (const id of ['l1', 'l2', 'l3']) await note(id, 'x');
  await note('l1', 'y');

  const seen: string[] = [];
  let path = '/agents?type=tally&limit=2';
  for (let pages = 0; path !== '' && pages < 50; pages += 1) {
    const { body } = await ask(gateway, 'GET', path);
    seen.push(...(body['agents'] as Array<{ address: string }>).map(({ address }) => address));
    path = body['cursor'] === undefined ? '' : `/agents?type=tally&limit=2&cursor=${body['cursor'] as string}`;
  }
  expect(seen).toEqual(expect.arrayContaining(['tally/l1', 'tally/l2', 'tally/l3']));

  await eventually(async () => (await ask(gateway, 'GET', '/agents/tally/l1/history')).body['commits']).toHaveLength(2);
  const first = await ask(gateway, 'GET', '/agents/tally/l1/history?limit=1');
  const rest = await ask(gateway, 'GET', `/agents/tally/l1/history?after=${first.body['next'] as number}`);
  expect(first.body['commits']).toMatchObject([{ events: [{ type: 'note', id: 'x' }], state: 'open' }]);
  expect(rest.body['commits']).toMatchObject([{ events: [{ type: 'note', id: 'y' }] }]);
});

test('types are those that were started', async () => {
  expect((await ask(gateway, 'GET', '/types')).body['types']).toMatchObject([{ type: 'tally', version: 1 }]);
  expect((await ask(gateway, 'GET', '/types/tally')).body).toMatchObject({
    events: expect.arrayContaining(['note', 'finish']),
  });
  expect((await ask(gateway, 'GET', '/types/none')).status).toBe(404);
});

describe('operators', () => {
  test('suspend and release an agent, and remove it', async () => {
    await note('ruled', 'one');

    const suspended = await ask(gateway, 'POST', '/agents/tally/ruled/control/suspend', {
      body: { reason: 'look first' },
    });
    const shown = await ask(gateway, 'GET', '/agents/tally/ruled');
    const released = await ask(gateway, 'POST', '/agents/tally/ruled/control/release');
    const answered = await ask(gateway, 'POST', '/agents/tally/ruled/tell?wait');
    const removed = await ask(gateway, 'DELETE', '/agents/tally/ruled');

    expect([suspended.status, released.status, removed.status]).toEqual([204, 204, 204]);
    expect(shown.body['lifecycle']).toMatchObject({ name: 'suspended' });
    expect(JSON.parse(answered.text)).toEqual(['one']);
    expect((await ask(gateway, 'GET', '/agents/tally/ruled')).body['lifecycle']).toMatchObject({ name: 'removed' });
  });

  test.each([
    ['DELETE', '/agents/tally/nobody', {}, 404, 'AGENT_NOT_FOUND'],
    ['POST', '/agents/tally/nobody/control/suspend', {}, 404, 'AGENT_NOT_FOUND'],
    ['POST', '/agents/tally/nobody/control/explode', {}, 400, 'INVALID_OPTION'],
    ['POST', '/agents/tally/nobody/control/suspend', { body: { reason: 5 } }, 400, 'INVALID_OPTION'],
    ['POST', '/agents/tally/here/effects/pay', { body: { as: 'done' } }, 404, 'EFFECT_NOT_FOUND'],
    ['POST', '/agents/tally/here/effects/pay', { body: { as: 'so' } }, 400, 'INVALID_OPTION'],
    ['POST', '/agents/tally/here/effects/pay', { body: [1] }, 400, 'INVALID_PAYLOAD'],
  ])('%s %s %o is answered %i %s', async (method, path, options, status, code) => {
    await note('here', 'once');

    const answer = await ask(gateway, method, path, options);

    expect([answer.status, answer.body['code']]).toEqual([status, code]);
  });
});

describe('health', () => {
  test.each(['/health', '/ready'])('%s is answered to anyone, by GET and by HEAD', async (path) => {
    const guarded = await world.serve();
    const [got, headed] = [await ask(guarded, 'GET', path), await ask(guarded, 'HEAD', path)];

    expect([got.status, headed.status, headed.text]).toEqual([200, 200, '']);
    expect(got.body['status']).toEqual(path === '/health' ? 'ok' : 'ready');
  });
});

describe('pages of other origins', () => {
  test('get a preflight, and answers that they may read, when their origin is named', async () => {
    const headers = { Origin: 'https://console.example', 'Access-Control-Request-Method': 'POST' };
    const preflight = await ask(gateway, 'OPTIONS', '/agents/tally/a/note', { headers });
    const refused = await ask(gateway, 'GET', '/agents/tally/nobody', { headers });

    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('Idempotency-Key');
    for (const { headers: got } of [preflight, refused])
      expect(got.get('access-control-allow-origin')).toBe('https://console.example');
  });

  test('get nothing when it is not', async () => {
    const headers = { Origin: 'https://evil.example' };
    for (const method of ['OPTIONS', 'GET'])
      expect(
        (await ask(gateway, method, '/agents', { headers })).headers.get('access-control-allow-origin'),
      ).toBeNull();
  });
});

describe('a deployment as a whole', () => {
  test('is counted: who sleeps, who is at work, what woke agents, what was given up', async () => {
    await note('counted', 'one');
    await sleep('counted');
    await eventually(async () => (await ask(gateway, 'GET', '/overview')).body).toMatchObject({
      deployment: { prefix: 'wakebus', shards: 1 },
      agents: { byType: { tally: { asleep: expect.any(Number) } }, needing: [], isCut: false },
      wakes: { wakes: { event: expect.any(Number) }, turnMs: { p50: expect.any(Number) } },
      nodes: [{ state: 'active', types: { tally: 1 } }],
      deadLetters: { count: 0 },
    });
  });

  test('has its streams, with their fill', async () => {
    const { body } = await ask(gateway, 'GET', '/nodes');

    expect(body['streams']).toContainEqual(
      expect.objectContaining({ stream: 'wakebus_history', messages: expect.any(Number), replicas: 1 }),
    );
    expect(body['nodes']).toHaveLength(1);
  });

  test('shows the newest commits, and entries of the audit, where that is asked for', async () => {
    for (const text of ['x', 'y', 'z']) await note('newest', text);
    await eventually(
      async () => (await ask(gateway, 'GET', '/agents/tally/newest/history')).body['commits'],
    ).toHaveLength(3);
    const { body } = await ask(gateway, 'GET', '/agents/tally/newest/history?last=2');
    await ask(gateway, 'POST', '/agents/tally/newest/control/suspend', { body: { reason: 'first' } });
    await ask(gateway, 'POST', '/agents/tally/newest/control/release', { body: { reason: 'second' } });
    const { body: audited } = await ask(gateway, 'GET', '/audit?last=1');

    expect(body['commits']).toMatchObject([{ events: [{ id: 'y' }] }, { events: [{ id: 'z' }] }]);
    expect(audited['entries']).toMatchObject([{ action: 'release', outcome: 'done', reason: 'second' }]);
    expect((await ask(gateway, 'GET', '/history?last=0')).body['code']).toBe('INVALID_OPTION');
  });

  test('has agents listed with what waits for each, statecharts, tasks, channels, incidents, and the caller', async () => {
    await note('whole', 'one');

    expect((await ask(gateway, 'GET', '/agents?waiting')).body['agents']).toContainEqual(
      expect.objectContaining({ address: 'tally/whole', waiting: 0, last: expect.objectContaining({ type: 'note' }) }),
    );
    expect((await ask(gateway, 'GET', '/types/tally/chart')).body).toMatchObject({
      version: 1,
      nodes: { '': { kind: 'compound', initial: 'open' }, closed: { kind: 'final' } },
    });
    expect((await ask(gateway, 'GET', '/types/none/chart')).status).toBe(404);
    expect((await ask(gateway, 'GET', '/agents/tally/whole/task')).body).toMatchObject({ currentSteps: ['open'] });
    expect((await ask(gateway, 'GET', '/channels')).body).toEqual({ channels: [] });
    expect((await ask(gateway, 'GET', '/incidents?last=5')).body).toMatchObject({ incidents: expect.any(Array) });
    expect((await ask(gateway, 'GET', '/incidents?kind=none')).body['code']).toBe('INVALID_OPTION');
    expect((await ask(gateway, 'GET', '/whoami')).body).toMatchObject({ id: 'everyone', target: '*' });
  });

  test('is for tokens of all agents; others see what is theirs', async () => {
    const guarded = await world.serve();
    const headers = { Authorization: `Bearer ${await world.token({ target: 'tally/*', verbs: ['read'] })}` };
    const statuses = await Promise.all(
      [
        '/overview',
        '/nodes',
        '/channels',
        '/timers',
        '/incidents?agent=*',
        '/timers?type=tally',
        '/types/tally/chart',
      ].map(async (path) => (await ask(guarded, 'GET', path, { headers })).status),
    );

    expect(statuses).toEqual([403, 403, 403, 200, 403, 200, 200]);
  });
});

test('the backlog is what waits for a pool, over all partitions, until it is done', async () => {
  const backlog = async (pool: string): Promise<unknown> => (await ask(gateway, 'GET', `/backlog?pool=${pool}`)).body;
  expect(await backlog('nobody')).toEqual({ pool: 'nobody', messages: 0 });
  expect((await ask(gateway, 'GET', '/backlog?pool=a.b')).status).toBe(400);
  const ids = Array.from({ length: 40 }, (_, i) => `queued-${i}`);
  await world.stopNodes();
  await Promise.all(ids.map((id) => world.client.agent('tally', id).send({ type: 'note', text: id })));
  expect(await backlog('default')).toEqual({ pool: 'default', messages: 40 });

  await world.startNode();

  await eventually(async () => (await ask(gateway, 'GET', '/backlog')).body).toEqual({ pool: 'default', messages: 0 });
});

test('a token for some agents does not see what waits for all', async () => {
  const closed = await world.serve();
  const headers = { Authorization: `Bearer ${await world.token({ target: 'tally/*', verbs: ['read'] })}` };

  expect((await ask(closed, 'GET', '/backlog', { headers })).status).toBe(403);
});
