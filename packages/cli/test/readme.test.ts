/** The agent in the README runs under `wakebus dev` as it stands there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@wakebus/client';
import { startNatsServer } from '@wakebus/nats-server';
import { connectNats } from '@wakebus/placement-node';
import { expect, test } from 'vitest';
import { DevSession } from '../src/dev/dev-session.ts';
import { devFolder } from './dev-folder.ts';

test('the README’s agent greets', async () => {
  const readme = readFileSync(join(import.meta.dirname, '..', 'README.md'), 'utf8');
  using folder = devFolder(/```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '');
  await using server = await startNatsServer();
  const serving = Promise.withResolvers<void>();
  const session = new DevSession(folder.file, server.url, undefined, {
    onServing: () => serving.resolve(),
    onRefused: (reason) => serving.reject(new Error(reason)),
    onEnded: () => {},
    onText: () => {},
  });
  void session.reload();
  await serving.promise;
  const connection = await connectNats({ servers: server.url });
  const client = await createClient(connection);

  const reply = await client.agent({ type: 'hello' }, 'ada').call({ type: 'greet', name: 'Ada' });

  expect(reply).toBe('Hello, Ada, for the 1. time');
  await session.stop();
  await connection.close();
});
