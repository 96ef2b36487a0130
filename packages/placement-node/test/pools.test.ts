/** Pools, and deployments that roll from one version of an agent to the next and back. */
import type { AnyAgentDefinition, StoredSnapshot } from '@wakebus/core';
import { describe, expect, test } from 'vitest';
import { listAgent, listMachine } from './support/agents.ts';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually, failure } from './support/eventually.ts';

const deploy = useServer();
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

/** Version 2 notes in the filler that it has migrated. */
function secondVersion(): AnyAgentDefinition {
  const migrate = (stored: StoredSnapshot): StoredSnapshot => ({
    ...stored,
    context: { ...stored.context, filler: 'migrated' },
  });
  return listAgent({ version: 2, migrate: { 2: migrate }, previous: [listMachine] });
}

async function seen(bus: TestDeployment, agents: number): Promise<readonly unknown[][]> {
  return Promise.all(upTo(agents).map(async (i) => [...(await bus.items(`a${i}`))]));
}

describe('pools', () => {
  test('with different agent types share a deployment, and their agents talk', async () => {
    const bus = await deploy();
    const lists = await bus.startNode({ pool: 'lists' });
    const counts = await bus.startNode({ pool: 'counts', agents: [listAgent({ type: 'count' })] });

    await Promise.all(
      upTo(100).map((item) => bus.list(`a${item % 10}`).send({ type: 'pass', item, path: ['count/all', 'list/back'] })),
    );

    await eventually(async () => expect(await bus.items('back')).toHaveLength(100));
    expect(await bus.items('all', 'count')).toEqual(await bus.items('back'));
    await bus.drained();
    expect([lists.status().sessions, counts.status().sessions]).toEqual([11, 1]);
  });

  test('keep a type to themselves: a second pool for it is refused', async () => {
    const bus = await deploy();
    await bus.startNode({ pool: 'one' });

    const error = await failure(bus.startNode({ pool: 'two' }));

    expect(error).toMatchObject({ code: 'POOL_CONFLICT', facts: { agentType: 'list', pool: 'two', other: 'one' } });
    expect(await bus.list('a').call({ type: 'add', item: 1 })).toBe(1);
  });

  test('may hold nodes of different types while a new type is rolled out', async () => {
    const bus = await deploy();
    await bus.startNode();
    await bus.startNode({ agents: [listAgent(), listAgent({ type: 'count' })] });

    await Promise.all(upTo(30).map((i) => bus.list(`c${i}`, 'count').call({ type: 'add', item: i })));
    await Promise.all(upTo(30).map((i) => bus.list(`l${i}`).call({ type: 'add', item: i })));

    await bus.drained();
  });
});

describe('a node is not started', () => {
  test.each([
    ['without agents', { agents: [] }, 'agents'],
    ['with one type twice', { agents: [listAgent(), listAgent()] }, 'agents'],
    ['with a name that is no token', { name: 'a.b' }, 'name'],
    ['with a pool that is no token', { pool: 'a b' }, 'pool'],
  ])('%s', async (_what, options, option) => {
    const bus = await deploy();

    expect(await failure(bus.startNode(options))).toMatchObject({ code: 'INVALID_OPTION', facts: { option } });
  });

  test.each(['create', 'check'] as const)(
    'on a stream that is configured otherwise, when it shall %s',
    async (setup) => {
      const bus = await deploy();
      const births = bus.layout.birthsStream;
      await (await bus.manager()).streams.update(births, { allow_direct: false });

      expect(await failure(bus.startNode({ setup }))).toMatchObject({
        code: 'STREAM_MISCONFIGURED',
        facts: { stream: births, field: 'allow_direct' },
      });
    },
  );

  test('on a deployment that does not exist, when it shall only check', async () => {
    const bus = await deploy();

    expect((await failure(bus.startNode({ prefix: 'elsewhere' } as never))).code).toBe('STREAM_MISSING');
  });
});

describe('a deployment that rolls', () => {
  test('from version 1 to 2 under load migrates every agent at its first turn, and loses nothing', async () => {
    const bus = await deploy();
    const old = [await bus.startNode(), await bus.startNode()];
    const sending = Promise.all(
      upTo(12).map(async (i) => {
        for (const item of upTo(40)) await bus.list(`a${i}`).call({ type: 'add', item });
      }),
    );
    await eventually(async () => expect((await bus.items('a1')).length).toBeGreaterThan(5));

    for (const node of old) {
      await bus.startNode({ agents: [secondVersion()] });
      await node.drain();
    }

    await sending;
    expect(await seen(bus, 12)).toEqual(upTo(12).map(() => upTo(40)));
    for (const i of upTo(12)) {
      await bus.list(`a${i}`).call({ type: 'tell' });
      const { machineVersion, context } = await bus.inspect(`a${i}`);
      expect([machineVersion, context.filler]).toEqual([2, 'migrated']);
    }
    expect(await bus.deadLetters()).toEqual([]);
  });

  test('back to version 1 runs what version 2 has not touched, and keeps the rest for it', async () => {
    const bus = await deploy();
    const first = await bus.startNode();
    await bus.list('untouched').call({ type: 'add', item: 1 });
    await first.drain();
    const second = await bus.startNode({ agents: [secondVersion()] });
    await bus.list('touched').call({ type: 'add', item: 1 });
    await bus.startNode();
    await second.drain();

    await bus.list('touched').send({ type: 'add', item: 2 });
    expect(await bus.list('untouched').call({ type: 'add', item: 2 })).toBe(2);
    expect(await bus.list('new').call({ type: 'add', item: 1 })).toBe(1);
    await eventually(() => expect(bus.logs.map(({ facts }) => facts['code'])).toContain('VERSION_NEWER'));
    expect(await bus.items('touched')).toEqual([1]);
    await bus.startNode({ agents: [secondVersion()] });

    await eventually(async () => expect(await bus.items('touched')).toEqual([1, 2]));
    await bus.drained();
  });
});
