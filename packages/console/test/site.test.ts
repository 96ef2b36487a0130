/** The files of the console: small, found by their names only, and under a policy that lets nothing else in. */
import { gzipSync } from 'node:zlib';
import { consoleFiles } from '@wakebus/console';
import { type ServedGateway, createGateway, serveGateway } from '@wakebus/gateway';
import { startNatsServer } from '@wakebus/nats-server';
import { connectNats, createDeployment } from '@wakebus/placement-node';
import { afterAll, beforeAll, expect, test } from 'vitest';

const MOST_BYTES = 80_000;

let gateway: ServedGateway;
const ends: Array<() => unknown> = [];

beforeAll(async () => {
  const server = await startNatsServer();
  const connection = await connectNats({ servers: server.url });
  await createDeployment(connection);
  gateway = await serveGateway({ connection, console: consoleFiles() });
  ends.push(
    () => gateway.close(),
    () => connection.close(),
    () => server.stop(),
  );
});

afterAll(async () => {
  for (const end of ends) await end();
});

async function paths(): Promise<string[]> {
  const html = await (await fetch(`${gateway.url}/console/`)).text();
  return [...html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, path = '']) => path);
}

test('all that a browser loads has at most 80 KB, compressed', async () => {
  const found = await paths();
  const sizes = await Promise.all(
    ['', ...found].map(async (path) => gzipSync(await (await fetch(`${gateway.url}/console/${path}`)).bytes()).length),
  );

  expect(found.length).toBeGreaterThanOrEqual(3);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MOST_BYTES);
});

test('it is served without a token, compressed, under a strict policy, and what has its hash in its name is kept', async () => {
  const page = await fetch(`${gateway.url}/console/`);
  const script = (await paths()).find((path) => path.endsWith('.js')) ?? '';
  const asset = await fetch(`${gateway.url}/console/${script}`, { headers: { 'Accept-Encoding': 'gzip' } });

  expect([page.status, page.headers.get('cache-control')]).toEqual([200, 'no-cache']);
  expect(page.headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; script-src 'self'; style-src 'self'; .*frame-ancestors 'none'; require-trusted-types-for 'script'/,
  );
  expect(asset.headers.get('content-encoding')).toBe('gzip');
  expect(asset.headers.get('cache-control')).toContain('immutable');
});

test.each(['nothing.js', '../package.json', '..%2f..%2fpackage.json', 'assets/', 'assets/../index.html%00'])(
  'nothing is found at %s',
  async (path) => {
    const answer = await fetch(
      `${gateway.url}/console/`.replace('/console/', `/console/${path.replaceAll('..', '%2e%2e')}`),
    );

    expect(answer.status).toBe(404);
  },
);

test('without a slash at its end the address leads to the page; a gateway without a console has none', async () => {
  const moved = await fetch(`${gateway.url}/console`, { redirect: 'manual' });
  await using bare = await (async () => {
    const server = await startNatsServer();
    const connection = await connectNats({ servers: server.url });
    await createDeployment(connection);
    const without = await createGateway({ connection });
    return {
      without,
      [Symbol.asyncDispose]: async () => {
        without.close();
        await connection.close();
        await server.stop();
      },
    };
  })();

  expect([moved.status, moved.headers.get('location')]).toEqual([308, 'console/']);
  expect((await bare.without.fetch(new Request('http://127.0.0.1/console/'))).status).toBe(404);
});
