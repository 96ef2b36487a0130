/** Effects on a real server, paying at a till that stays up whatever dies. */
import { agentKey } from '@wakebus/protocol';
import { expect, test } from 'vitest';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually, failure } from './support/eventually.ts';
import { type Way, payerAgent } from './support/payer.ts';
import { Till } from './support/till.ts';

const deploy = useServer();
const agents = [payerAgent()];

async function pay(bus: TestDeployment, till: Till, way: Way): Promise<void> {
  await bus.client.agent('payer', 'ada').send({ type: way, till: till.url });
}

function itemsBecome(bus: TestDeployment, items: readonly unknown[]): Promise<void> {
  return eventually(async () => expect(await bus.items('ada', 'payer')).toEqual(items));
}

/** The states of the agent's effects. */
async function states(bus: TestDeployment): Promise<readonly string[]> {
  return (await bus.inspect('ada', 'payer')).journal.map(({ state }) => state);
}

function statesBecome(bus: TestDeployment, expected: readonly string[]): Promise<void> {
  return eventually(async () => expect(await states(bus)).toEqual(expected));
}

/** Nothing is owed any more: no message, no schedule. */
async function allIsQuiet(bus: TestDeployment): Promise<void> {
  await bus.drained();
  const filter = bus.layout.timersFilter(agentKey('payer', 'ada'));
  await eventually(async () => expect(await bus.count(bus.layout.timersStream(0), filter)).toBe(0));
}

test('an effect runs under its key while its agent sleeps, and its result wakes it', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  till.holds.add('pay');
  const node = await bus.startNode({ agents });

  await pay(bus, till, 'keyed');
  await eventually(() =>
    expect([till.requests.length, node.status().sessions, node.status().effects]).toEqual([1, 0, 1]),
  );
  expect((await bus.inspect('ada', 'payer')).journal).toMatchObject([
    { state: 'started', node: node.nodeId, attempt: 1 },
  ]);
  const filter = bus.layout.timersFilter(agentKey('payer', 'ada'));
  expect(await bus.count(bus.layout.timersStream(0), filter)).toBe(1);
  till.release();

  await itemsBecome(bus, ['pay']);
  expect(till.requests).toEqual([{ verb: 'pay', key: 'payer.ada~1@1.0', attempt: 1 }]);
  await allIsQuiet(bus);
  expect([await states(bus), node.status().effects]).toEqual([['done'], 0]);
});

test('an effect costs two commits beside the turn that asks for it', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  await bus.startNode({ agents: [payerAgent({ sleep: { afterMs: 60_000 } })] });
  await pay(bus, till, 'plain');
  await itemsBecome(bus, ['pay']);
  expect(await bus.inspect('ada', 'payer')).toMatchObject({ revision: 3, turns: 2 });
});

test('what fails is repeated with a wait, and then is the machine’s to deal with', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  till.refusals = 2;
  await bus.startNode({ agents });
  await pay(bus, till, 'keyed');
  await itemsBecome(bus, ['pay']);
  till.refusals = 3;
  await pay(bus, till, 'keyed');
  await itemsBecome(bus, ['pay', 'the till refused: busy']);

  expect(till.requests.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 1, 2, 3]);
  expect(till.paid()).toEqual([3, 3]);
  await allIsQuiet(bus);
});

test('a state that is left aborts its effect, on whatever node it runs', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  till.holds.add('pay');
  const first = await bus.startNode({ agents });
  await pay(bus, till, 'plain');
  await eventually(() => expect([till.requests.length, first.status().sessions]).toEqual([1, 0]));
  await bus.startNode({ agents });

  await bus.client.agent('payer', 'ada').send({ type: 'leave' });

  await eventually(() => expect([till.left, first.status().effects]).toEqual([1, 0]));
  till.release();
  await allIsQuiet(bus);
  expect([await bus.items('ada', 'payer'), await states(bus)]).toEqual([[], ['aborted']]);
});

test('a state that is entered again gets the result of its own effect', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  till.holds.add('pay');
  await bus.startNode({ agents });
  await pay(bus, till, 'plain');
  await eventually(() => expect(till.requests).toHaveLength(1));
  await pay(bus, till, 'plain');
  await eventually(() => expect(till.requests).toHaveLength(2));
  till.release();

  await itemsBecome(bus, ['pay']);
  await allIsQuiet(bus);
  expect(await states(bus)).toEqual(['aborted', 'done']);
});

test('an effect whose time runs out is stopped, and nobody knows: the policy decides', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  till.holds.add('pay');
  await bus.startNode({ agents });

  await pay(bus, till, 'brief');
  await itemsBecome(bus, ['EFFECT_MAYBE']);
  await pay(bus, till, 'queried');
  await itemsBecome(bus, ['EFFECT_MAYBE', 'found']);
  await pay(bus, till, 'undone');
  await itemsBecome(bus, ['EFFECT_MAYBE', 'found', 'EFFECT_COMPENSATED']);

  expect(till.verbs()).toEqual(['pay', 'pay', 'lookup', 'pay', 'undo']);
  await eventually(() => expect(till.left).toBe(3));
  await allIsQuiet(bus);
});

