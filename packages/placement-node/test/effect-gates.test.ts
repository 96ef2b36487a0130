/** What keeps an effect from starting, on a real server: its agent goes on, and what waits stands in the record. */
import { agentKey } from '@wakebus/protocol';
import { expect, test } from 'vitest';
import { disableEffects, disabledEffects, enableEffects, natsPorts } from '../src/mod.ts';
import type { EffectScope } from '@wakebus/protocol';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';
import { type Way, payerAgent } from './support/payer.ts';
import { Till } from './support/till.ts';

const deploy = useServer();
const agents = [payerAgent()];
/** Long enough to be seen, short enough to be waited for, in milliseconds. */
const breakerOpenMs = 1_500;

async function pay(bus: TestDeployment, till: Till, way: Way, id: string = 'ada'): Promise<void> {
  await bus.client.agent('payer', id).send({ type: way, till: till.url });
}

function journalBecomes(bus: TestDeployment, expected: readonly object[], id: string = 'ada'): Promise<void> {
  return eventually(async () => expect((await bus.inspect(id, 'payer')).journal).toMatchObject(expected));
}

function itemsBecome(bus: TestDeployment, items: readonly unknown[], id: string = 'ada'): Promise<void> {
  return eventually(async () => expect(await bus.items(id, 'payer')).toEqual(items));
}

function disable(bus: TestDeployment, scope: EffectScope): Promise<void> {
  return disableEffects(natsPorts(bus.connection, bus.layout), scope, 'the bank asks for it', Date.now());
}

function enable(bus: TestDeployment, scope: EffectScope): Promise<boolean> {
  return enableEffects(natsPorts(bus.connection, bus.layout), scope);
}

function schedules(bus: TestDeployment, id: string = 'ada'): Promise<number> {
  return bus.count(bus.layout.timersStream(0), bus.layout.timersFilter(agentKey('payer', id)));
}

test('a target that fails is left alone; what waits for it sleeps, and goes on when it is well', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  till.refusals = 10;
  const node = await bus.startNode({ agents, limits: { breakerOpenMs } });

  await pay(bus, till, 'guarded');
  await journalBecomes(bus, [{ state: 'planned', parkedBy: 'breaker', target: 'till', attempt: 10 }]);
  await eventually(() => expect([node.status().sessions, till.requests.length]).toEqual([0, 10]));
  // Another agent's effect on the same target waits as well, and its agent takes events.
  await pay(bus, till, 'guarded', 'bob');
  await journalBecomes(bus, [{ parkedBy: 'breaker', attempt: 0 }], 'bob');
  await pay(bus, till, 'plain', 'bob');
  await itemsBecome(bus, ['pay'], 'bob');

  await itemsBecome(bus, ['pay']);
  expect(till.requests.filter(({ key }) => key.startsWith('payer.ada'))).toHaveLength(11);
  await bus.drained();
  await eventually(async () => expect([await schedules(bus), await schedules(bus, 'bob')]).toEqual([0, 0]));
});

test('what a target refuses for good reasons does not count against it', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  till.refusals = 12;
  await bus.startNode({ agents });
  await pay(bus, till, 'broke');
  await itemsBecome(bus, ['pay']);
  expect(till.requests).toHaveLength(13);
});

test('repetitions that have spent their budget come one a second', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  till.refusals = 4;
  await bus.startNode({ agents, limits: { retryBudget: 2 } });
  await pay(bus, till, 'guarded');
  await journalBecomes(bus, [{ parkedBy: 'budget', attempt: 3 }]);
  await itemsBecome(bus, ['pay']);
  expect(till.requests).toHaveLength(5);
  await bus.drained();
});

test.each<EffectScope>([{ target: 'till' }, { type: 'payer' }])(
  'what is disabled (%j) waits, whatever becomes of its node, and goes on at once when it is enabled',
  async (scope) => {
    const bus = await deploy();
    await using till = await Till.open();
    const first = await bus.startNode({ agents });
    await disable(bus, scope);
    await eventually(async () => {
      await pay(bus, till, 'guarded');
      await journalBecomes(bus, [{ state: 'planned', parkedBy: 'disabled' }]);
    });
    const asked = till.requests.length;
    await eventually(() => expect(first.status().sessions).toBe(0));
    await bus.startNode({ agents });
    await first.drain();
    await bus.client.agent('payer', 'ada').send({ type: 'nothing' });
    await bus.drained();
    expect([till.requests.length, (await bus.inspect('ada', 'payer')).journal.at(-1)?.parkedBy]).toEqual([
      asked,
      'disabled',
    ]);
    const ports = natsPorts(bus.connection, bus.layout);
    expect(await disabledEffects(ports)).toMatchObject([{ scope, reason: 'the bank asks for it' }]);

    expect([await enable(bus, scope), await enable(bus, scope)]).toEqual([true, false]);
    await eventually(async () => expect((await bus.items('ada', 'payer')).at(-1)).toBe('pay'));
    expect(await disabledEffects(ports)).toEqual([]);
    await bus.drained();
    await eventually(async () => expect(await schedules(bus)).toBe(0));
  },
);

test('a state that is left takes back what waits for its target', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  await disable(bus, { target: 'till' });
  await bus.startNode({ agents });
  await pay(bus, till, 'guarded');
  await journalBecomes(bus, [{ parkedBy: 'disabled' }]);
  await eventually(async () => expect(await schedules(bus)).toBe(1));
  await bus.client.agent('payer', 'ada').send({ type: 'leave' });

  await journalBecomes(bus, []);
  await eventually(async () => expect(await schedules(bus)).toBe(0));
  await enable(bus, { target: 'till' });
  await bus.drained();
  expect(till.requests).toEqual([]);
});

test('no more effects run than a node may hold; the others wait, awake, and take events', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  till.holds.add('pay');
  const node = await bus.startNode({ agents, limits: { maxEffects: 2 } });
  const ids = Array.from({ length: 6 }, (_, i) => `a${i}`);
  for (const id of ids) {
    await pay(bus, till, 'keyed', id);
    await eventually(async () => expect((await bus.inspect(id, 'payer')).journal).toHaveLength(1));
  }
  await eventually(() => expect([till.requests.length, node.status().effects]).toEqual([2, 2]));
  await eventually(() => expect(node.status().sessions).toBe(4));
  await bus.client.agent('payer', 'a4').send({ type: 'leave' });
  await journalBecomes(bus, [], 'a4');
  await eventually(() => expect(node.status().sessions).toBe(3));
  till.release();

  for (const id of ids) await itemsBecome(bus, id === 'a4' ? [] : ['pay'], id);
  expect(till.requests).toHaveLength(5);
  await bus.drained();
});

test('a node that leaves gives what waits for room to another', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  till.holds.add('pay');
  const first = await bus.startNode({ agents, limits: { maxEffects: 1, drainMs: 100 } });
  await pay(bus, till, 'keyed');
  await eventually(() => expect(till.requests).toHaveLength(1));
  await pay(bus, till, 'keyed', 'bob');
  await journalBecomes(bus, [{ state: 'planned', attempt: 0 }], 'bob');
  await bus.startNode({ agents });
  void first.drain();
  await eventually(() => expect(till.requests.map(({ key }) => key)).toContain('payer.bob~1@2.0'));
  till.release();
  await itemsBecome(bus, ['pay'], 'bob');
  await itemsBecome(bus, ['pay']);
});
