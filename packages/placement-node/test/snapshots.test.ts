/** Kept snapshots: by call and by themselves, of agents that sleep, and what collecting leaves of them. */
import type { SnapshotOptions } from '@wakebus/core';
import { type AgentRecord, chunksOf, decodeRecord, namesOf } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import { collectChunks } from '../src/objects/collect.ts';
import { Link } from '../src/nats/link.ts';
import { NatsBlobStore } from '../src/nats/nats-blob-store.ts';
import { natsPorts } from '../src/mod.ts';
import { listAgent } from './support/agents.ts';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';

const deploy = useServer();

async function started(snapshots?: SnapshotOptions, more: object = {}): Promise<TestDeployment> {
  const bus = await deploy();
  await bus.startNode({ agents: [listAgent({ ...(snapshots !== undefined && { snapshots }), ...more })] });
  return bus;
}

async function addAll(bus: TestDeployment, items: readonly unknown[]): Promise<void> {
  for (const item of items) await bus.list('a').call({ type: 'add', item });
}

/** Snapshots of `list/a` in short. */
async function kept(bus: TestDeployment): Promise<string[]> {
  return (await bus.client.snapshots.list('list/a')).map(({ id, cause }) => `${id} ${cause}`);
}

describe('a snapshot by call', () => {
  test('is the agent as it is, wakes nobody, and is told from what came later', async () => {
    const bus = await started();
    await addAll(bus, ['one']);
    await bus.stopNodes();

    const taken = await bus.client.snapshots.take('list/a', { label: 'before the fair', by: 'ada', reason: 'to try' });
    await bus.startNode();
    await addAll(bus, ['two']);

    expect(taken).toMatchObject({ id: '1-1', cause: 'call', label: 'before the fair', by: 'ada', turns: 1 });
    expect((await bus.client.snapshots.get('list/a', '1-1')).agent.context).toMatchObject({ items: ['one'] });
    expect(await bus.client.snapshots.diff('list/a', '1-1')).toEqual(
      expect.arrayContaining([{ at: '/context/items/1', after: 'two' }]),
    );
    const { entries } = await bus.client.audit({ target: 'list/a' });
    expect(entries.map(({ action, outcome, by, reason }) => [action, outcome, by, reason])).toEqual([
      ['snapshot', 'asked', 'ada', 'to try'],
      ['snapshot', 'done', 'ada', 'to try'],
    ]);
  });

  test('of the same point is one, and keeps its label', async () => {
    const bus = await started();
    await addAll(bus, ['one']);

    await bus.client.snapshots.take('list/a', { label: 'first' });
    await bus.client.snapshots.take('list/a');

    expect(await bus.client.snapshots.list('list/a')).toMatchObject([{ id: '1-1', label: 'first' }]);
  });

  test('is gone for good when it is removed, and a name that is none is not found', async () => {
    const bus = await started();
    await addAll(bus, ['one']);
    const { id } = await bus.client.snapshots.take('list/a');

    await bus.client.snapshots.remove('list/a', id);

    expect(await kept(bus)).toEqual([]);
    for (const name of [id, '*', 'a.b', ''])
      await expect(bus.client.snapshots.get('list/a', name)).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' });
    await expect(bus.client.snapshots.take('list/nobody')).rejects.toMatchObject({ code: 'AGENT_NOT_FOUND' });
  });
});

describe('an agent type', () => {
  test('keeps snapshots after so many turns, the newest of them, and what operators keep beside them', async () => {
    const bus = await started({ everyTurns: 2, keep: { count: 2 } });
    await addAll(bus, [1, 2]);
    await bus.client.snapshots.take('list/a');

    await addAll(bus, [3, 4, 5, 6, 7]);

    await eventually(async () => expect(await kept(bus)).toEqual(['1-2 call', '1-4-auto turns', '1-6-auto turns']));
  });

  test('keeps one with the first turn of a span of time', async () => {
    const bus = await started({ everyMs: 1_000 });

    await eventually(async () => {
      await addAll(bus, ['again']);
      expect((await kept(bus)).map((line) => line.split(' ')[1])).toContain('time');
    });
  });

  test('keeps what has completed, what has failed, and what is to be removed as it was before', async () => {
    const on = ['completed', 'failed', 'removed'] as const;
    const bus = await started({ on }, { retry: { attempts: 0 }, onPoison: 'stop' });
    await addAll(bus, ['one']);
    await bus.list('a').send({ type: 'boom' });
    await eventually(async () => expect(await kept(bus)).toEqual(['1-1-auto failed']));
    await bus.client.remove('list/a');
    const before = (await bus.client.snapshots.list('list/a')).at(-1);

    await bus.list('b').call({ type: 'finish' } as never);

    expect(before).toMatchObject({ cause: 'removed', lifecycle: { name: 'failed' } });
    await eventually(async () =>
      expect(await bus.client.snapshots.list('list/b')).toMatchObject([{ cause: 'completed', state: 'finished' }]),
    );
  });

  test('is told what is wrong with what it says', () => {
    for (const [snapshots, option] of [
      [{ everyTurns: 0 }, 'snapshots.everyTurns'],
      [{ on: ['born'] }, 'snapshots.on'],
      [{ keep: { days: 1 } }, 'snapshots.keep.days'],
    ] as const)
      expect(() => listAgent({ snapshots })).toThrow(
        expect.objectContaining({ facts: expect.objectContaining({ option }) }),
      );
  });
});

test('chunks that only a kept snapshot names are not collected, until it is removed', async () => {
  const bus = await deploy();
  await bus.startNode({ limits: { spillBytes: 2_000 } });
  await bus.list('a').call({ type: 'grow', bytes: 10_000 });
  const { id } = await bus.client.snapshots.take('list/a');
  const names = chunksOf(await bus.record('a'));
  for (const bytes of [5_000, 10, 11]) await bus.list('a').call({ type: 'grow', bytes });
  await bus.drained();
  const ports = natsPorts(bus.connection, bus.layout);
  const chunks = new NatsBlobStore(new Link(bus.connection, () => {}), bus.layout, 0);
  const left = async (): Promise<boolean[]> =>
    Promise.all(names.map(async (name) => (await chunks.get(name)) !== undefined));

  expect(namesOf((await bus.record('a')).chunks?.before ?? new Uint8Array())).toEqual([]);
  expect(await collectChunks({ ...ports, chunks }, { graceMs: 0 })).toMatchObject({ named: names.length });
  expect(await left()).toEqual(names.map(() => true));
  const shown = await bus.client.snapshots.get('list/a', id, async (key, record: AgentRecord) => {
    const parts = await Promise.all(chunksOf(record).map((name) => chunks.get(name)));
    return Buffer.concat(parts.map((part) => part ?? new Uint8Array()));
  });
  expect((shown.agent.context as { filler: string }).filler).toHaveLength(10_000);
  await expect(bus.client.snapshots.diff('list/a', id)).rejects.toMatchObject({ code: 'SNAPSHOT_IN_CHUNKS' });

  await bus.client.snapshots.remove('list/a', id);

  expect(await collectChunks({ ...ports, chunks }, { graceMs: 0 })).toMatchObject({ named: 0 });
  expect(await left()).toEqual(names.map(() => false));
  expect(decodeRecord(bus.list('a').key, await bus.bytes('a')).snapshot.length).toBeGreaterThan(0);
});
