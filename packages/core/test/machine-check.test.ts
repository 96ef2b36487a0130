import {
  and,
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  forwardTo,
  fromCallback,
  fromEventObservable,
  fromObservable,
  fromPromise,
  fromTransition,
  log,
  not,
  or,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stateIn,
} from 'xstate';
import { describe, expect, test, vi } from 'vitest';
import { type AgentDefinition, defineAgent } from '../src/mod.ts';
import { failing } from './failing.ts';

type Config = Parameters<typeof createMachine>[0];

function define(config: object, implementations: object = {}): AgentDefinition {
  return defineAgent({ type: 'order', machine: createMachine(config as Config, implementations as never) } as never);
}
function refusalOf(config: object, implementations: object = {}): { path: string; why: string } {
  const { path, why } = failing('MACHINE_UNSUPPORTED', () => define(config, implementations));
  return { path, why };
}

/** A machine with a state two levels down. */
function inState(state: object): object {
  return { initial: 'a', states: { a: { initial: 'b', states: { b: state } } } };
}

/** What {@link invoking} can invoke. */
const actors = {
  pay: fromPromise(() => Promise.resolve()),
  machine: createMachine({}),
  callback: fromCallback(() => {}),
  observable: fromObservable(() => ({ subscribe: () => ({ unsubscribe: () => {} }) })),
  transition: fromTransition((state: number) => state + 1, 0),
  events: fromEventObservable(() => ({ subscribe: () => ({ unsubscribe: () => {} }) })),
  strange: {
    start: () => {},
    transition: () => {},
    getInitialSnapshot: () => {
      throw new Error('no');
    },
  },
};
const AT = 'states.a.states.b.';

function invoking(invoke: unknown): object {
  return inState({ invoke });
}

