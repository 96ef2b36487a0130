import { type ServedGateway, createGateway, loopbackOnly } from '@wakebus/gateway';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rates } from '../src/rates.ts';
import { tally } from './tally-agent.ts';
import { type Answer, type World, ask, eventually, everyone, raw, startWorld } from './world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld();
  await world.startNode();
});

afterAll(() => world[Symbol.asyncDispose]());

function note(gateway: ServedGateway, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return ask(gateway, 'POST', path, { body: { text: 'x' }, headers });
}

describe('under overload', () => {
  test('waits beyond the limit are shed with Retry-After, other requests are not, and nothing accepted is dropped', async () => {
    const gateway = await world.serve({ authorize: everyone, limits: { waits: 2 } });
    const path = '/agents/unserved/busy/note?wait=2';
    const waiting = [note(gateway, path), note(gateway, path)];
    await eventually(async () => (await note(gateway, path)).status).toBe(503);

    const shed = await note(gateway, path);
    const accepted = await note(gateway, '/agents/tally/kept/note');
    const timedOut = await Promise.all(waiting);

    expect([shed.body['code'], shed.headers.get('retry-after')]).toEqual(['OVERLOADED', '2']);
    expect(accepted.status).toBe(202);
    expect(timedOut.map(({ status, body }) => [status, body['code']])).toEqual([
      [504, 'CALL_TIMEOUT'],
      [504, 'CALL_TIMEOUT'],
    ]);
    await eventually(async () => (await world.client.inspect(tally, 'kept'))?.context).toMatchObject({ notes: ['x'] });
    // Those two, and only those, wait for whoever will run them.
    await eventually(async () => (await note(gateway, '/agents/unserved/busy/note?wait=1')).status).toBe(504);
  });

  test('one token does not take all waits', async () => {
    const gateway = await world.serve({ limits: { waitsPerToken: 1 } });
    const [greedy, other] = [await world.token(), await world.token()];
    const path = '/agents/unserved/greedy/note?wait=2';
    const held = note(gateway, path, { Authorization: `Bearer ${greedy}` });
    await eventually(async () => (await note(gateway, path, { Authorization: `Bearer ${greedy}` })).status).toBe(503);

    expect((await note(gateway, '/agents/tally/g/tell?wait', { Authorization: `Bearer ${other}` })).status).toBe(200);
    expect((await held).status).toBe(504);
  });

  test('requests beyond the limit are shed', async () => {
    const gateway = await world.serve({ authorize: everyone, limits: { requests: 1 } });
    const held = note(gateway, '/agents/unserved/one/note?wait=2');

    await eventually(async () => (await ask(gateway, 'GET', '/agents')).body['code']).toBe('OVERLOADED');
    await held;
  });
});

describe('rates', () => {
  test('of a token, of a gateway’s own or as it was issued', async () => {
    const gateway = await world.serve();
    const token = await world.token({ perSecond: 0.2 });
    const free = await world.token();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        ask(gateway, 'GET', '/agents', { headers: { Authorization: `Bearer ${token}` } }),
      ),
    );

    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(4);
    expect(refused[0]?.body).toMatchObject({ code: 'RATE_LIMITED', next: 'retryable' });
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await ask(gateway, 'GET', '/agents', { headers: { Authorization: `Bearer ${free}` } })).status).toBe(200);
  });

  test('of an address, which a trusted proxy names', async () => {
    const gateway = await world.serve({ authorize: everyone, limits: { perAddress: 0.2 }, trustedProxies: 1 });
    const from = (address: string): Promise<Answer> =>
      ask(gateway, 'GET', '/agents', { headers: { 'X-Forwarded-For': `6.6.6.6, ${address}` } });
    const answers = await Promise.all(Array.from({ length: 8 }, () => from('10.0.0.1')));

    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(4);
    expect((await from('10.0.0.2')).status).toBe(200);
  });

  test('of guesses: an address that guesses tokens is no longer listened to', async () => {
    const gateway = await world.serve({ limits: { failuresPerAddress: 3 } });
    const guess = (): Promise<Answer> => ask(gateway, 'GET', '/agents', { headers: { Authorization: 'Bearer guess' } });

    await eventually(async () =>
      (await Promise.all(Array.from({ length: 8 }, guess))).map(({ status }) => status),
    ).toContain(429);

    const good = { headers: { Authorization: `Bearer ${await world.token()}` } };
    await eventually(async () => (await ask(gateway, 'GET', '/agents', good)).status).toBe(200);
  });

  test('let a second’s worth come at once, then as many as the rate, and forget nobody', () => {
    let nowMs = 0;
    const rates = new Rates(10, () => nowMs);
    const passes = (name: string): boolean => {
      try {
        rates.count(name, name);
        return true;
      } catch {
        return false;
      }
    };

    expect(Array.from({ length: 15 }, () => passes('a')).filter(Boolean)).toHaveLength(10);
    nowMs += 500;
    expect(Array.from({ length: 15 }, () => passes('a')).filter(Boolean)).toHaveLength(5);
    expect(passes('b')).toBe(true);
  });
});

