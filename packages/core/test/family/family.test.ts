/** Child actors in an agent's record: what is stored of them, what is refused, and what operators see. */
import { decode } from '@wakebus/protocol';
import {
  type AnyStateMachine,
  assign,
  createMachine,
  fromTransition,
  sendParent,
  sendTo,
  setup,
  spawnChild,
} from 'xstate';
import { describe, expect, test } from 'vitest';
import {
  type AnyAgentDefinition,
  type StoredSnapshot,
  applyEvent,
  decodeSnapshot,
  defineAgent,
  effect,
  encodeSnapshot,
  initialStep,
  reply,
} from '../../src/mod.ts';
import { failing } from '../failing.ts';
import { key } from '../stepping.ts';
import { Scene, answers } from '../turn/scene.ts';

interface Count {
  readonly n: number;
}

const pay = effect({ run: () => Promise.resolve('paid'), irreversible: true });
const shop = setup({
  types: { context: {} as Count, events: {} as { type: 'INC' | 'PAY' | 'ASK' | 'BOOM' } },
  actors: { pay },
}).createMachine({
  id: 'shop',
  context: { n: 0 },
  initial: 'open',
  on: {
    INC: { actions: assign({ n: ({ context }) => context.n + 1 }) },
    ASK: { actions: reply(({ context }) => context.n) },
  },
  states: {
    open: { on: { PAY: 'paying' }, after: { 100: 'shut' } },
    paying: { invoke: { id: 'pay', src: 'pay', onDone: 'paid' } },
    paid: {},
    shut: {},
  },
});

/** An agent that passes what it is told on to a child. */
function mall(options: object = {}, child: AnyStateMachine = shop): AnyAgentDefinition {
  const machine = setup({ actors: { shop: child } }).createMachine({
    id: 'mall',
    initial: 'on',
    states: {
      on: { invoke: { id: 'shop', src: 'shop' }, on: { AGAIN: { target: 'on', reenter: true }, OFF: 'off' } },
      off: { on: { ON: 'on' } },
    },
    on: {
      TO: { actions: sendTo('shop', ({ event }) => (event as unknown as { send: { type: string } }).send as never) },
    },
  });
  return defineAgent({ type: 'notebook', machine, retry: { attempts: 1, backoffMs: 10 }, ...options } as never);
}

function telling(...types: readonly string[]): Scene {
  const scene = new Scene(mall());
  for (const type of types) scene.take([scene.event('TO', { send: { type } })]);
  return scene;
}

function storedOf(scene: Scene): StoredSnapshot {
  return decode(encodeSnapshot(scene.definition, scene.memory.snapshot as never)) as StoredSnapshot;
}

describe('a child actor', () => {
  test('is stored in its parent’s snapshot, readable without the machine', () => {
    expect(storedOf(telling('INC'))).toEqual({
      value: 'on',
      context: {},
      status: 'active',
      sessions: 1,
      children: {
        shop: { session: 1, src: 'shop', snapshot: { value: 'open', context: { n: 1 }, status: 'active' } },
      },
    });
  });

  test('has timers and effects under its own name, which end with it', () => {
    const scene = telling('PAY');
    scene.startEffects();

    expect(scene.record.journal).toMatchObject([{ id: 'pay', actor: 'shop:1', src: 'pay', machines: ['shop'] }]);
    const turn = scene.take([scene.event('AGAIN')]);

    expect(scene.record.timers).toMatchObject([{ id: 'xstate.after.100.shop.open', actor: 'shop:2' }]);
    expect(turn.stopped).toMatchObject([{ actor: 'shop:1', id: 'pay' }]);
    expect(scene.record.journal).toMatchObject([{ state: 'aborted' }]);
  });

  test('gets a number that is not used again, also when it is alone', () => {
    const scene = telling('INC');
    scene.take([scene.event('OFF')]);
    scene.rehydrate();
    scene.take([scene.event('ON')]);

    expect(storedOf(scene)).toMatchObject({ sessions: 2, children: { shop: { session: 2 } } });
  });

  test('answers the caller of the event that has reached it', () => {
    const scene = telling('INC', 'INC');

    const turn = scene.take([scene.event('TO', { send: { type: 'ASK' } }, { to: '_INBOX.a' })]);

    expect(answers(turn)).toEqual([['_INBOX.a', { ok: true, value: 2 }]]);
  });

  test('has effects that an operator resolves by its name and theirs', () => {
    const scene = telling('PAY');
    scene.startEffects();
    scene.take([scene.result({ outcome: 'maybe' })]);

    expect(answers(scene.take([scene.resolve({ id: 'pay', as: 'done' }, '_INBOX.a')]))).toMatchObject([
      ['_INBOX.a', { ok: false, error: { code: 'EFFECT_NOT_FOUND' } }],
    ]);
    scene.take([scene.resolve({ id: 'shop:1/pay', as: 'done' }, '_INBOX.b')]);

    expect(storedOf(scene).children?.['shop']?.snapshot).toMatchObject({ value: 'paid' });
  });

  test('that throws where nobody takes its error fails the turn, and nothing of it stays', () => {
    const bad = createMachine({
      context: { n: 0 },
      on: {
        TWO: {
          actions: [
            assign({ n: 1 }),
            assign(() => {
              throw new Error('burst');
            }),
          ],
        },
      },
    });
    const scene = new Scene(mall({}, bad));
    scene.take([scene.event('AGAIN')]);
    const before = storedOf(scene);

    const { failure } = scene.take([scene.event('TO', { send: { type: 'TWO' } })]);

    expect(failure?.error).toMatchObject({ code: 'TURN_FAILED', message: expect.stringContaining('burst') as string });
    expect(storedOf(scene)).toEqual(before);
  });

  test('keeps the error of its effect from being lost: what nobody takes is a dead letter, and it stays as it was', () => {
    const scene = telling('PAY');
    scene.startEffects();

    const turn = scene.take([scene.result({ outcome: 'failed', error: new Error('no'), isFinal: true })]);

    expect(turn.deadLetters).toMatchObject([{ code: 'EFFECT_FAILED' }]);
    expect(storedOf(scene).children?.['shop']?.snapshot).toMatchObject({ value: 'paying' });
  });

  test('that goes round in circles with its parent is stopped', () => {
    const echo = createMachine({ on: { PING: { actions: sendParent({ type: 'PONG' }) } } });
    const machine = setup({ actors: { echo } }).createMachine({
      invoke: { id: 'echo', src: 'echo' },
      on: { PONG: { actions: sendTo('echo', { type: 'PING' }) } },
    });
    const agent = defineAgent({ type: 'order', machine });

    expect(() => applyEvent(agent, initialStep(agent, key).snapshot, { type: 'PONG' })).toThrow(/round in circles/);
  });

  test('takes no part of an older snapshot with it when it goes on', () => {
    const agent = mall();
    const first = initialStep(agent, key).snapshot;
    const tell = { type: 'TO', send: { type: 'INC' } };
    const second = applyEvent(agent, first, tell).snapshot;
    applyEvent(agent, second, tell);

    const counts = [first, second].map(({ family }) => family?.actors.get(1)?.snapshot.context);
    expect(counts).toEqual([{ n: 0 }, { n: 1 }]);
  });

  test('does not share a constant context with those of other agents', () => {
    const list = createMachine({
      context: { list: [] as number[] },
      on: { ADD: { actions: assign(({ context }) => (context.list.push(1), {})) } },
    });
    const [one, two] = [new Scene(mall({}, list)), new Scene(mall({}, list))];
    for (const scene of [one, two]) scene.take([scene.event('AGAIN')]);
    one.take([one.event('TO', { send: { type: 'ADD' } })]);

    expect(storedOf(two).children?.['shop']?.snapshot.context).toEqual({ list: [] });
  });
});

