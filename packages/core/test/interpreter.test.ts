import { agentKey } from '@wakebus/protocol';
import { assign, createMachine, enqueueActions, raise, setup } from 'xstate';
import { describe, expect, test, vi } from 'vitest';
import { applyEvent, defineAgent, initialStep, reply, sendToAgent } from '../src/mod.ts';
import { frozen } from './frozen.ts';
import { agentOf, born, doing, key, outputsOf } from './stepping.ts';

function boom(): never {
  throw new Error('boom');
}

describe('a step', () => {
  const machine = createMachine({
    context: { n: 0 },
    initial: 'a',
    states: {
      a: { on: { GO: 'b', NEVER: { target: 'b', guard: () => false }, QUIET: {}, 'part.*': 'b' } },
      b: { on: { BACK: { target: 'a', actions: assign({ n: ({ context }) => context.n + 1 }) } } },
    },
  });
  const agent = agentOf(machine);

  test('leads to another snapshot and leaves the old one as it was', () => {
    const before = born(agent);
    const after = applyEvent(agent, before, { type: 'GO' });
    expect([before.value, after.snapshot.value, after.handled, after.known]).toEqual(['a', 'b', true, true]);
  });

  test('with an event that the state ignores changes nothing, and says that the machine knows it', () => {
    const before = born(agent);
    expect(applyEvent(agent, before, { type: 'BACK' })).toEqual({
      snapshot: before,
      outputs: [],
      handled: false,
      known: true,
    });
    expect(applyEvent(agent, before, { type: 'BACK' }).snapshot).toBe(before);
  });

  test('with an event that no guard lets through is not handled', () => {
    expect(applyEvent(agent, born(agent), { type: 'NEVER' })).toMatchObject({ handled: false, known: true });
  });

  test('with a forbidden event counts as handled: the author has thought of it', () => {
    expect(applyEvent(agent, born(agent), { type: 'QUIET' })).toMatchObject({ handled: true, known: true });
  });

  test('with an event that no state knows is not even shown to XState', () => {
    const before = born(agent);
    const step = vi.spyOn(agent.machine, 'transition');
    expect(applyEvent(agent, before, { type: 'NOBODY' })).toEqual({
      snapshot: before,
      outputs: [],
      handled: false,
      known: false,
    });
    expect(step).not.toHaveBeenCalled();
  });

  test.each(['part', 'part.one', 'part.one.two'])('knows %s by a wildcard', (type) => {
    expect(applyEvent(agent, born(agent), { type })).toMatchObject({ handled: true, known: true });
  });

  test('does not take a longer name for a wildcard’s', () => {
    expect(applyEvent(agent, born(agent), { type: 'partial' }).known).toBe(false);
  });

  test('knows every event where a state takes all', () => {
    const all = agentOf(createMachine({ initial: 'a', states: { a: {}, b: { on: { '*': 'a' } } } }));
    expect(applyEvent(all, born(all), { type: 'whatever' })).toMatchObject({ handled: false, known: true });
  });

  test('inside a guard of another step does not disturb it', () => {
    const nested = agentOf(
      createMachine({
        initial: 'a',
        states: {
          a: {
            on: {
              GO: {
                target: 'b',
                guard: () => applyEvent(agent, born(agent), { type: 'GO' }).handled,
                actions: reply(1),
              },
            },
          },
          b: {},
        },
      }),
    );
    expect(applyEvent(nested, born(nested), { type: 'GO' })).toMatchObject({
      handled: true,
      outputs: [{ kind: 'reply', value: 1 }],
    });
  });
});