describe('slow and oversized clients', () => {
  test('a body that drips is cut off, and nothing of it is stored', async () => {
    const gateway = await world.serve({ authorize: everyone, limits: { arrivalMs: 300 } });

    const answer = await raw(
      gateway,
      'POST /agents/tally/slow/note HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{"text"',
    );

    expect(answer).toMatch(/^HTTP\/1.1 408/);
    expect(await world.client.inspect(tally, 'slow')).toBeUndefined();
  });

  test('headers that drip are cut off', async () => {
    const gateway = await world.serve({ authorize: everyone, limits: { arrivalMs: 300 } });

    expect(await raw(gateway, 'GET /agents HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ')).toMatch(/^HTTP\/1.1 408/);
  });

  test('headers that are too large are refused', async () => {
    const gateway = await world.serve({ authorize: everyone, limits: { headerBytes: 2_048 } });
    const big = 'x'.repeat(4_000);

    expect(await raw(gateway, `GET /agents HTTP/1.1\r\nHost: a\r\nX-Big: ${big}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431/);
  });
});

describe('without tokens', () => {
  test('everything may be done from loopback, and only by this machine’s own programs', async () => {
    const gateway = await world.serve({ authorize: loopbackOnly });
    const { port } = new URL(gateway.url);
    const get = (host: string, more = ''): Promise<string> =>
      raw(gateway, `GET /agents HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${more}\r\n`);

    expect((await note(gateway, '/agents/tally/dev/note?wait')).status).toBe(200);
    expect(await get(`localhost:${port}`)).toMatch(/^HTTP\/1.1 200/);
    expect(await get(`rebound.example:${port}`)).toMatch(/^HTTP\/1.1 403/);
    expect(await get(`127.0.0.1:${port}`, 'Origin: https://evil.example\r\n')).toMatch(/^HTTP\/1.1 403/);
    expect(await get(`127.0.0.1:${port}`, 'Origin: http://localhost:5173\r\n')).toMatch(/^HTTP\/1.1 200/);
  });

  test('a gateway does not listen elsewhere', async () => {
    await expect(world.serve({ authorize: loopbackOnly, hostname: '0.0.0.0' })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  });
});

test('mounted in a server of one’s own, without Node.js’s, it does the same', async () => {
  const gateway = await createGateway({ connection: world.connection, authorize: everyone });
  const app = new Hono().mount('/bus', gateway.fetch);
  const post = (path: string, body: string): Response | Promise<Response> =>
    app.request(path, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } });

  const sent = await post('/bus/agents/tally/mounted/note?wait', '{"text":"x"}');
  const tooLarge = await post('/bus/agents/tally/mounted/note', JSON.stringify('x'.repeat(300_000)));
  gateway.close();

  expect([sent.status, await sent.json()]).toEqual([200, { notes: 1 }]);
  expect(tooLarge.status).toBe(413);
  expect((await app.request('/bus/ready')).status).toBe(503);
});

test('a gateway that ends answers what is under way', async () => {
  const gateway = await world.serve({ authorize: everyone });
  const waiting = note(gateway, '/agents/tally/last/note?wait');
  await eventually(() => world.client.inspect(tally, 'last')).toBeDefined();

  await gateway.close();

  expect((await waiting).status).toBe(200);
  await expect(ask(gateway, 'GET', '/health')).rejects.toThrow();
});

test.each([{ nonsense: 1 }, { waits: 0 }, { waits: Number.NaN }])('the limits %o are refused', async (limits) => {
  await expect(createGateway({ connection: world.connection, limits })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
  });
});
