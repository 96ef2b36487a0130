/** A placement node whose agents keep large states in a folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@wakebus/client';
import { defineAgent, reply } from '@wakebus/core';
import { startNatsServer } from '@wakebus/nats-server';
import { connectNats, startPlacementNode } from '@wakebus/placement-node';
import { expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { FolderBlobStore } from '../src/mod.ts';

const machine = setup({
  types: { context: {} as { text: string }, events: {} as { type: 'grow'; bytes: number } | { type: 'measure' } },
}).createMachine({
  context: { text: '' },
  on: {
    grow: { actions: assign({ text: ({ event }) => 'x'.repeat(event.bytes) }) },
    measure: { actions: reply(({ context }) => context.text.length) },
  },
});
const agents = [defineAgent({ type: 'big', machine, sleep: { afterMs: 10 } })];

test('a large state sleeps in the folder and is back; a node that would look elsewhere is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wakebus-chunks-'));
  const server = await startNatsServer();
  const connection = await connectNats({ servers: server.url });
  const objects = await FolderBlobStore.open(folder);
  const node = await startPlacementNode({ connection, objects, agents });
  const client = await createClient(connection);

  await client.agent('big', 'ada').call({ type: 'grow', bytes: 900_000 });
  await expect.poll(() => node.status().sessions).toBe(0);
  const chunks: string[] = [];
  for await (const { hash } of objects.list()) chunks.push(hash);

  expect(chunks.length).toBeGreaterThan(0);
  expect(await client.agent('big', 'ada').call({ type: 'measure' })).toBe(900_000);
  await expect(startPlacementNode({ connection, agents })).rejects.toMatchObject({ code: 'OBJECTS_ELSEWHERE' });
  await node.drain();
  await connection.close();
  await server.stop();
  await rm(folder, { recursive: true });
});
