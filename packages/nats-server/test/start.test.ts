import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterEach, expect, test, vi } from 'vitest';
import { type NatsServers, startNatsServer } from '../src/mod.ts';
import { lives, nothingIsLeft, temporaryFolder } from './machine.ts';

const started: NatsServers[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((servers) => servers.stop()));
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

async function start(options?: Parameters<typeof startNatsServer>[0]): Promise<NatsServers> {
  const servers = await startNatsServer(options);
  started.push(servers);
  return servers;
}

async function newFolder(): Promise<string> {
  const folder = await temporaryFolder();
  folders.push(folder);
  return folder;
}

/** Adds a stream and a message to it. */
async function store(servers: NatsServers, replicas = 1): Promise<void> {
  const nc = await connect({ servers: [...servers.urls] });
  const manager = await jetstreamManager(nc);
  await manager.streams.add({ name: 'KEPT', subjects: ['kept.>'], num_replicas: replicas });
  await jetstream(nc).publish('kept.one', 'hello');
  await nc.close();
}

async function storedMessages(servers: NatsServers): Promise<number> {
  const nc = await connect({ servers: [...servers.urls] });
  const manager = await jetstreamManager(nc);
  const { state } = await manager.streams.info('KEPT');
  await nc.close();
  return state.messages;
}

test('a server takes JetStream messages as soon as it is said to be started', async () => {
  const servers = await start();

  await store(servers);

  expect(await storedMessages(servers)).toBe(1);
});

test('a cluster of three stores three replicas as soon as it is said to be started', async () => {
  const servers = await start({ cluster: true });

  await store(servers, 3);

  expect(servers.servers.map((server) => server.name)).toEqual(['n1', 'n2', 'n3']);
  expect(new Set(servers.urls).size).toBe(3);
  expect(await storedMessages(servers)).toBe(1);
});

test('stop leaves neither a process nor a folder', async () => {
  const servers = await start({ cluster: true });
  const { pids, storeDir } = servers;

  await servers.stop();

  expect(nothingIsLeft(pids, dirname(storeDir))).toBe(true);
});

test('stop can be called twice, and on a frozen server', async () => {
  const servers = await start();
  const { pids, storeDir } = servers;
  await servers.servers[0]?.kill('SIGSTOP');

  await servers.stop();
  await servers.stop();

  expect(nothingIsLeft(pids, dirname(storeDir))).toBe(true);
});

test.each(['SIGTERM', 'SIGKILL'] as const)('a restart after %s keeps the URL and the data', async (signal) => {
  const servers = await start({ syncInterval: 'always' });
  const { url, pids } = servers;
  await store(servers);

  await servers.servers[0]?.restart({ signal });

  expect(servers.url).toBe(url);
  expect(servers.pids).not.toEqual(pids);
  expect(await storedMessages(servers)).toBe(1);
});

test('a killed server of a cluster comes back while the others carry on', async () => {
  const servers = await start({ cluster: true });
  const [first, second] = servers.servers;
  await store(servers, 3);

  await first?.kill();
  expect(lives(second?.pid ?? 0)).toBe(true);
  await first?.restart();

  // A stream without its leader elects another one in 4 to 9 s, and answers nobody until then.
  await vi.waitUntil(() => storedMessages(servers).catch(() => 0), { timeout: 25_000, interval: 100 });
});

test('a store folder that was given is kept, and a later server finds its data there', async () => {
  const storeDir = await newFolder();
  const first = await start({ storeDir });
  await store(first);

  await first.stop();

  expect(existsSync(storeDir)).toBe(true);
  expect(await storedMessages(await start({ storeDir }))).toBe(1);
});

test('a server listens where it is told to, with the limits it is given', async () => {
  const { url } = await start();
  await started.pop()?.stop();
  const port = Number(new URL(url).port);

  const servers = await start({ port, maxPayloadBytes: 4096, config: 'max_subscriptions: 7' });
  const nc = await connect({ servers: servers.url });

  expect(servers.url).toBe(url);
  expect(nc.info?.max_payload).toBe(4096);
  await nc.close();
});

test('a port that is taken is refused with what the server says of it', async () => {
  const { url } = await start();

  const second = startNatsServer({ port: Number(new URL(url).port) });

  await expect(second).rejects.toMatchObject({
    code: 'SERVER_START_FAILED',
    message: expect.stringContaining('address already in use'),
  });
});

test('a configuration that the server does not understand is refused with what the server says of it', async () => {
  const servers = startNatsServer({ config: 'no_such_setting: 1' });

  await expect(servers).rejects.toMatchObject({
    code: 'SERVER_START_FAILED',
    message: expect.stringContaining('no_such_setting'),
  });
});

test('a server that is not ready in time is ended and reported', async () => {
  const folder = await newFolder();
  const pidPath = join(folder, 'pid');
  const binary = join(folder, 'nats-server');
  await writeFile(
    binary,
    `#!/bin/sh\n[ "$1" = --version ] && echo v99.0.0 && exit\necho $$ > ${pidPath}\nexec sleep 60\n`,
    { mode: 0o755 },
  );

  const servers = startNatsServer({ binary, startTimeoutMs: 200 });

  await expect(servers).rejects.toMatchObject({
    code: 'SERVER_START_TIMEOUT',
    message: expect.stringContaining('200 ms'),
  });
});
