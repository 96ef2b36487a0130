/** Delayed transitions and events. */
import { assign, type Behaviour, cancel, machineOf, note, raise, sendTo } from './behaviour.ts';

/** A light that changes by itself. */
const light = (): ReturnType<typeof machineOf> =>
  machineOf({
    id: 'light',
    initial: 'green',
    states: { green: { after: { 100: 'yellow' } }, yellow: { after: { 100: [{ target: 'red' }] } }, red: {} },
  });

export const delays: readonly Behaviour[] = [
  {
    what: '`after` takes its transition when its time has come, and not before',
    machine: light,
    happens: [99, 1, 99, 1, 500],
  },
  {
    what: '`after` of a state that is left is cancelled',
    machine: () =>
      machineOf({
        initial: 'a',
        states: { a: { after: { 10: 'late' }, on: { GO: 'b' } }, b: {}, late: {} },
      }),
    happens: [5, { type: 'GO' }, 100],
  },
  {
    what: '`after` starts anew when its state is entered again, and the fire of the visit before is dropped',
    machine: () =>
      machineOf({
        initial: 'a',
        context: { notes: [] },
        states: {
          a: { after: { 10: 'late' }, on: { AGAIN: { target: 'a', reenter: true, actions: note('again') } } },
          late: {},
        },
      }),
    happens: [8, { type: 'AGAIN' }, 8, { type: 'AGAIN' }, 9, 1],
  },
  {
    what: 'a transition without a target does not touch the delays of its state',
    machine: () =>
      machineOf({
        initial: 'a',
        context: { notes: [] },
        states: { a: { after: { 10: 'late' }, on: { NOTE: { actions: note('n') } } }, late: {} },
      }),
    happens: [8, { type: 'NOTE' }, 2],
  },
  {
    what: 'the first delay of several whose guard holds wins, and the others are cancelled with the state',
    machine: () =>
      machineOf({
        initial: 'a',
        context: { ready: false },
        states: {
          a: {
            after: {
              10: { guard: ({ context }: { context: { ready: boolean } }) => context.ready, target: 'b' },
              20: 'c',
            },
            on: { READY: { actions: assign({ ready: true }) } },
          },
          b: {},
          c: {},
        },
      }),
    happens: [10, { type: 'READY' }, 10, 50],
  },
  {
    what: 'one delay may have several candidates, tried in order',
    machine: () =>
      machineOf({
        initial: 'a',
        states: { a: { after: { 10: [{ guard: () => false, target: 'b' }, { target: 'c' }] } }, b: {}, c: {} },
      }),
    happens: [10],
  },
  {
    what: 'delays of a parent state go on while its children change',
    machine: () =>
      machineOf({
        initial: 'p',
        states: {
          p: { after: { 30: 'over' }, initial: 'x', states: { x: { after: { 10: 'y' } }, y: { after: { 10: 'x' } } } },
          over: {},
        },
      }),
    happens: [10, 10, 9, 1, 100],
  },
  {
    what: 'delays of parallel states run beside each other',
    machine: () =>
      machineOf({
        type: 'parallel',
        states: {
          one: { initial: 'a', states: { a: { after: { 10: 'b' } }, b: {} } },
          two: { initial: 'a', states: { a: { after: { 15: 'b' } }, b: {} } },
        },
      }),
    happens: [10, 4, 1],
  },
  {
    what: 'a named delay may be a number or a function of context and event',
    machine: () =>
      machineOf(
        {
          initial: 'a',
          context: { ms: 40 },
          states: { a: { after: { computed: 'b' } }, b: { after: { fixed: 'c' } }, c: {} },
        },
        {},
        { delays: { computed: ({ context }: { context: { ms: number } }) => context.ms, fixed: 7 } },
      ),
    happens: [39, 1, 6, 1],
  },
  {
    what: 'a delay of zero is taken by an event of its own, not in the same step',
    machine: () => machineOf({ initial: 'a', states: { a: { after: { 0: 'b' } }, b: {} } }),
    happens: [1],
  },
  {
    what: 'a delayed `raise` comes back when its time has come',
    machine: () =>
      machineOf({
        initial: 'a',
        context: { notes: [] },
        states: {
          a: {
            entry: raise({ type: 'RING' }, { delay: 10 }),
            on: { RING: { target: 'b', actions: note('ring') } },
          },
          b: {},
        },
      }),
    happens: [9, 1],
  },
  {
    what: 'a delayed `raise` outlives the state that made it',
    machine: () =>
      machineOf({
        initial: 'a',
        context: { notes: [] },
        on: { RING: { actions: note('ring') } },
        states: { a: { entry: raise({ type: 'RING' }, { delay: 10 }), on: { GO: 'b' } }, b: {} },
      }),
    happens: [{ type: 'GO' }, 10],
  },
  {
    what: '`cancel` takes back a delayed event by its ID',
    machine: () =>
      machineOf({
        initial: 'a',
        context: { notes: [] },
        states: {
          a: {
            entry: raise({ type: 'RING' }, { id: 'bell', delay: 10 }),
            on: { RING: { actions: note('ring') }, QUIET: { actions: cancel('bell') } },
          },
        },
      }),
    happens: [5, { type: 'QUIET' }, 50],
  },
  {
    what: '`cancel` may compute the ID, and touches no other',
    machine: () =>
      machineOf({
        context: { notes: [] },
        entry: [raise({ type: 'ONE' }, { id: 'b1', delay: 10 }), raise({ type: 'TWO' }, { id: 'b2', delay: 10 })],
        on: {
          ONE: { actions: note('one') },
          TWO: { actions: note('two') },
          QUIET: { actions: cancel(({ event }: { event: { which: string } }) => event.which) },
        },
      }),
    happens: [{ type: 'QUIET', which: 'b1' }, 10],
  },
  {
    what: 'a delay may be computed from the event that sets it',
    machine: () =>
      machineOf({
        context: { notes: [] },
        on: {
          LATER: { actions: raise({ type: 'RING' }, { delay: ({ event }: { event: { ms: number } }) => event.ms }) },
          RING: { actions: note('ring') },
        },
      }),
    happens: [{ type: 'LATER', ms: 20 }, { type: 'LATER', ms: 5 }, 5, 15],
  },
  {
    what: 'delayed events of the same time come in the order in which they were set',
    machine: () =>
      machineOf({
        context: { notes: [] },
        entry: [1, 2, 3].map((n) => raise({ type: 'N', n }, { delay: 10 })),
        on: { N: { actions: note(({ n }: { n: number }) => n) } },
      }),
    happens: [10],
  },
  {
    what: 'a delayed `sendTo` itself is a delayed `raise`',
    machine: () =>
      machineOf({
        context: { notes: [] },
        on: {
          LATER: { actions: sendTo(({ self }: { self: never }) => self, { type: 'RING' }, { delay: 10, id: 'x' }) },
          QUIET: { actions: cancel('x') },
          RING: { actions: note('ring') },
        },
      }),
    happens: [{ type: 'LATER' }, 10, { type: 'LATER' }, { type: 'QUIET' }, 20],
  },
  {
    what: 'what a final state leaves armed does not fire',
    machine: () =>
      machineOf({
        initial: 'a',
        context: { notes: [] },
        states: { a: { after: { 10: 'z' } }, z: { type: 'final' } },
        entry: raise({ type: 'RING' }, { delay: 20 }),
        on: { RING: { actions: note('ring') } },
      }),
    happens: [10, 20],
  },
  {
    what: 'a delayed event set again under its ID replaces the first',
    differs: 'in XState both fire, and only the second can be cancelled; an agent has one timer for an ID',
    machine: () =>
      machineOf({
        context: { notes: [] },
        on: {
          LATER: { actions: raise({ type: 'RING' }, { id: 'bell', delay: 10 }) },
          RING: { actions: note('ring') },
        },
      }),
    happens: [{ type: 'LATER' }, 5, { type: 'LATER' }, 20],
  },
];
