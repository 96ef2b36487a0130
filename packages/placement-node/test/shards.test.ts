/** A deployment of several shards, as a plain publisher meets it: at the front door. */
import { jetstream } from '@nats-io/jetstream';
import { describe, expect, test } from 'vitest';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';

const deploy = useServer();
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

/** Publishes an event as any NATS client would, acknowledged by the front door. */
async function knock(bus: TestDeployment, id: string, item: unknown): Promise<void> {
  const subject = bus.layout.agentSubject(bus.list(id).key, 'add');
  const { stream } = await jetstream(bus.connection).publish(subject, JSON.stringify({ item }));
  expect(stream).toBe(bus.layout.frontDoorStream);
}

async function shardsDrained(bus: TestDeployment): Promise<void> {
  await eventually(async () => {
    for (const shard of [0, 1]) expect(await bus.count(bus.layout.inboxStream(shard))).toBe(0);
  });
}

test('events at the front door reach their agents in order and once, whatever becomes of the server', async () => {
  const bus = await deploy({ shards: 2 });
  await bus.startNode();
  for (const item of upTo(10)) for (const id of ['a', 'b', 'c', 'd']) await knock(bus, id, item);
  await eventually(async () => expect(await bus.items('d')).toHaveLength(10));
  await shardsDrained(bus);

  await bus.server.servers[0]?.restart({ signal: 'SIGKILL' });
  for (const id of ['a', 'b', 'c', 'd']) await eventually(() => knock(bus, id, 11));

  for (const id of ['a', 'b', 'c', 'd']) await eventually(async () => expect((await bus.items(id)).at(-1)).toBe(11));
  for (const id of ['a', 'b', 'c', 'd']) expect((await bus.items(id)).slice(0, 11)).toEqual(upTo(11));
});

describe('what names no agent', () => {
  test('ends in the dead letters, whether the front door could place it or not', async () => {
    const bus = await deploy({ shards: 2 });
    await bus.startNode();
    const root = bus.layout.agentsFilter.replace('*.*.>', '');
    const unmapped = [`${root}list.*.add`, `${root}list.>.add`, `${root}*.a.add`, `${root}>.a.add`];
    const unescaped = upTo(8).map((i) => `${root}list.=zz${i}.add`);

    for (const subject of [...unmapped, ...unescaped]) await jetstream(bus.connection).publish(subject, '{}');

    await eventually(async () => expect(await bus.deadLetters()).toHaveLength(unmapped.length + unescaped.length));
    const letters = await bus.deadLetters();
    expect(new Set(letters.map(({ code }) => code))).toEqual(new Set(['INVALID_ADDRESS']));
    expect(letters.map(({ subject }) => subject)).toEqual(expect.arrayContaining(unmapped));
    await shardsDrained(bus);
    for (const id of ['a', 'b', 'c', 'd']) expect(await bus.list(id).call({ type: 'add', item: id })).toBe(1);
  });
});
