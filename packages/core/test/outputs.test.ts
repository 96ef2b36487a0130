import {
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  log,
  raise,
  sendTo,
  setup,
  spawnChild,
  stopChild,
} from 'xstate';
import { describe, expect, test, vi } from 'vitest';
import { applyEvent, initialStep, refuse, reply, sendToAgent, sleepNow } from '../src/mod.ts';
import { failing } from './failing.ts';
import { agentOf, born, doing, key, outputsOf } from './stepping.ts';

function n({ context }: { context: object }): unknown {
  return (context as { n: number }).n;
}

describe('outputs', () => {
  test('come in the machine’s order: exit, transition, entry', () => {
    const agent = agentOf(
      createMachine({
        initial: 'a',
        states: {
          a: {
            after: { 5000: 'b' },
            exit: reply('exit'),
            on: { GO: { target: 'b', actions: [sleepNow(), refuse('no')] } },
          },
          b: { entry: sendToAgent('log/x', { type: 'note' }), after: { 100: 'a' } },
        },
      }),
    );
    const birth = initialStep(agent, key);
    expect(birth.outputs).toEqual([
      {
        kind: 'timer',
        id: 'xstate.after.5000.(machine).a',
        delayMs: 5000,
        event: { type: 'xstate.after.5000.(machine).a' },
      },
    ]);
    expect(applyEvent(agent, birth.snapshot, { type: 'GO' }).outputs).toEqual([
      { kind: 'reply', value: 'exit' },
      { kind: 'cancel', id: 'xstate.after.5000.(machine).a' },
      { kind: 'sleep' },
      { kind: 'refuse', reason: 'no', detail: undefined },
      { kind: 'send', to: 'log.x', event: { type: 'note' } },
      {
        kind: 'timer',
        id: 'xstate.after.100.(machine).b',
        delayMs: 100,
        event: { type: 'xstate.after.100.(machine).b' },
      },
    ]);
  });

  test('are resolved with the context after the assignments before them, and before those after', () => {
    expect(outputsOf([reply(n), assign({ n: 2 }), reply(n), assign({ n: 3 })])).toEqual([
      { kind: 'reply', value: 1 },
      { kind: 'reply', value: 2 },
    ]);
  });

  test('of all microsteps are there, with those of raised events', () => {
    const agent = agentOf(
      createMachine({
        initial: 'a',
        states: {
          a: { on: { GO: { target: 'b', actions: [raise({ type: 'NEXT' }), reply('first')] } } },
          b: { on: { NEXT: { target: 'c', actions: reply('second') } } },
          c: { always: 'd' },
          d: { entry: reply('third') },
        },
      }),
    );
    const step = applyEvent(agent, born(agent), { type: 'GO' });
    expect(step.outputs.map((output) => (output.kind === 'reply' ? output.value : output.kind))).toEqual([
      'first',
      'second',
      'third',
    ]);
    expect(step.snapshot.value).toBe('d');
  });

  test('are made by enqueueActions too', () => {
    const queued = enqueueActions(({ enqueue }) => {
      enqueue(reply('r'));
      enqueue.raise({ type: 'LATER' }, { delay: 50, id: 'later' });
      enqueue.cancel('other');
      enqueue.emit({ type: 'seen' });
    });
    expect(outputsOf(queued).map(({ kind }) => kind)).toEqual(['reply', 'timer', 'cancel', 'emit']);
  });

  test('of emit() carry the event', () => {
    expect(outputsOf(emit(({ event }: { event: { type: string } }) => ({ type: 'seen', of: event.type })))).toEqual([
      { kind: 'emit', event: { type: 'seen', of: 'GO' } },
    ]);
  });

  test('of a delayed raise without an ID leave the ID open', () => {
    expect(outputsOf(raise({ type: 'LATER' }, { delay: 10 }))).toEqual([
      { kind: 'timer', id: undefined, delayMs: 10, event: { type: 'LATER' } },
    ]);
  });

  test('of delays that are computed, by name or by function, carry the number', () => {
    const agent = agentOf(
      setup({ delays: { patience: ({ context }) => (context as { n: number }).n * 1000 } }).createMachine({
        context: { n: 3 },
        initial: 'a',
        states: {
          a: { after: { patience: 'a' }, on: { GO: { actions: raise({ type: 'GO' }, { delay: () => -5, id: 'x' }) } } },
        },
      }),
    );
    const birth = initialStep(agent, key);
    expect(birth.outputs).toMatchObject([{ kind: 'timer', id: 'xstate.after.patience.(machine).a', delayMs: 3000 }]);
    expect(applyEvent(agent, birth.snapshot, { type: 'GO' }).outputs).toMatchObject([
      { kind: 'timer', id: 'x', delayMs: 0 },
    ]);
  });

  test('of two delays that are the same number are one timer', () => {
    const agent = agentOf(
      createMachine({
        initial: 'a',
        states: { a: { after: { 1000: { target: 'b', guard: () => false }, '1e3': 'c' } }, b: {}, c: {} },
      }),
    );
    const birth = initialStep(agent, key);
    expect(new Set(birth.outputs.map((output) => (output as { id: string }).id)).size).toBe(1);
    expect(applyEvent(agent, birth.snapshot, { type: 'xstate.after.1000.(machine).a' }).snapshot.value).toBe('c');
  });

  test('of custom actions run when they are asked to, with their own arguments', () => {
    const calls: unknown[] = [];
    const machine = setup({
      actions: { notify: ({ context, event }, params: { to: string }) => calls.push([context, event, params]) },
    }).createMachine({
      context: { n: 1 },
      on: { GO: { actions: [{ type: 'notify', params: { to: 'me' } }, assign({ n: 2 })] } },
    });
    const agent = agentOf(machine);
    const [output] = applyEvent(agent, born(agent), { type: 'GO' }).outputs;
    expect(output).toMatchObject({ kind: 'action', name: 'notify' });
    expect(calls).toEqual([]);
    if (output?.kind === 'action') output.run();
    expect(calls).toEqual([[{ n: 1 }, { type: 'GO' }, { to: 'me' }]]);
  });

  test('of log() are written when they are run', () => {
    const write = vi.spyOn(console, 'log').mockReturnValue();
    for (const output of outputsOf(log('hello', 'greeting'))) if (output.kind === 'action') output.run();
    expect(write.mock.calls).toEqual([['greeting', 'hello']]);
    write.mockRestore();
  });

  test('of self.send() are refused: nothing would ever take it out of the queue', () => {
    const [output] = outputsOf(({ self }: { self: { send: (event: object) => void } }) => self.send({ type: 'GO' }));
    expect(() => output?.kind === 'action' && output.run()).toThrow(/use raise\(\)/);
  });
});

