import { expect, test } from 'vitest';
import { NodeHealthServer } from '../src/node/node-health.ts';

test('a node is ready while it can do its work, and until it drains; its process lives all the while', async () => {
  let health = { ok: true, problems: [] as Array<{ code: 'LEASE_LOST'; message: string; sinceMs: number }> };
  const draining = new AbortController();
  await using server = await NodeHealthServer.start(
    { health: () => health },
    { host: '127.0.0.1', port: 0 },
    draining.signal,
  );
  const ask = async (path: string): Promise<[number, unknown]> => {
    const response = await fetch(server.url + path);
    return [response.status, await response.json()];
  };
  expect(await ask('/ready')).toEqual([200, { status: 'ready', problems: [] }]);

  health = { ok: false, problems: [{ code: 'LEASE_LOST', message: 'look at the server', sinceMs: 1 }] };
  expect(await ask('/ready')).toEqual([503, { status: 'not ready', problems: health.problems }]);
  health = { ok: true, problems: [] };
  draining.abort();

  expect(await ask('/ready')).toEqual([503, { status: 'draining' }]);
  expect((await ask('/health'))[0]).toBe(200);
});

test('a port that is taken is said to be', async () => {
  const health = { health: () => ({ ok: true, problems: [] }) };
  const { signal } = new AbortController();
  await using first = await NodeHealthServer.start(health, { host: '127.0.0.1', port: 0 }, signal);

  await expect(
    NodeHealthServer.start(health, { host: '127.0.0.1', port: Number(new URL(first.url).port) }, signal),
  ).rejects.toMatchObject({ code: 'INVALID_OPTION', message: expect.stringContaining('EADDRINUSE') });
});
