/** Machines of which several behaviours are made. */
import { fromTransition } from 'xstate';
import { assign, machineOf, note, sendParent, sendTo } from './behaviour.ts';

/** Counts what it is sent, and ends at three. */
export const counter = machineOf({
  id: 'counter',
  initial: 'counting',
  context: ({ input }: { input?: { from?: number } }) => ({ n: input?.from ?? 0 }),
  states: {
    counting: {
      on: { INC: { actions: assign({ n: ({ context }: { context: { n: number } }) => context.n + 1 }) } },
      always: { guard: ({ context }: { context: { n: number } }) => context.n >= 3, target: 'full' },
    },
    full: { type: 'final' },
  },
  output: ({ context }: { context: { n: number } }) => context.n,
});

/** Answers every PING of its parent. */
export const ponger = machineOf({ on: { PING: { actions: sendParent({ type: 'PONG' }) } } });

/** Ends a while after it was started. */
export const sleeper = machineOf({
  initial: 'asleep',
  states: { asleep: { after: { 50: 'done' } }, done: { type: 'final' } },
  output: 'slept',
});

export const sum = fromTransition(
  (state: { total: number }, event: { type: string; by?: number }) =>
    event.type === 'ADD' ? { total: state.total + (event.by ?? 1) } : state,
  ({ input }: { input: { from: number } | undefined }) => ({ total: input?.from ?? 0 }),
);

/** Something that is subscribed to, and says nothing. */
export const observable = { subscribe: () => ({ unsubscribe: () => {} }) };

/** A machine that invokes something in its state `on`. */
export function invoking(invoke: object, actors: object, more: object = {}): ReturnType<typeof machineOf> {
  return machineOf(
    {
      initial: 'off',
      context: { notes: [] },
      states: {
        off: { on: { GO: 'on' } },
        on: { invoke, on: { LEAVE: 'off', AGAIN: { target: 'on', reenter: true } } },
        ended: {},
      },
      ...more,
    },
    actors,
  );
}

export const toChild = { on: { TO: { actions: sendTo('c', ({ event }: { event: { send: never } }) => event.send) } } };
export const output = note(({ output: value }: { output: unknown }) => value);
