/** What effects open, on a real node, against a server that counts who is connected. */
import { isWakebusError } from '@wakebus/protocol';
import { expect, test } from 'vitest';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';
import { type Asked, Switchboard, callerAgent, late } from './support/switchboard.ts';

const deploy = useServer();
/** It sleeps only when it is told to. */
const awake = [callerAgent({ sleep: { afterMs: 600_000 } })];
const sleepy = [callerAgent({ sleep: { afterMs: 0 } })];
const NOTHING = { agents: 0, effects: 0 };

interface Ask {
  readonly id: string;
  readonly say?: string;
  readonly agent?: string;
}

async function ask(
  bus: TestDeployment,
  board: Switchboard,
  type: Asked | 'fail',
  { id, say = 'hello', agent = 'ada' }: Ask,
): Promise<void> {
  await bus.client.agent('caller', agent).send({ type, id, say, port: board.port });
}

async function heardBecomes(bus: TestDeployment, words: readonly string[], agent: string = 'ada'): Promise<void> {
  await eventually(async () => expect((await bus.inspect(agent, 'caller')).context).toEqual({ heard: words }));
}

test('effects of an agent share what is open, while it is awake; it is closed when the agent sleeps', async () => {
  const bus = await deploy();
  await using board = await Switchboard.open();
  const agents = [callerAgent({ sleep: { afterMs: 1_500 } })];
  const node = await bus.startNode({ agents });
  await ask(bus, board, 'speak', { id: 'a' });
  await heardBecomes(bus, ['hello']);
  await ask(bus, board, 'speak', { id: 'b' });
  await heardBecomes(bus, ['hello', 'hello']);
  await ask(bus, board, 'speak', { id: 'c', agent: 'bob' });
  await heardBecomes(bus, ['hello'], 'bob');
  expect([board.calls, board.connected, node.status().resources]).toEqual([2, 2, { agents: 2, effects: 0 }]);

  await eventually(() => expect([node.status().sessions, board.connected]).toEqual([0, 0]));
  expect(node.status().resources).toEqual(NOTHING);
});

test('an effect that runs on while its agent sleeps keeps what it has, and no longer', async () => {
  const bus = await deploy();
  await using board = await Switchboard.open();
  const node = await bus.startNode({ agents: sleepy });
  await ask(bus, board, 'speak', { id: 'a', say: 'wait' });
  await eventually(() => expect([board.lines, node.status().sessions]).toEqual([['wait'], 0]));
  expect(node.status().resources).toEqual({ agents: 0, effects: 1 });
  board.release();

  await heardBecomes(bus, ['wait']);
  await eventually(() => expect([board.connected, node.status().resources]).toEqual([0, NOTHING]));
});

test('an agent that fails holds nothing', async () => {
  const bus = await deploy();
  await using board = await Switchboard.open();
  const node = await bus.startNode({
    agents: [callerAgent({ sleep: { afterMs: 600_000 }, retry: { attempts: 9, backoffMs: 600_000 } })],
  });
  await ask(bus, board, 'speak', { id: 'a' });
  await heardBecomes(bus, ['hello']);
  expect(board.connected).toBe(1);
  await ask(bus, board, 'fail', { id: 'b' });

  await eventually(() => expect([board.connected, node.status().resources]).toEqual([0, NOTHING]));
  expect((await bus.inspect('ada', 'caller')).lifecycle.name).toBe('backoff');
});

test('a drained node has closed everything when it says so, what does not close within its time aside', async () => {
  const bus = await deploy();
  await using board = await Switchboard.open();
  const node = await bus.startNode({ agents: awake, limits: { closeMs: 100 } });
  await ask(bus, board, 'speak', { id: 'a' });
  await heardBecomes(bus, ['hello']);
  await ask(bus, board, 'leave', { id: 'b' });
  await heardBecomes(bus, ['hello', 'left']);
  expect(node.status().resources).toEqual({ agents: 2, effects: 0 });
  await node.drain();

  expect(node.status().resources).toEqual(NOTHING);
  await eventually(() => expect(board.connected).toBe(0));
});

test('an agent that moves takes nothing along: its new node opens its own', async () => {
  const bus = await deploy();
  await using board = await Switchboard.open();
  const first = await bus.startNode({ agents: awake });
  await ask(bus, board, 'speak', { id: 'a' });
  await heardBecomes(bus, ['hello']);
  const second = await bus.startNode({ agents: awake });
  await first.drain();
  await ask(bus, board, 'speak', { id: 'b' });
  await heardBecomes(bus, ['hello', 'hello']);
  expect([board.calls, board.connected, second.status().resources]).toEqual([2, 1, { agents: 1, effects: 0 }]);
});

test('what could not be opened is tried again by whoever asks next', async () => {
  const bus = await deploy();
  await using board = await Switchboard.open();
  await bus.startNode({ agents: sleepy });
  await ask(bus, board, 'insist', { id: 'a' });
  await heardBecomes(bus, ['opened']);
});

test('an effect that goes on after its end gets nothing more', async () => {
  const bus = await deploy();
  await using board = await Switchboard.open();
  const node = await bus.startNode({ agents: awake });
  await ask(bus, board, 'speak', { id: 'a' });
  await heardBecomes(bus, ['hello']);
  await ask(bus, board, 'overstay', { id: 'b' });
  await heardBecomes(bus, ['hello', 'EFFECT_MAYBE']);

  await eventually(() => expect(late.map((error) => isWakebusError(error, 'RESOURCES_CLOSED'))).toEqual([true]));
  expect([board.connected, node.status().resources]).toEqual([1, { agents: 1, effects: 0 }]);
});