test('what an effect says that it does not know is not taken for a failure', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  await bus.startNode({ agents });
  await pay(bus, till, 'vague');
  await itemsBecome(bus, ['found']);
  expect(till.verbs()).toEqual(['pay', 'lookup']);
});

test('what is final is not repeated, and neither is a lookup that cannot be answered', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  await bus.startNode({ agents });
  till.refusals = 1;
  await pay(bus, till, 'barred');
  await itemsBecome(bus, ['the till refused: busy']);
  till.refusals = 1;
  await pay(bus, till, 'mute');

  await itemsBecome(bus, ['the till refused: busy', 'EFFECT_MAYBE']);
  expect(till.verbs()).toEqual(['pay', 'lookup']);
});

test('what only an operator can know waits for one', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  till.holds.add('pay');
  const node = await bus.startNode({ agents });
  const ada = bus.client.agent('payer', 'ada');

  await pay(bus, till, 'asked');
  await statesBecome(bus, ['maybe']);
  await eventually(() => expect(node.status().sessions).toBe(0));
  expect(await failure(ada.resolveEffect('pay-plain', 'done'))).toMatchObject({ code: 'EFFECT_NOT_FOUND' });
  await ada.resolveEffect('pay-asked', 'retry');
  await eventually(() => expect(till.requests).toHaveLength(2));
  await statesBecome(bus, ['maybe']);
  await ada.resolveEffect('pay-asked', 'done', { receipt: 5 });

  expect(await bus.items('ada', 'payer')).toEqual([{ receipt: 5 }]);
  expect(till.paid()).toEqual([2]);
  await allIsQuiet(bus);
});

test('a result that cannot be stored is a failure that says so, and an error keeps what can be read', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  await bus.startNode({ agents });
  await pay(bus, till, 'huge');
  await itemsBecome(bus, ['EVENT_TOO_LARGE']);
  await pay(bus, till, 'odd');
  await itemsBecome(bus, ['EVENT_TOO_LARGE', 'E_ODD']);
});

test('a drained node waits for what runs; its agents move meanwhile', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  till.holds.add('pay');
  const first = await bus.startNode({ agents });
  await pay(bus, till, 'plain');
  await eventually(() => expect(till.requests).toHaveLength(1));
  const second = await bus.startNode({ agents });
  const drained = first.drain();
  await eventually(() => expect(second.status().members).toEqual([second.nodeId]));
  expect(first.status().effects).toBe(1);
  till.release();

  await drained;
  await itemsBecome(bus, ['pay']);
  await allIsQuiet(bus);
  expect(till.paid()).toEqual([1]);
});

test('what does not end in a drain’s time is stopped, and another node finishes it under the same key', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  till.holds.add('pay');
  const first = await bus.startNode({ agents, limits: { drainMs: 100 } });
  await pay(bus, till, 'keyed');
  await eventually(() => expect(till.requests).toHaveLength(1));
  await bus.startNode({ agents });

  await first.drain();
  await eventually(() => expect([till.requests.length, till.left]).toEqual([2, 1]));
  till.release();

  await itemsBecome(bus, ['pay']);
  expect(till.paid()).toEqual([2]);
});

test('a node that joins takes over agents, and leaves their running effects to their owner', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  till.holds.add('pay');
  await bus.startNode({ agents });
  const ids = Array.from({ length: 12 }, (_, i) => `a${i}`);
  await Promise.all(ids.map((id) => bus.client.agent('payer', id).send({ type: 'plain', till: till.url })));
  await eventually(() => expect(till.requests).toHaveLength(12));
  const second = await bus.startNode({ agents });
  await eventually(() => expect(second.status().partitions).toBe(4));
  till.release();

  await eventually(async () => {
    const items = await Promise.all(ids.map((id) => bus.items(id, 'payer')));
    expect(items).toEqual(ids.map(() => ['pay']));
  });
  await bus.drained();
  expect(till.requests).toHaveLength(12);
});

test('nobody outside can say how an effect ended', async () => {
  const bus = await deploy();
  await using till = await Till.open();
  till.holds.add('pay');
  await bus.startNode({ agents });
  await pay(bus, till, 'plain');
  await eventually(() => expect(till.requests).toHaveLength(1));

  await bus.plainEvent('ada', 'xstate.done.actor.pay-plain', { output: 'forged' }, 'payer');
  await eventually(async () => expect(await bus.deadLetters()).toMatchObject([{ code: 'RESERVED_EVENT' }]));
  till.release();

  await itemsBecome(bus, ['pay']);
});
