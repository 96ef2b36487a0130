import { agentKey, decode, encode } from '@wakebus/protocol';
import { type AnyStateMachine, assign, createMachine } from 'xstate';
import { describe, expect, test } from 'vitest';
import {
  type AnyAgentDefinition,
  type StoredSnapshot,
  applyEvent,
  decodeSnapshot,
  defineAgent,
  encodeSnapshot,
  initialStep,
} from '../src/mod.ts';
import { failing } from './failing.ts';

const key = agentKey('order', '17');
const agentOf = (machine: AnyStateMachine, options: object = {}): AnyAgentDefinition =>
  defineAgent({ type: 'order', machine, ...options } as never);

function slept(agent: AnyAgentDefinition, ...events: string[]): ReturnType<typeof decodeSnapshot> {
  const awake = events.reduce(
    (snapshot, type) => applyEvent(agent, snapshot, { type }).snapshot,
    initialStep(agent, key).snapshot,
  );
  return decodeSnapshot(agent, encodeSnapshot(agent, awake), agent.version);
}

describe('a snapshot that has slept', () => {
  test('goes on as if it had not', () => {
    const agent = agentOf(
      createMachine({
        initial: 'a',
        states: {
          a: { on: { GO: 'b' } },
          b: { initial: 'x', states: { x: { on: { GO: 'y' } }, y: { tags: 'here' } } },
        },
      }),
    );
    const snapshot = slept(agent, 'GO');
    expect(snapshot.value).toEqual({ b: 'x' });
    const next = applyEvent(agent, snapshot, { type: 'GO' }).snapshot;
    expect([next.value, next.hasTag('here'), next.matches({ b: 'y' })]).toEqual([{ b: 'y' }, true, true]);
  });

  test('has its context back, with all that JSON would lose', () => {
    const context = {
      at: new Date(5),
      map: new Map<unknown, unknown>([['k', new Set([1n, 2n ** 80n])]]),
      error: new RangeError('no', { cause: 'c' }),
      bytes: new Uint8Array([1, 2]),
      odd: [undefined, Number.NaN, -0, null],
      nothing: undefined,
    };
    expect(slept(agentOf(createMachine({ context }))).context).toStrictEqual(context);
  });

  test('shares nothing with the one that fell asleep', () => {
    const agent = agentOf(createMachine({ context: () => ({ list: [1] }) }));
    const awake = initialStep(agent, key).snapshot;
    const asleep = encodeSnapshot(agent, awake);
    (awake.context as { list: number[] }).list.push(2);
    expect(decodeSnapshot(agent, asleep, 1).context).toEqual({ list: [1] });
  });

  test('remembers its history, shallow and deep, also of states with odd names', () => {
    const agent = agentOf(
      createMachine({
        id: 'm',
        initial: 'on.air',
        states: {
          'on.air': {
            initial: 'one',
            states: {
              one: { on: { NEXT: 'two\\.x' } },
              'two.x': { id: 'custom.id', initial: 'p', states: { p: { on: { NEXT: 'q' } }, q: {} } },
              deep: { type: 'history', history: 'deep' },
              shallow: { type: 'history' },
            },
            on: { OFF: '#off' },
          },
          off: { id: 'off', on: { DEEP: '#m.on\\.air.deep', SHALLOW: '#m.on\\.air.shallow' } },
        },
      }),
    );
    const off = slept(agent, 'NEXT', 'NEXT', 'OFF');
    expect(applyEvent(agent, off, { type: 'DEEP' }).snapshot.value).toEqual({ 'on.air': { 'two.x': 'q' } });
    expect(applyEvent(agent, off, { type: 'SHALLOW' }).snapshot.value).toEqual({ 'on.air': { 'two.x': 'p' } });
  });

  test('is done if it was, with its output', () => {
    const agent = agentOf(
      createMachine({ initial: 'a', states: { a: { on: { GO: 'z' } }, z: { type: 'final' } }, output: { total: 5n } }),
    );
    expect(slept(agent, 'GO')).toMatchObject({ status: 'done', value: 'z', output: { total: 5n } });
  });

  test('may be of a machine without any state', () => {
    expect(slept(agentOf(createMachine({}))).value).toEqual({});
  });

  test('may be of parallel regions', () => {
    const agent = agentOf(
      createMachine({
        type: 'parallel',
        states: { a: { initial: 'x', states: { x: { on: { GO: 'y' } }, y: {} } }, b: {} },
      }),
    );
    expect(slept(agent, 'GO').value).toEqual({ a: 'y', b: {} });
  });
});

test('what is stored can be read without the machine', () => {
  const agent = agentOf(createMachine({ context: { n: 1 }, initial: 'a', states: { a: {} } }));
  expect(decode(encodeSnapshot(agent, initialStep(agent, key).snapshot))).toEqual({
    value: 'a',
    context: { n: 1 },
    status: 'active',
  });
});

test('a context that cannot be stored is refused with the path in it', () => {
  const agent = agentOf(
    createMachine({
      context: { items: [] as unknown[] },
      on: { GO: { actions: assign({ items: [1, 2, 3, { callback: () => 1 }] }) } },
    }),
  );
  const { snapshot } = applyEvent(agent, initialStep(agent, key).snapshot, { type: 'GO' });
  expect(failing('VALUE_NOT_DURABLE', () => encodeSnapshot(agent, snapshot)).path).toBe('context.items[3].callback');
});

