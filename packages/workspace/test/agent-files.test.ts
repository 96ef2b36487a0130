/** Agents with files on real placement nodes, in two places. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient } from '@wakebus/client';
import { startNatsServer } from '@wakebus/nats-server';
import { type PlacementNode, connectNats, natsPorts, readLayout, startPlacementNode } from '@wakebus/placement-node';
import { type AgentKey, chunksOf, decodeRecord } from '@wakebus/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { folderWorkspaces } from '../src/mod.ts';
import { clerk } from './agents.ts';

let folder: string;
let server: Awaited<ReturnType<typeof startNatsServer>>;
let connection: Awaited<ReturnType<typeof connectNats>>;
let client: Client;
let nodes = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wakebus-agents-'));
  server = await startNatsServer();
  connection = await connectNats({ servers: server.url });
  const first = await startNode();
  await first.drain();
  client = await createClient(connection);
}, 60_000);

afterAll(async () => {
  await connection.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

function startNode(): Promise<PlacementNode> {
  nodes += 1;
  const workspaces = folderWorkspaces(join(folder, `node-${nodes}`));
  return startPlacementNode({ connection, agents: [clerk()], workspaces });
}

interface Told {
  readonly written: readonly string[];
  readonly seen: readonly string[];
  readonly failed: number;
}

async function told(id: string): Promise<Told> {
  return client.agent('clerk', id).call<Told>({ type: 'tell' });
}

async function write(id: string, text: string): Promise<void> {
  const before = await told(id);
  await client.agent('clerk', id).send({ type: 'write', text });
  await expect
    .poll(async () => (await told(id)).written.length + (await told(id)).failed)
    .toBe(before.written.length + before.failed + 1);
}

/** What the files hold, as an effect finds them. */
async function look(id: string): Promise<readonly string[]> {
  const { written } = await told(id);
  await client.agent('clerk', id).send({ type: 'look' });
  await expect.poll(async () => (await told(id)).seen.length).toBe(written.length);
  return (await told(id)).seen;
}

async function recordOf(id: string) {
  const ports = natsPorts(connection, await readLayout(connection));
  const key = `clerk.${id}` as AgentKey;
  const { bytes } = await ports.agents.getFresh(key);
  if (bytes === undefined) throw new Error(`there is no ${key}`);
  return { ports, record: decodeRecord(key, bytes) };
}

test('files and state are one: what is done is there on the next machine, and what failed is nowhere', async () => {
  const here = await startNode();
  await write('ada', 'one');
  await write('ada', 'fail');
  await write('ada', 'two');
  const there = await startNode();
  await here.drain();

  expect(await look('ada')).toEqual(['one', 'two']);
  expect(await told('ada')).toMatchObject({ written: ['one', 'two'], failed: 1 });
  await there.drain();
});

test('agents share no file', async () => {
  const node = await startNode();
  await write('bob', 'of bob');
  await write('eve', 'of eve');

  expect(await look('bob')).toEqual(['of bob']);
  expect(await look('eve')).toEqual(['of eve']);
  await node.drain();
});

test('an agent whose manifest is gone stands still, with a typed reason, and begins nothing anew', async () => {
  const node = await startNode();
  await write('dan', 'one');
  await node.drain();
  const { ports, record } = await recordOf('dan');
  const [manifest = ''] = chunksOf(record);
  for await (const chunk of ports.chunks.list()) if (chunk.hash === manifest) await ports.chunks.remove(chunk);
  const next = await startNode();
  await client.agent('clerk', 'dan').send({ type: 'look' });

  await expect
    .poll(async () => (await recordOf('dan')).record.lifecycle, { timeout: 30_000 })
    .toMatchObject({ name: 'quarantined', code: 'CHUNK_MISSING' });
  expect((await recordOf('dan')).record.workspace).toEqual(record.workspace);
  await next.drain();
}, 60_000);

test('a type with a workspace needs a node that has folders, and an effect with one such a type', async () => {
  await expect(startPlacementNode({ connection, agents: [clerk()] })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    facts: { option: 'workspaces' },
  });
});
