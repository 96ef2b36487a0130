/** Every mechanism that wakes an agent is taken away by hand, and every due thing is done all the same. */
import { jetstreamManager } from '@nats-io/jetstream';
import { agentKey } from '@wakebus/protocol';
import { expect, test } from 'vitest';
import { listAgent } from './support/agents.ts';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';

const deploy = useServer();
/** The audit waits no longer than that. */
const limits = { overdueMs: 1_500 };
const PATIENCE_MS = 20_000;

async function purge(bus: TestDeployment, stream: string, filter: string): Promise<void> {
  await (await jetstreamManager(bus.connection)).streams.purge(stream, { filter });
}

/** What the audits of this process have found. */
function findsOf(bus: TestDeployment): readonly string[] {
  return bus.logs.filter(({ facts }) => facts['kind'] !== undefined).map(({ facts }) => String(facts['kind']));
}

test('timers come although their schedules are purged, of agents asleep and awake', async () => {
  const bus = await deploy();
  await bus.startNode({ agents: [listAgent({ sleep: { afterMs: 0 } }), listAgent({ type: 'awake' })], limits });
  await bus.list('ada').call({ type: 'alarm', ms: 2_000 });
  await bus.list('bob', 'awake').call({ type: 'alarm', ms: 2_000 });
  await bus.client.schedules.add('list/cid', 'once', { atMs: Date.now() + 2_000, event: { type: 'rang' } });
  await eventually(async () => expect(await bus.count(bus.layout.timersStream(0))).toBe(3));

  for (const key of [agentKey('list', 'ada'), agentKey('awake', 'bob'), agentKey('list', 'cid')])
    await purge(bus, bus.layout.timersStream(0), bus.layout.timersFilter(key));

  await eventually(async () => {
    expect(await bus.items('ada')).toEqual(['rang']);
    expect(await bus.items('bob', 'awake')).toEqual(['rang']);
    expect(await bus.items('cid')).toEqual(['rang']);
  }, PATIENCE_MS);
  await bus.drained();
  expect(new Set(findsOf(bus))).toEqual(new Set(['timer']));
});

test('messages are taken although every consumer is deleted', async () => {
  const bus = await deploy();
  await bus.startNode({ limits });
  await bus.list('ada').call({ type: 'add', item: 1 });
  const { consumers } = await jetstreamManager(bus.connection);
  for await (const { name } of consumers.list(bus.layout.inboxStream(0)))
    await consumers.delete(bus.layout.inboxStream(0), name);

  await Promise.all([bus.list('ada').send({ type: 'add', item: 2 }), bus.list('bob').send({ type: 'add', item: 3 })]);

  await eventually(async () => {
    expect(await bus.items('ada')).toEqual([1, 2]);
    expect(await bus.items('bob')).toEqual([3]);
  }, PATIENCE_MS);
});

test('what was committed is handed over although its doorbell is gone with the node that took it', async () => {
  const bus = await deploy();
  let died = (): void => {};
  const dead = new Promise<void>((resolve) => {
    died = resolve;
  });
  // It commits, and then neither relays, arms nor acknowledges anything.
  const first = await bus.startNode({ probes: { afterCommit: () => (died(), new Promise<void>(() => {})) }, limits });
  await bus.list('ada').send({ type: 'fan', item: 'x', to: ['list/bob', 'list/cid'] });
  await dead;
  first.close();
  await purge(bus, bus.layout.inboxStream(0), bus.layout.mailboxFilter(agentKey('list', 'ada')));

  await bus.startNode({ limits });

  await eventually(async () => {
    expect(await bus.items('bob')).toEqual(['x']);
    expect(await bus.items('cid')).toEqual(['x']);
  }, PATIENCE_MS);
  expect(findsOf(bus)).toEqual(['hand-over']);
});

test('a schedule goes on after what it fired is deleted on its way', async () => {
  const bus = await deploy();
  const definition = listAgent({ sleep: { afterMs: 0 } });
  const first = await bus.startNode({ agents: [definition], limits });
  await bus.client.schedules.add('list/ada', 'tick', { everyMs: 1_000, missed: 'once', event: { type: 'rang' } });
  await eventually(async () => expect(await bus.items('ada')).not.toEqual([]));
  await first.drain();
  const key = agentKey('list', 'ada');
  await eventually(async () =>
    expect(await bus.count(bus.layout.inboxStream(0), bus.layout.mailboxFilter(key))).toBe(1),
  );
  await purge(bus, bus.layout.inboxStream(0), bus.layout.mailboxFilter(key));
  const before = (await bus.items('ada')).length;

  await bus.startNode({ agents: [definition], limits });

  await eventually(async () => expect((await bus.items('ada')).length).toBeGreaterThan(before), PATIENCE_MS);
  expect(findsOf(bus)).toContain('timer');
});
