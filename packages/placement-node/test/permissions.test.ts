/** The rights that PROTOCOL.md gives to outsiders are enough for them, and no more than enough. */
import { createClient } from '@wakebus/client';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import { encode } from '@wakebus/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PlacementNode, connectNats, startPlacementNode } from '../src/mod.ts';
import { listAgent } from './support/agents.ts';

const config = `
accounts {
  A: {
    jetstream: enabled
    users: [
      { user: node, password: node }
      {
        user: outsider, password: outsider
        permissions: {
          publish: ["agents.>", "$JS.API.STREAM.INFO.*", "$JS.API.DIRECT.GET.>"]
          subscribe: ["_INBOX.>"]
        }
      }
    ]
  }
}`;

let server: NatsServers;
let inside: Awaited<ReturnType<typeof connectNats>>;
let outside: Awaited<ReturnType<typeof connectNats>>;
let node: PlacementNode;

beforeAll(async () => {
  server = await startNatsServer({ config });
  [inside, outside] = (await Promise.all(
    ['node', 'outsider'].map((user) => connectNats({ servers: server.url, user, pass: user })),
  )) as [typeof inside, typeof outside];
  node = await startPlacementNode({ connection: inside, agents: [listAgent()] });
});

afterAll(async () => {
  node.close();
  await Promise.all([inside.close(), outside.close()]);
  await server.stop();
});

test('an outsider sends, calls and inspects', async () => {
  const client = await createClient(outside);
  const ada = client.agent('list', 'ada');

  await ada.send({ type: 'add', item: 1 });

  expect(await ada.call({ type: 'add', item: 2 })).toBe(2);
  expect((await client.inspect('list/ada'))?.context).toMatchObject({ items: [1, 2] });
});

test('an outsider can forge no sender, timer, control, record or lease', async () => {
  const client = await createClient(inside);
  const bob = client.agent('list', 'bob');
  await bob.call({ type: 'add', item: 1 });
  const { layout } = client;
  await expect.poll(async () => (await client.inspect('list/bob'))?.waiting).toBe(0);
  const before = await client.inspect('list/bob');
  const forged = encode({ v: 1, verb: 'remove', id: 'x', generation: 1, dueMs: 0, event: { type: 'add' } });
  const subjects = [
    ...(['message', 'timer', 'control'] as const).map((kind) => layout.runtimeSubject(bob.key, kind)),
    layout.fireSubject(bob.key),
    layout.nodeSubject(node.nodeId, 'release'),
    layout.beatSubject,
    `$KV.${layout.agentsBucket}.${bob.key}`,
    `$KV.${layout.leasesBucket}.${node.nodeId}`,
  ];
  const refused = new Set<string>();
  const watching = (async () => {
    for await (const status of outside.status())
      if (status.type === 'error') refused.add((status.error as { subject?: string }).subject ?? '');
  })();

  for (const subject of subjects) outside.publish(subject, forged);

  await expect.poll(() => [...refused].toSorted()).toEqual(subjects.toSorted());
  expect(await client.inspect('list/bob')).toEqual(before);
  expect(await bob.call({ type: 'add', item: 2 })).toBe(2);
  await outside.close();
  await watching;
});