describe('what cannot be kept is refused when it is run:', () => {
  const child = createMachine({});
  const cases: Array<[string, unknown, RegExp]> = [
    [
      'spawnChild',
      enqueueActions(({ enqueue }) => enqueue.spawnChild(child as never, { id: 'c' })),
      /its src is no name/,
    ],
    [
      'spawn in an assignment',
      assign(({ spawn }) => ({ ref: spawn(child as never, { id: 'c' } as never) })),
      /from a logic that has no name/,
    ],
    ['an unknown action', enqueueActions(({ enqueue }) => enqueue('nobody')), /"nobody" has no implementation/],
    [
      'a delay that is no number',
      raise({ type: 'X' }, { delay: () => Number.NaN, id: 'x' }),
      /is NaN and not a number/,
    ],
    ['a delay without an end', raise({ type: 'X' }, { delay: () => Number.POSITIVE_INFINITY, id: 'x' }), /is Infinity/],
  ];
  test.each(cases)('%s', (_, actions, why) => {
    const agent = doing(actions);
    expect(failing('MACHINE_UNSUPPORTED', () => applyEvent(agent, born(agent), { type: 'GO' }))).toEqual({
      agentType: 'order',
      path: 'an action of "GO"',
      why: expect.stringMatching(why) as string,
    });
  });

  test('sendParent', () => {
    expect(() => outputsOf(enqueueActions(({ enqueue }) => enqueue.sendParent({ type: 'x' })))).toThrow(/_parent/);
  });

  test('an `after` whose delay gives no number, which XState would fire at once', () => {
    const machine = setup({ delays: { soon: () => undefined as never } }).createMachine({
      initial: 'a',
      states: { a: { after: { soon: 'b' } }, b: {} },
    });
    expect(failing('MACHINE_UNSUPPORTED', () => initialStep(agentOf(machine), key)).why).toMatch(/is undefined/);
  });

  test.each([
    ['an event', sendToAgent('log/x', { type: 'note', callback: () => 1 }), 'event.callback'],
    ['an answer', reply({ deep: [Symbol('s')] }), 'reply.deep[0]'],
    ['the detail of a refusal', refuse('no', { at: new WeakMap() }), 'detail.at'],
    ['an emitted event', emit({ type: 'e', on: new URL('http://x') }), 'event.on'],
    ['a delayed event', raise({ type: 'X', f: () => 1 } as never, { delay: 5 }), 'event.f'],
  ])('%s that cannot be stored', (_, action, path) => {
    expect(failing('VALUE_NOT_DURABLE', () => outputsOf(action)).path).toBe(path);
  });

  test('an address that is none', () => {
    expect(failing('INVALID_ADDRESS', () => outputsOf(sendToAgent('nowhere', { type: 'x' }))).why).toMatch(/no slash/);
  });

  test('an event in the runtime’s name', () => {
    failing('RESERVED_EVENT', () => outputsOf(sendToAgent('log/x', { type: 'xstate.stop' })));
  });
});

test('unsupported actions that stand in the open never come so far', () => {
  for (const action of [spawnChild('x' as never), sendTo('x', { type: 'y' })]) {
    failing('MACHINE_UNSUPPORTED', () => doing(action));
  }
  for (const action of [cancel('x'), stopChild('x')]) expect(() => doing(action)).not.toThrow();
});