describe('a step that throws', () => {
  const throwing: Record<string, object> = {
    'an assignment': { on: { GO: { actions: assign(boom) } } },
    'an assignment to one field': { on: { GO: { actions: assign({ n: boom }) } } },
    'a guard': { on: { GO: { guard: boom, actions: reply(1) } } },
    'a guard of always': {
      on: { GO: { actions: reply(1) } },
      always: { guard: ({ event }: { event: { type: string } }) => event.type === 'GO' && boom() },
    },
    enqueueActions: { on: { GO: { actions: enqueueActions(boom) } } },
    'an event that is computed': { on: { GO: { actions: raise(boom) } } },
    'a delay': { on: { GO: { actions: raise({ type: 'X' }, { delay: boom }) } } },
    'an address': { on: { GO: { actions: sendToAgent(boom, { type: 'x' }) } } },
    'a reply': { on: { GO: { actions: reply(boom) } } },
    'an exit action': { on: { GO: 'b' }, exit: assign(boom) },
  };

  test.each(Object.entries(throwing))(
    'in %s throws what was thrown and leaves the old snapshot untouched',
    (_, state) => {
      const agent = agentOf(createMachine({ context: { n: 1 }, initial: 'a', states: { a: state, b: {} } } as never));
      const before = born(agent);
      expect(() => applyEvent(agent, before, { type: 'GO' })).toThrow(/boom/);
      expect([before.status, before.value, before.context]).toEqual(['active', 'a', { n: 1 }]);
    },
  );

  test('at birth throws as well, where XState would return it as a state', () => {
    expect(() => initialStep(agentOf(createMachine({ context: boom })), key)).toThrow('boom');
    expect(() => initialStep(agentOf(createMachine({ entry: assign(boom) })), key)).toThrow('boom');
    expect(() => initialStep(defineAgent({ type: 'order', machine: createMachine({}), input: boom }), key)).toThrow(
      'boom',
    );
  });

  test('because it goes round in circles, throws too', () => {
    const agent = agentOf(
      createMachine({ initial: 'a', states: { a: { on: { GO: 'b' } }, b: { always: 'c' }, c: { always: 'b' } } }),
    );
    expect(() => applyEvent(agent, born(agent), { type: 'GO' })).toThrow(/round in circles/);
  });

  test('does not keep the next one from working', () => {
    const agent = doing(assign(boom));
    expect(() => applyEvent(agent, born(agent), { type: 'GO' })).toThrow('boom');
    expect(applyEvent(agent, born(agent), { type: 'GO2' }).known).toBe(false);
    expect(outputsOf(reply(1))).toHaveLength(1);
  });
});

describe('an agent', () => {
  test('is born with the input that its definition makes of the address', () => {
    const machine = setup({
      types: { context: {} as { type: string; id: string }, input: {} as { type: string; id: string } },
    }).createMachine({ context: ({ input }) => input });
    const agent = defineAgent({ type: 'order', machine, input: (address) => address });
    expect(initialStep(agent, agentKey('order', 'a/b é')).snapshot.context).toEqual({ type: 'order', id: 'a/b é' });
    expect(initialStep(agent, key, { type: 't', id: 'given' }).snapshot.context).toEqual({ type: 't', id: 'given' });
  });

  test('does not share a constant context with the other agents of the process', () => {
    const agent = agentOf(
      createMachine({
        context: { list: [] as number[] },
        on: { GO: { actions: assign(({ context }) => (context.list.push(1), {})) } },
      }),
    );
    const first = initialStep(agent, key).snapshot;
    applyEvent(agent, first, { type: 'GO' });
    expect(initialStep(agent, agentKey('order', '18')).snapshot.context).toEqual({ list: [] });
  });

  test('that reaches a final state is done, with its output, and takes nothing more', () => {
    const agent = agentOf(
      createMachine({
        context: { n: 7 },
        initial: 'a',
        states: { a: { on: { GO: 'z' } }, z: { type: 'final' } },
        output: ({ context }: { context: { n: number } }) => ({ total: context.n }),
        on: { GO: { actions: reply(1) } },
      } as never),
    );
    const done = applyEvent(agent, born(agent), { type: 'GO' }).snapshot;
    expect([done.status, done.output]).toEqual(['done', { total: 7 }]);
    expect(applyEvent(agent, done, { type: 'GO' })).toEqual({
      snapshot: done,
      outputs: [],
      handled: false,
      known: true,
    });
  });

  test('may be done at birth', () => {
    const agent = agentOf(createMachine({ initial: 'z', states: { z: { type: 'final' } } }));
    expect(initialStep(agent, key).snapshot.status).toBe('done');
  });

  test('never changes a context that its author does not change', () => {
    const agent = agentOf(
      createMachine({
        context: { list: [1], map: new Map([['a', { n: 1 }]]), deep: { er: { n: 1 } } },
        on: {
          GO: {
            actions: [assign({ list: ({ context }) => [...context.list, 2] }), assign({ deep: { er: { n: 2 } } })],
          },
        },
      }),
    );
    let snapshot = born(agent);
    for (let i = 0; i < 5; i += 1) {
      ({ snapshot } = applyEvent(agent, snapshot, { type: 'GO' }));
      frozen(snapshot.context);
    }
    expect(snapshot.context).toMatchObject({ list: [1, 2, 2, 2, 2, 2], deep: { er: { n: 2 } } });
  });
});