describe('stored children', () => {
  const scene = telling('INC', 'PAY');
  const bytes = encodeSnapshot(scene.definition, scene.memory.snapshot as never);

  test('go through migrations with their parent', () => {
    const rename = (stored: StoredSnapshot): StoredSnapshot => {
      const { shop: child, ...rest } = stored.children ?? {};
      return {
        ...stored,
        children: {
          ...rest,
          shop: { ...child, snapshot: { value: 'paid', context: { n: 9 }, status: 'active' } } as never,
        },
      };
    };
    const restored = decodeSnapshot(mall({ version: 2, migrate: { 2: rename } }), bytes, 1);

    expect(restored.family?.actors.get(1)?.snapshot).toMatchObject({ value: 'paid', context: { n: 9 } });
  });

  test('without a home leave the agent asleep', () => {
    const other = setup({ actors: { store: shop } }).createMachine({
      id: 'mall',
      initial: 'on',
      states: { on: {}, off: {} },
    });
    const gone = defineAgent({ type: 'notebook', machine: other });
    const changed = mall({}, createMachine({ initial: 'a', states: { a: {} } }));

    expect(failing('SNAPSHOT_HOMELESS', () => decodeSnapshot(gone, bytes, 1)).why).toMatch(/of the actor "shop"/);
    expect(failing('SNAPSHOT_HOMELESS', () => decodeSnapshot(changed, bytes, 1)).why).toMatch(
      /'paying' does not exist/,
    );
  });

  test('that a migration takes away leave fires and results without an effect', () => {
    const drop = ({ children: _gone, ...stored }: StoredSnapshot): StoredSnapshot => ({ ...stored, value: 'off' });
    const moved = telling('PAY');
    moved.startEffects();
    const late = moved.result({ outcome: 'done' });
    moved.rehydrate(mall({ version: 2, migrate: { 2: drop } }));

    const turn = moved.take([late]);

    expect([turn.failure, turn.deadLetters, moved.record.journal[0]?.state]).toEqual([undefined, [], 'done']);
  });

  test('must be durable, and are named where they are not', () => {
    const odd = createMachine({ on: { ODD: { actions: assign({ run: () => () => 1 }) } } });
    const bad = new Scene(mall({}, odd));
    bad.take([bad.event('TO', { send: { type: 'ODD' } })]);

    const { path } = failing('VALUE_NOT_DURABLE', () => encodeSnapshot(bad.definition, bad.memory.snapshot as never));
    expect(path).toBe('children.shop.snapshot.context.run');
  });

  test('may be transition functions of any state', () => {
    const bag = fromTransition(
      (state: ReadonlySet<string>, event: { type: string }) => new Set([...state, event.type]),
      new Set<string>(),
    );
    const machine = setup({ actors: { bag } }).createMachine({
      entry: spawnChild('bag', { id: 'bag' }),
      on: { PUT: { actions: sendTo('bag', { type: 'PUT' }) } },
    });
    const agent = defineAgent({ type: 'order', machine });
    const { snapshot } = applyEvent(agent, initialStep(agent, key).snapshot, { type: 'PUT' });
    const restored = decodeSnapshot(agent, encodeSnapshot(agent, snapshot), 1);

    expect(restored.family?.actors.get(1)?.snapshot.context).toEqual(new Set(['PUT']));
  });
});
