/** Families under random events, waits and ends of tasks: an agent that sleeps before every step goes where XState's live actor goes. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AsleepSide } from './asleep-side.ts';
import {
  type Behaviour,
  type Happening,
  type Props,
  assign,
  forwardTo,
  machineOf,
  note,
  raise,
  sendParent,
  sendTo,
  spawnChild,
  stopChild,
} from './behaviour.ts';
import { LiveSide } from './live-side.ts';
import { sum } from './parts.ts';

interface Kid {
  readonly event: { readonly kid: string };
}

/** A child with a delay, a task, a child of its own and much to say. */
function kidMachine({ task }: Props): ReturnType<typeof machineOf> {
  const toy = machineOf({
    initial: 'a',
    context: { turns: 0 },
    states: { a: { after: { 15: 'b' } }, b: { after: { 15: 'a' }, entry: sendParent({ type: 'TOY' }) } },
    on: { TURN: { actions: assign({ turns: ({ context }: { context: { turns: number } }) => context.turns + 1 }) } },
  });
  return machineOf(
    {
      initial: 'calm',
      context: { notes: [] },
      on: {
        TOY: { actions: note('toy') },
        END: '.over',
        BOOM: {
          actions: assign(() => {
            throw new Error('boom');
          }),
        },
      },
      states: {
        calm: {
          after: { 40: 'busy' },
          on: {
            WORK: 'busy',
            TELL: { actions: [sendParent({ type: 'HEARD', what: 'tell' }), raise({ type: 'TOY' })] },
          },
        },
        busy: {
          invoke: [
            { id: 'task', src: 'task', onDone: { target: 'calm', actions: note('done') }, onError: 'calm' },
            { id: 'toy', src: 'toy' },
          ],
          exit: sendTo('toy', { type: 'TURN' }),
          on: { TELL: { actions: sendTo('toy', { type: 'TURN' }) }, WORK: { target: 'busy', reenter: true } },
        },
        over: { type: 'final' },
      },
      output: ({ context }: { context: { notes: readonly unknown[] } }) => context.notes.length,
    },
    { task, toy },
  );
}

function familyMachine(props: Props): ReturnType<typeof machineOf> {
  const kidOf = ({ event }: Kid): string => event.kid;
  const isThere = ({ context, event }: Kid & { context: { kids: readonly string[] } }): boolean =>
    context.kids.includes(event.kid);
  return machineOf(
    {
      initial: 'on',
      context: { notes: [], kids: [] },
      on: {
        HEARD: { actions: note('heard') },
        MAKE: {
          guard: (args: never) => !isThere(args),
          actions: [
            assign({
              kids: ({ context, event }: { context: { kids: readonly string[] } } & Kid) => [
                ...context.kids,
                event.kid,
              ],
            }),
            spawnChild('kid', { id: kidOf }),
          ],
        },
        TO: { guard: isThere, actions: sendTo(kidOf, ({ event }: { event: { send: object } }) => event.send) },
        LATER: {
          guard: isThere,
          actions: sendTo(kidOf, ({ event }: { event: { send: object } }) => event.send, { delay: 20 }),
        },
        DROP: {
          guard: isThere,
          actions: [
            stopChild(kidOf),
            assign({
              kids: ({ context, event }: { context: { kids: readonly string[] } } & Kid) =>
                context.kids.filter((kid) => kid !== event.kid),
            }),
          ],
        },
        'xstate.done.actor.*': { actions: note(({ output }: { output: unknown }) => output) },
        'xstate.error.actor.*': { actions: note('error') },
        ADD: { actions: forwardTo('sum') },
      },
      invoke: {
        id: 'sum',
        src: 'sum',
        onSnapshot: {
          actions: note(({ snapshot }: { snapshot: { context: { total: number } } }) => snapshot.context.total),
        },
      },
      states: {
        on: {
          invoke: { id: 'own', src: 'kid' },
          on: {
            TOGGLE: 'off',
            OWN: { actions: sendTo('own', ({ event }: { event: { send: object } }) => event.send) },
          },
        },
        off: { on: { TOGGLE: 'on' }, after: { 100: 'on' } },
      },
    },
    { kid: kidMachine(props), sum },
  );
}

const kids = fc.constantFrom('one', 'two');
const words = fc.constantFrom('WORK', 'TELL', 'END', 'TURN', 'UNKNOWN', 'BOOM').map((type) => ({ type }));
const happenings: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 3, arbitrary: kids.map((kid) => ({ type: 'MAKE', kid })) },
  { weight: 6, arbitrary: fc.tuple(kids, words).map(([kid, send]) => ({ type: 'TO', kid, send })) },
  { weight: 3, arbitrary: fc.tuple(kids, words).map(([kid, send]) => ({ type: 'LATER', kid, send })) },
  { weight: 2, arbitrary: kids.map((kid) => ({ type: 'DROP', kid })) },
  { weight: 3, arbitrary: words.map((send) => ({ type: 'OWN', send })) },
  { weight: 2, arbitrary: fc.constant({ type: 'TOGGLE' }) },
  { weight: 1, arbitrary: fc.constant({ type: 'ADD', by: 2 }) },
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 60 }) },
  { weight: 3, arbitrary: fc.constantFrom({ done: 'task' }, { failed: 'task', error: 'no' }) },
);

const behaviour: Behaviour = { what: 'a family', machine: familyMachine, happens: [] };

test('a family that sleeps before every step ends where XState’s own ends', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happenings, { maxLength: 30 }), async (happens) => {
      const [live, asleep] = [new LiveSide(behaviour), new AsleepSide(behaviour)];
      for (const happening of happens) {
        await live.take(happening);
        await asleep.take(happening);
        expect(asleep.seen).toEqual(live.seen);
      }
    }),
    { numRuns: 150 },
  );
});