test('an output that cannot be stored is refused as well', () => {
  const agent = agentOf(
    createMachine({
      initial: 'a',
      states: { a: { on: { GO: 'z' } }, z: { type: 'final' } },
      output: () => ({ at: new WeakMap() }),
    }),
  );
  const { snapshot } = applyEvent(agent, initialStep(agent, key).snapshot, { type: 'GO' });
  expect(failing('VALUE_NOT_DURABLE', () => encodeSnapshot(agent, snapshot)).path).toBe('output.at');
});

function split(snapshot: StoredSnapshot): StoredSnapshot {
  return { ...snapshot, context: { names: (snapshot.context['name'] as string).split(' ') } };
}
function rename(snapshot: StoredSnapshot): StoredSnapshot {
  return { ...snapshot, value: 'writing' };
}

describe('a snapshot of an older version', () => {
  const v1: StoredSnapshot = { value: 'draft', context: { name: 'Ada Lovelace' }, status: 'active' };
  const machine = createMachine({ initial: 'writing', states: { writing: {}, done: { type: 'final' } } });
  const agent = agentOf(machine, { version: 3, migrate: { 2: split, 3: rename } });

  test('is taken through each step in turn', () => {
    expect(decodeSnapshot(agent, encode(v1), 1)).toMatchObject({
      value: 'writing',
      context: { names: ['Ada', 'Lovelace'] },
    });
    expect(decodeSnapshot(agent, encode({ ...v1, context: { names: [] } }), 2)).toMatchObject({
      value: 'writing',
      context: { names: [] },
    });
  });

  test('is refused where a step is missing', () => {
    const gap = agentOf(machine, { version: 3, migrate: { 3: rename } });
    expect(failing('VERSION_UNREACHABLE', () => decodeSnapshot(gap, encode(v1), 1))).toEqual({
      agentType: 'order',
      from: 1,
      to: 3,
      missing: 2,
    });
  });

  test('is refused when a migration throws, with what it threw', () => {
    expect(
      failing('SNAPSHOT_HOMELESS', () => decodeSnapshot(agent, encode({ ...v1, context: {} }), 1, 'order/17')),
    ).toEqual({ address: 'order/17', why: expect.stringMatching(/^migrate\[2\] threw: .*split/) as string });
  });

  test.each([undefined, {}, { ...v1, value: 5 }, { ...v1, context: 'x' }, Promise.resolve(v1)])(
    'is refused when a migration returns %j',
    (result) => {
      const wrong = agentOf(machine, { version: 2, migrate: { 2: () => result } });
      expect(failing('SNAPSHOT_HOMELESS', () => decodeSnapshot(wrong, encode(v1), 1)).why).toMatch(
        /^what migrate\[2\] returned/,
      );
    },
  );

  test('is refused when it is a newer one', () => {
    expect(failing('VERSION_NEWER', () => decodeSnapshot(agent, encode(v1), 4, 'order/17'))).toEqual({
      address: 'order/17',
      version: 4,
      known: 3,
    });
  });
});

describe('a snapshot without a home', () => {
  const machine = createMachine({
    initial: 'a',
    states: {
      a: {},
      b: { initial: 'x', states: { x: {}, h: { type: 'history' } } },
      p: { type: 'parallel', states: { one: {}, two: {} } },
      z: { type: 'final' },
    },
  });
  const agent = agentOf(machine);
  const refusal = (stored: unknown): string =>
    failing('SNAPSHOT_HOMELESS', () => decodeSnapshot(agent, encode(stored), 1)).why;
  const stored = { value: 'a', context: {}, status: 'active' };

  test.each([
    ['a state that is gone', { ...stored, value: 'gone' }, /'gone' does not exist/],
    ['a child that is gone', { ...stored, value: { b: 'gone' } }, /gone/],
    ['a child of a state that has none', { ...stored, value: { a: 'x' } }, /does not exist/],
    ['a state that has got children', { ...stored, value: 'b' }, /names other states/],
    ['a region too few', { ...stored, value: { p: { one: {} } } }, /names other states/],
    ['two states at once', { ...stored, value: { a: {}, b: 'x' } }, /./],
    ['a state that has become final', { ...stored, value: 'z' }, /was not final/],
    ['the name of something on the prototype', { ...stored, value: 'toString' }, /./],
    [
      'a history of a state that is gone',
      { ...stored, history: [[['b', 'h'], [['b', 'gone']]]] },
      /history names the state b.gone/,
    ],
    ['a history that is no list', { ...stored, history: 5 }, /history/],
    ['a history of something else', { ...stored, history: [5] }, /./],
    ['no value', { context: {}, status: 'active' }, /no state value/],
    ['no context', { value: 'a', status: 'active' }, /no context/],
    ['another status', { ...stored, status: 'error' }, /no status/],
    ['no object', 'a', /not a snapshot/],
    ['nothing', null, /not a snapshot/],
  ])('is refused: %s', (_, value, why) => {
    expect(refusal(value)).toMatch(why);
  });

  test('is refused when its bytes are none', () => {
    for (const bytes of [new Uint8Array(), new Uint8Array([0xc1]), encode(stored).subarray(0, 9)])
      failing('SNAPSHOT_HOMELESS', () => decodeSnapshot(agent, bytes, 1));
  });
});
