/**
 * A real S3-compatible server for tests: moto's, from `$MOTO_SERVER` or the PATH (`apt-get install python3-moto`, or
 * `pip install 'moto[server]'`). Where there is none, whoever needs it is skipped, and says so.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { vi } from 'vitest';

const program = process.env['MOTO_SERVER'] ?? 'moto_server';

/** Whether there is one on this machine. */
export const hasMoto: boolean = spawnSync(program, ['--help'], { stdio: 'ignore' }).status === 0;

export interface Moto {
  readonly client: S3ClientConfig;
  makeBucket(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server of its own on a free port. */
export async function startMoto(): Promise<Moto> {
  const port = await freePort();
  const server = spawn(program, ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  const client: S3ClientConfig = {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
  const operator = new S3Client(client);
  await vi.waitUntil(() => answers(`http://127.0.0.1:${port}/moto-api/`), { timeout: 30_000, interval: 100 });
  return {
    client,
    makeBucket: async (name) => void (await operator.send(new CreateBucketCommand({ Bucket: name }))),
    stop: async () => {
      operator.destroy();
      await ended(server);
    },
  };
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function ended(server: ChildProcess): Promise<void> {
  const exit = once(server, 'exit');
  server.kill();
  await exit;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (typeof address !== 'object' || address === null) throw new Error('no port is free');
  return address.port;
}
