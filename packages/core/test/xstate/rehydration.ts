/**
 * What is there again after a sleep. Every behaviour of the other lists is played with a sleep before each step as
 * well; these are those in which XState's own restored actors are at a loss.
 */
import { fromTransition } from 'xstate';
import { assign, type Behaviour, machineOf, note, sendTo, spawnChild } from './behaviour.ts';

export const rehydration: readonly Behaviour[] = [
  {
    what: 'history states remember, shallow and deep',
    machine: () =>
      machineOf({
        initial: 'on',
        states: {
          on: {
            initial: 'a',
            on: { OFF: 'off' },
            states: {
              a: { on: { NEXT: 'b' } },
              b: { initial: 'x', states: { x: { on: { NEXT: 'y' } }, y: {} } },
              deep: { type: 'history', history: 'deep' },
              shallow: { type: 'history' },
            },
          },
          off: { on: { DEEP: 'on.deep', SHALLOW: 'on.shallow' } },
        },
      }),
    happens: [
      { type: 'NEXT' },
      { type: 'NEXT' },
      { type: 'OFF' },
      { type: 'DEEP' },
      { type: 'OFF' },
      { type: 'SHALLOW' },
    ],
  },
  {
    what: 'no entry action runs again',
    machine: ({ log }) => machineOf({ initial: 'a', states: { a: { entry: () => log('entered'), on: { STAY: {} } } } }),
    happens: [{ type: 'STAY' }, { type: 'STAY' }],
  },
  {
    what: 'no promise is started again, and its value still comes',
    machine: ({ task }) =>
      machineOf(
        {
          initial: 'busy',
          context: { notes: [] },
          states: {
            busy: {
              invoke: {
                id: 't',
                src: 'task',
                onDone: { target: 'fine', actions: note(({ output }: { output: unknown }) => output) },
              },
              on: { STAY: {} },
            },
            fine: {},
          },
        },
        { task },
      ),
    happens: [{ type: 'STAY' }, { type: 'STAY' }, { done: 't', output: 'once' }],
  },
  {
    what: 'grandchildren, their contexts and their delays',
    machine: () => {
      const leaf = machineOf({
        initial: 'a',
        context: { ticks: 0 },
        states: {
          a: {
            after: {
              10: {
                target: 'a',
                reenter: true,
                actions: assign({ ticks: ({ context }: { context: { ticks: number } }) => context.ticks + 1 }),
              },
            },
          },
        },
      });
      const middle = machineOf(
        {
          invoke: [
            { id: 'one', src: 'leaf' },
            { id: 'two', src: 'leaf' },
          ],
        },
        { leaf },
      );
      return machineOf({ invoke: { id: 'm', src: 'middle' } }, { middle });
    },
    happens: [10, 15, 5],
  },
  {
    what: 'references in contexts, of children too',
    machine: () => {
      const cell = fromTransition(
        (state: number, event: { type: string }) => (event.type === 'INC' ? state + 1 : state),
        0,
      );
      const holder = machineOf(
        {
          context: ({ spawn }: { spawn: (src: string, options: object) => unknown }) => ({
            cell: spawn('cell', { id: 'cell' }),
          }),
          on: {
            INC: { actions: sendTo(({ context }: { context: { cell: never } }) => context.cell, { type: 'INC' }) },
          },
        },
        { cell },
      );
      return machineOf(
        { entry: spawnChild('holder', { id: 'h' }), on: { INC: { actions: sendTo('h', { type: 'INC' }) } } },
        { holder },
      );
    },
    happens: [{ type: 'INC' }, { type: 'INC' }],
  },
  {
    what: 'children that are done, with what they gave',
    machine: () => {
      const quick = machineOf({ initial: 'z', states: { z: { type: 'final' } }, output: 7 });
      return machineOf(
        {
          entry: spawnChild('quick', { id: 'q' }),
          context: { got: undefined },
          on: {
            LOOK: {
              actions: assign({
                got: ({
                  self,
                }: {
                  self: { getSnapshot(): { children: Record<string, { getSnapshot(): { output: unknown } }> } };
                }) => self.getSnapshot().children['q']?.getSnapshot().output,
              }),
            },
          },
        },
        { quick },
      );
    },
    happens: [{ type: 'LOOK' }],
  },
  {
    what: 'a final state, and its output',
    machine: () =>
      machineOf({ initial: 'a', states: { a: { on: { END: 'z' } }, z: { type: 'final' } }, output: { n: 1 } }),
    happens: [{ type: 'END' }, { type: 'END' }],
  },
];
