import { agentKey } from '@wakebus/protocol';
import { assign, createActor, createMachine, enqueueActions, setup } from 'xstate';
import { expect, expectTypeOf, test } from 'vitest';
import {
  type ContextOf,
  type EventOf,
  type OutputOf,
  applyEvent,
  defineAgent,
  initialStep,
  refuse,
  reply,
  sendToAgent,
  sleepNow,
} from '../src/mod.ts';

type Events = { type: 'add'; amount: number } | { type: 'tell'; who: string } | { type: 'end' };

const machine = setup({
  types: { context: {} as { total: number }, events: {} as Events, output: {} as { total: number } },
  actions: {
    note: sendToAgent(
      ({ context }) => `log/${context.total}`,
      ({ context }) => ({ type: 'noted', total: context.total }),
    ),
    greet: sendToAgent(
      (_, params: { who: string }) => `person/${params.who}`,
      (_, params: { who: string }) => ({ type: 'hello', who: params.who }),
    ),
    answer: reply(({ context }) => context.total),
    no: refuse('too much', ({ context }) => ({ total: context.total })),
    rest: sleepNow(),
  },
  guards: { tooMuch: ({ context }) => context.total > 100 },
}).createMachine({
  context: { total: 0 },
  initial: 'open',
  states: {
    open: {
      on: {
        add: [
          { guard: 'tooMuch', actions: 'no' },
          {
            actions: [
              assign({ total: ({ context, event }) => context.total + event.amount }),
              'note',
              'answer',
              reply(({ context, event }) => [context.total, event.amount]),
              'rest',
            ],
          },
        ],
        tell: {
          actions: enqueueActions(({ enqueue, event }) => {
            enqueue({ type: 'greet', params: { who: event.who } });
            enqueue(sendToAgent(`person/${event.who}`, { type: 'bye' }));
            enqueue(refuse(({ context }) => `only ${context.total}`));
            enqueue('rest');
          }),
        },
        end: 'closed',
      },
    },
    closed: { type: 'final' },
  },
  output: ({ context }) => ({ total: context.total }),
});
const agent = defineAgent({ type: 'account', machine });
const { snapshot } = initialStep(agent, agentKey('account', '1'));

test('named and inline actions give their outputs, with event, context and params', () => {
  const step = applyEvent(agent, snapshot, { type: 'add', amount: 5 });
  expect(step.outputs).toEqual([
    { kind: 'send', to: 'log.5', event: { type: 'noted', total: 5 } },
    { kind: 'reply', value: 5 },
    { kind: 'reply', value: [5, 5] },
    { kind: 'sleep' },
  ]);
});

test('actions in enqueueActions do the same', () => {
  expect(applyEvent(agent, snapshot, { type: 'tell', who: 'ada' }).outputs).toEqual([
    { kind: 'send', to: 'person.ada', event: { type: 'hello', who: 'ada' } },
    { kind: 'send', to: 'person.ada', event: { type: 'bye' } },
    { kind: 'refuse', reason: 'only 0', detail: undefined },
    { kind: 'sleep' },
  ]);
});

test('a refusal carries its facts', () => {
  const rich = applyEvent(agent, snapshot, { type: 'add', amount: 500 }).snapshot;
  expect(applyEvent(agent, rich, { type: 'add', amount: 1 }).outputs).toEqual([
    { kind: 'refuse', reason: 'too much', detail: { total: 500 } },
  ]);
});

test('in a plain XState actor the same machine runs, and the actions do nothing', () => {
  const actor = createActor(machine).start();
  actor.send({ type: 'add', amount: 5 });
  actor.send({ type: 'tell', who: 'ada' });
  expect(actor.getSnapshot().context).toEqual({ total: 5 });
  actor.send({ type: 'end' });
  expect(actor.getSnapshot().output).toEqual({ total: 5 });
});

test('a reply without a value answers with nothing', () => {
  const silent = defineAgent({ type: 'silent', machine: createMachine({ on: { GO: { actions: reply() } } }) });
  expect(applyEvent(silent, initialStep(silent, agentKey('silent', '1')).snapshot, { type: 'GO' }).outputs).toEqual([
    { kind: 'reply', value: undefined },
  ]);
});

test('types flow from the machine into the definition', () => {
  expectTypeOf<EventOf<typeof agent>>().toEqualTypeOf<Events>();
  expectTypeOf<ContextOf<typeof agent>>().toEqualTypeOf<{ total: number }>();
  expectTypeOf<OutputOf<typeof agent>>().toEqualTypeOf<{ total: number }>();
});

test('a wrong action does not compile', () => {
  setup({
    types: { context: {} as { n: number }, events: {} as { type: 'go' } },
    actions: {
      // @ts-expect-error The context has no such field.
      wrongField: reply(({ context }) => context.nothing),
      // @ts-expect-error An event needs a type.
      noType: sendToAgent('a/b', { kind: 'x' }),
      // @ts-expect-error An address is a text.
      noAddress: sendToAgent(({ context }) => context.n, { type: 'x' }),
    },
  });
});

test('an agent whose machine needs an input needs one too', () => {
  const needy = setup({ types: { context: {} as { n: number }, input: {} as { n: number } } }).createMachine({
    context: ({ input }) => input,
  });
  // @ts-expect-error `input` is missing.
  defineAgent({ type: 'needy', machine: needy });
  // @ts-expect-error `input` makes something else.
  defineAgent({ type: 'needy', machine: needy, input: () => ({ m: 1 }) });
  defineAgent({ type: 'needy', machine: needy, input: ({ id }) => ({ n: id.length }) });
});
