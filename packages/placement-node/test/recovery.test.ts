/** What operators do with agents that stand still: each of it in its place, and nothing lost by it. */
import { encodeRecord } from '@wakebus/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { listAgent, mendBoom } from './support/agents.ts';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';

const deploy = useServer('all');
afterEach(() => mendBoom(false));

async function lifecycleOf(bus: TestDeployment): Promise<string> {
  return (await bus.record('a')).lifecycle.name;
}

/** What an operator's request was refused with. */
function refusal(work: Promise<void>): Promise<unknown> {
  return work.then(
    () => 'it was done',
    (error: Error) => error.message,
  );
}

describe.concurrent('an agent in quarantine', () => {
  /** An agent whose inbox was lost under it, with a message in the new one. */
  async function restored(): Promise<TestDeployment> {
    const bus = await deploy();
    await bus.startNode();
    for (const item of [1, 2, 3]) await bus.list('a').call({ type: 'add', item }, { id: `add-${item}` });
    await bus.drained();
    await bus.stopNodes();
    await bus.recreateInbox();
    await bus.startNode();
    await bus.list('a').send({ type: 'add', item: 4 }, { id: 'add-4' });
    await bus.list('a').send({ type: 'add', item: 3 }, { id: 'add-3' });
    await eventually(async () => expect(await lifecycleOf(bus)).toBe('quarantined'));
    return bus;
  }

  test('stays there until an operator has decided', async () => {
    const bus = await restored();

    expect(await refusal(bus.client.release('list/a'))).toMatch(/it is in quarantine/);
    expect(await refusal(bus.client.recover('list/a'))).toMatch(/whether to keep its state or to begin anew/);
    expect(await refusal(bus.client.suspend('list/a'))).toMatch(/it is in quarantine/);

    expect(await lifecycleOf(bus)).toBe('quarantined');
    expect(await bus.items('a')).toEqual([1, 2, 3]);
  });

  test('goes on from its state with what the new inbox holds, and takes nothing twice', async () => {
    const bus = await restored();

    await bus.client.recover('list/a', { decision: 'keep' });

    await eventually(async () => expect(await bus.items('a')).toEqual([1, 2, 3, 4]));
    expect(await bus.list('a').call({ type: 'add', item: 5 })).toBe(5);
    await bus.drained();
    expect((await bus.record('a')).incarnation).toBe(2);
  });

  test('begins a new life with what waited for it', async () => {
    const bus = await restored();

    await bus.client.recover('list/a', { decision: 'anew' });

    await eventually(async () => expect(await bus.items('a')).toEqual([4]));
    await bus.drained();
  });

  test('whose state is gone begins anew, or not at all', async () => {
    const bus = await deploy();
    await bus.startNode();
    await bus.list('a').call({ type: 'rest', item: 'lost' });
    await bus.drained();
    await bus.overwrite('a', new Uint8Array([0xc1]));
    await bus.list('a').send({ type: 'add', item: 'after' });
    await eventually(async () => expect(await lifecycleOf(bus)).toBe('quarantined'));

    expect(await refusal(bus.client.recover('list/a', { decision: 'keep' }))).toMatch(/its state is gone/);
    await bus.client.recover('list/a', { decision: 'anew' });

    await eventually(async () => expect(await bus.items('a')).toEqual(['after']));
    expect((await bus.record('a')).evidence).toBeUndefined();
    await bus.drained();
  });

  test('that was restored behind its record hears an operator too', async () => {
    const bus = await deploy();
    await bus.startNode();
    await bus.list('a').call({ type: 'rest', item: 'before' });
    await bus.drained();
    const record = await bus.record('a');
    await bus.overwrite('a', encodeRecord({ ...record, cursor: record.cursor + 1_000 }));
    await bus.list('a').send({ type: 'add', item: 'after' });
    await eventually(async () => expect(await lifecycleOf(bus)).toBe('quarantined'));

    await bus.client.recover('list/a', { decision: 'keep' });

    await eventually(async () => expect(await bus.items('a')).toEqual(['before', 'after']));
  });
});

describe('an agent that waits for its next try', () => {
  /** One whose first retry comes in an hour, with a message behind the one that it fails on. */
  async function failing(): Promise<TestDeployment> {
    const bus = await deploy();
    await bus.startNode({ agents: [listAgent({ retry: { attempts: 3, backoffMs: 3_600_000 } })] });
    await bus.list('a').send({ type: 'boom' });
    await bus.list('a').send({ type: 'add', item: 'behind' });
    await eventually(async () => expect(await lifecycleOf(bus)).toBe('backoff'));
    return bus;
  }

  test('tries at once when it is recovered', async () => {
    const bus = await failing();
    mendBoom(true);

    await bus.client.recover('list/a');

    await eventually(async () => expect(await bus.items('a')).toEqual(['boom', 'behind']));
    await bus.drained();
  });

  test('hears that it is suspended, and keeps its count of tries', async () => {
    const bus = await failing();

    await bus.client.suspend('list/a', { reason: 'it loops' });

    const { lifecycle, attempt } = await bus.record('a');
    expect([lifecycle.name, lifecycle.message, attempt?.count]).toEqual(['suspended', 'it loops', 1]);
    mendBoom(true);
    await bus.client.release('list/a');
    await bus.client.recover('list/a');
    await eventually(async () => expect(await bus.items('a')).toEqual(['boom', 'behind']));
  });

  test('goes on waiting after a request that changes nothing', async () => {
    const bus = await failing();

    await bus.client.release('list/a');

    const { lifecycle, attempt } = await bus.record('a');
    expect([lifecycle.name, attempt?.count]).toEqual(['backoff', 1]);
  });
});

test('what waits for a suspended agent is thrown away without its timers and what its effects gave', async () => {
  const bus = await deploy();
  await bus.startNode();
  await bus.list('a').call({ type: 'alarm', ms: 300 });
  await bus.client.suspend('list/a');
  await bus.list('a').send({ type: 'add', item: 'unwanted' });
  const timer = bus.layout.runtimeSubject('list.a' as never, 'timer');
  await eventually(async () => expect(await bus.count(bus.layout.inboxStream(0), timer)).toBe(1));

  await bus.client.held.clear('list/a', { reason: 'a mistake' });
  await eventually(async () => expect((await bus.record('a')).held).toBeUndefined());
  await bus.client.release('list/a');

  await eventually(async () => expect(await bus.items('a')).toEqual(['rang']));
  await bus.drained();
});

test('clearing goes on where a node that died had begun it', async () => {
  const bus = await deploy();
  const first = await bus.startNode();
  await bus.list('a').call({ type: 'add', item: 'kept' });
  await bus.client.suspend('list/a');
  for (let item = 0; item < 5; item += 1) await bus.list('a').send({ type: 'add', item });
  await bus.client.suspend('list/a');
  first.close();
  const record = await bus.record('a');
  if (record.held === undefined) throw new Error('nothing stands aside');
  await bus.overwrite('a', encodeRecord({ ...record, held: { ...record.held, clear: true } }));
  await bus.startNode();

  await bus.client.release('list/a');

  expect(await bus.items('a')).toEqual(['kept']);
  expect((await bus.client.held.list({ agent: 'list/a' })).messages).toEqual([]);
});
