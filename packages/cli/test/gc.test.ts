/** `wakebus gc`: what it says, and what it refuses. What is collected is tested with the runtime. */
import { runCli } from '@wakebus/cli';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import { connectNats, createDeployment, natsPorts } from '@wakebus/placement-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FakeIo, fakeIo } from './fake-io.ts';

let server: NatsServers;

beforeAll(async () => {
  server = await startNatsServer();
  const connection = await connectNats({ servers: server.url });
  const { chunks } = natsPorts(connection, await createDeployment(connection));
  for (const content of ['one', 'two']) await chunks.put(Buffer.from(content));
  await connection.close();
});

afterAll(() => server.stop());

async function run(...argv: string[]): Promise<{ code: number; io: FakeIo }> {
  using io = fakeIo({ env: { WAKEBUS_SERVERS: server.url } });
  return { code: await runCli(argv, io), io };
}

test('says what it would collect, and what it has', async () => {
  const would = await run('gc', '--dry-run');
  const did = await run('gc', '--json', '--grace', '2h');

  expect(would.io.stdout).toBe('would collect 0 chunks, 0 B, of 2 chunks, 6 B (0 needed, 2 too young)\n');
  expect(JSON.parse(did.io.stdout)).toMatchObject({ kind: 'gc', dryRun: false, chunks: 2, young: 2, collected: 0 });
  expect([would.code, did.code]).toEqual([0, 0]);
});

test.each([['1s'], ['soon']])('refuses a grace of %s', async (grace) => {
  const { code, io } = await run('gc', '--grace', grace);

  expect(code).toBe(7);
  expect(io.stderr).toContain('INVALID_OPTION');
});