describe('a machine is refused, with the path in it, for', () => {
  const promise = fromPromise(() => Promise.resolve());
  const cases: Array<[string, object, string, RegExp]> = [
    ['an invoke of a logic without a name', invoking({ id: 'pay', src: promise }), `${AT}invoke`, /its src is no name/],
    ['an invoke without an ID', invoking({ src: 'pay' }), `${AT}invoke`, /has no id, and a generated one shifts/],
    [
      'an invoke of nothing',
      invoking([
        { id: 'pay', src: 'pay' },
        { id: 'x', src: 'nobody' },
      ]),
      `${AT}invoke[1]`,
      /"nobody" has no implementation \(there are pay/,
    ],
    ['an invoke of what is only on the prototype', invoking({ id: 'x', src: 'toString' }), `${AT}invoke`, /"toString"/],
    ['an invoked callback', invoking({ id: 'x', src: 'callback' }), `${AT}invoke`, /a callback.*effect\(\)/],
    ['an invoked observable', invoking({ id: 'x', src: 'observable' }), `${AT}invoke`, /an observable.*as an event/],
    ['an invoked event observable', invoking({ id: 'x', src: 'events' }), `${AT}invoke`, /an observable/],
    [
      'an invoked logic of an unknown kind',
      invoking({ id: 'x', src: 'strange' }),
      `${AT}invoke`,
      /none of fromPromise/,
    ],
    ['an invoke with a system ID', invoking({ id: 'x', src: 'pay', systemId: 'y' }), `${AT}invoke`, /systemId/],
    [
      'an invoke that watches',
      invoking({ id: 'x', src: 'pay', onSnapshot: 'b' }),
      `${AT}invoke.onSnapshot`,
      /onDone and onError/,
    ],
    [
      'an action after an invoke',
      invoking({ id: 'x', src: 'pay', onError: [{ guard: () => false }, { actions: 'nobody' }] }),
      `${AT}invoke.onError[1].actions`,
      /the action "nobody"/,
    ],
    [
      'two invokes of one ID in states that are active together',
      {
        type: 'parallel',
        states: { a: { invoke: { id: 'x', src: 'pay' } }, b: { invoke: { id: 'x', src: 'pay' } } },
      },
      'states.b.invoke',
      /also that of states\.a\.invoke/,
    ],
    [
      'spawnChild without a name on entry',
      inState({ entry: [assign({}), spawnChild(promise as never)] }),
      'states.a.states.b.entry[1]',
      /its src is no name/,
    ],
    [
      'sendTo',
      inState({ on: { GO: { actions: sendTo('order/x', { type: 'y' }) } } }),
      'states.a.states.b.on.GO.actions',
      /sendToAgent/,
    ],
    [
      'forwardTo',
      { on: { 'a.b': [{ guard: () => true }, { actions: [cancel('x'), forwardTo('order/x')] }] } },
      'on.a.b[1].actions[1]',
      /reach only the agent's own actors/,
    ],
    [
      'sendParent',
      inState({ always: { guard: () => false, actions: sendParent({ type: 'x' }) } }),
      'states.a.states.b.always.actions',
      /no parent/,
    ],
    [
      'a delayed sendTo without its delay',
      inState({ after: { 100: { actions: sendTo('x', { type: 'y' }, { delay: 'soon' as never }) } } }),
      'states.a.states.b.after.100.actions',
      /the delay "soon"/,
    ],
    [
      'an action in onDone',
      {
        initial: 'a',
        states: {
          a: { initial: 'z', states: { z: { type: 'final' } }, onDone: { actions: sendTo('order/x', { type: 'y' }) } },
        },
      },
      'states.a.onDone.actions',
      /sendToAgent/,
    ],
    [
      'an action of an initial transition',
      { initial: { target: 'a', actions: sendTo('order/x', { type: 'y' }) } as never, states: { a: {} } },
      'initial.actions',
      /sendToAgent/,
    ],
    [
      'an action without implementation',
      inState({ entry: 'nobody' }),
      'states.a.states.b.entry',
      /the action "nobody" has no implementation/,
    ],
    ['an action object without implementation', { entry: [{ type: 'nobody', params: {} }] }, 'entry[0]', /"nobody"/],
    ['an action that is only on the prototype', { entry: 'toString' }, 'entry', /"toString" has no implementation/],
    ['a guard without implementation', { on: { GO: { guard: 'maybe' } } }, 'on.GO.guard', /the guard "maybe"/],
    [
      'a guard in a guard',
      { on: { GO: { guard: and([() => true, or(['here', not('there')])]) } } },
      'on.GO.guard.guards[1].guards[1].guards[0]',
      /"there"/,
    ],
    [
      'a delay without implementation',
      inState({ after: { soon: 'b' } }),
      'states.a.states.b.after.soon',
      /the delay "soon"/,
    ],
    [
      'a named delay of raise',
      { on: { GO: { actions: raise({ type: 'X' }, { delay: 'soon' as never }) } } },
      'on.GO.actions',
      /the delay "soon"/,
    ],
    [
      'a delay that never comes',
      inState({ after: { Infinity: 'b' } }),
      'states.a.states.b.after.Infinity',
      /never comes/,
    ],
    [
      'an event of XState',
      inState({ on: { 'xstate.stop': {} } }),
      'states.a.states.b.on.xstate.stop',
      /the runtime's own/,
    ],
    ['an event of the runtime', { on: { 'wakebus.control': {} } }, 'on.wakebus.control', /choose another name/],
    ['a route', { initial: 'a', states: { a: { id: 'a', route: {} } } }, 'states.a.route', /nobody may send/],
    [
      'an ID that two states have',
      { type: 'parallel', states: { a: { id: 'same' }, b: { id: 'same' } } },
      'states.b',
      /also that of states.a/,
    ],
  ];
  test.each(cases)('%s', (_, config, path, why) => {
    expect(refusalOf(config, { actors, guards: { here: () => true } })).toEqual({
      path,
      why: expect.stringMatching(why) as string,
    });
  });

  test('a child machine, with the way to it', () => {
    const deep = createMachine({ on: { GO: { actions: 'nobody' } } } as never);
    const middle = createMachine({}, { actors: { deep } });
    expect(refusalOf({}, { actors: { middle } })).toMatchObject({
      path: 'implementations.actors.middle.implementations.actors.deep.on.GO.actions',
    });
  });

  test('an unsupported action among the implementations, used or not', () => {
    expect(refusalOf({}, { actions: { tell: sendTo('order/x', { type: 'y' }) } })).toMatchObject({
      path: 'implementations.actions.tell',
    });
  });

  test('an implemented guard that needs another which is missing', () => {
    expect(refusalOf({}, { guards: { both: and(['one']) } })).toMatchObject({
      path: 'implementations.guards.both.guards[0]',
    });
  });

  test('a delay that is implemented by something else than a number', () => {
    expect(
      refusalOf({ initial: 'a', states: { a: { after: { soon: {} } } } }, { delays: { soon: '5 s' } }),
    ).toMatchObject({ path: 'states.a.after.soon' });
  });
});

test('a constant context that cannot be stored is refused with its path', () => {
  expect(failing('VALUE_NOT_DURABLE', () => define({ context: { tools: [{ run: () => 1 }] } }))).toMatchObject({
    path: 'context.tools[0].run',
  });
});

test('a machine is taken with all that can sleep', () => {
  const machine = setup({
    actions: { act: () => {}, later: raise({ type: 'X' }, { delay: 5, id: 'x' }) },
    guards: { yes: () => true, both: and([() => true]) },
    delays: { soon: 5, computed: () => 5 },
  }).createMachine({
    type: 'parallel',
    context: { list: [], at: new Date(0), map: new Map() },
    states: {
      one: {
        initial: 'a',
        states: {
          a: {
            entry: ['act', { type: 'act' }, log('x'), emit({ type: 'e' })],
            after: { 5: 'b', soon: 'b', computed: 'b' },
            on: {
              GO: [{ guard: 'both', target: 'b' }, { guard: not('yes') }, { guard: stateIn('#z') }, {}, 'b' as never],
            },
          },
          b: { always: { guard: () => false, target: 'a' }, exit: enqueueActions(() => {}) },
          h: { type: 'history' },
          z: { id: 'z', type: 'final' },
        },
        onDone: { actions: cancel('x') },
        on: { 'xstate.done.state.(machine).one': {}, '*': {} },
      },
      two: {},
    },
  });
  expect(() => defineAgent({ type: 'order', machine })).not.toThrow();
});

test('nothing of the machine is run by looking at it', () => {
  const run = vi.fn(() => ({}));
  define({ context: run, entry: [assign(run), run, enqueueActions(run)], always: { guard: run } });
  expect(run).not.toHaveBeenCalled();
});
