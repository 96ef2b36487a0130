import { startNatsServer } from '@wakebus/nats-server';
import { expect, test } from 'vitest';
import { connectNats } from '../../src/nats/mod.ts';

test('says which servers do not answer', async () => {
  await expect(connectNats({ servers: ['127.0.0.1:1', '127.0.0.1:2'] })).rejects.toMatchObject({
    code: 'NOT_CONNECTED',
    facts: { servers: '127.0.0.1:1, 127.0.0.1:2' },
  });
});

test('connects under a name, and comes back after the server was away', async () => {
  await using server = await startNatsServer();
  const connection = await connectNats({ servers: server.url, name: 'test' });
  const statuses: string[] = [];
  void (async () => {
    for await (const { type } of connection.status()) statuses.push(type);
  })();
  await server.servers[0]?.restart({ signal: 'SIGKILL' });
  await expect.poll(() => statuses, { timeout: 10_000 }).toContain('reconnect');
  await connection.flush();
  await connection.close();
});
