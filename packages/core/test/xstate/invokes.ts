/** Promises: invoked and spawned, by an agent's machine and by its children. */
import { assign, type Behaviour, machineOf, note, type Props, spawnChild, stopChild } from './behaviour.ts';

const output = note(({ output: value }: { output: unknown }) => value);
const error = note(({ error: value }: { error: Error }) => value.message);

function tasking(props: Props, invoke: object = {}): ReturnType<typeof machineOf> {
  return machineOf(
    {
      initial: 'idle',
      context: { notes: [] },
      states: {
        idle: { on: { GO: 'busy' } },
        busy: {
          invoke: {
            id: 't',
            src: 'task',
            onDone: { target: 'fine', actions: output },
            onError: { target: 'bad', actions: error },
            ...invoke,
          },
          on: { LEAVE: 'idle', AGAIN: { target: 'busy', reenter: true } },
        },
        fine: { on: { GO: 'busy' } },
        bad: {},
      },
    },
    { task: props.task },
  );
}

export const invokes: readonly Behaviour[] = [
  {
    what: 'a promise’s value comes by `onDone`',
    machine: tasking,
    happens: [{ type: 'GO' }, { done: 't', output: 42 }],
  },
  {
    what: 'a promise’s error comes by `onError`',
    machine: tasking,
    happens: [{ type: 'GO' }, { failed: 't', error: 'no' }],
  },
  {
    what: 'what a promise gives after its state was left is dropped',
    machine: tasking,
    happens: [{ type: 'GO' }, { type: 'LEAVE' }, { done: 't', output: 1 }],
  },
  {
    what: 'what the promise of an earlier visit gives is dropped, and the present one’s is taken',
    machine: tasking,
    happens: [{ type: 'GO' }, { type: 'AGAIN' }, { done: 't', output: 'old' }, { done: 't', output: 'new' }],
  },
  {
    what: 'a promise may be invoked again after it has ended',
    machine: tasking,
    happens: [{ type: 'GO' }, { done: 't', output: 1 }, { type: 'GO' }, { done: 't', output: 2 }],
  },
  {
    what: 'guards of `onDone` choose by the value',
    machine: (props) =>
      tasking(props, {
        onDone: [
          { guard: ({ event }: { event: { output: number } }) => event.output > 5, target: 'bad' },
          { target: 'fine', actions: output },
        ],
      }),
    happens: [{ type: 'GO' }, { done: 't', output: 3 }, { type: 'GO' }, { done: 't', output: 9 }],
  },
  {
    what: 'promises of parallel states end each for itself',
    machine: ({ task }) => {
      const region = (id: string): object => ({
        initial: 'busy',
        states: { busy: { invoke: { id, src: 'task', onDone: 'fine' } }, fine: { type: 'final' } },
      });
      return machineOf({ type: 'parallel', states: { one: region('p1'), two: region('p2') } }, { task });
    },
    happens: [{ done: 'p2' }, { done: 'p1' }],
  },
  {
    what: 'a promise that `spawnChild` starts outlives the state that did it',
    machine: ({ task }) =>
      machineOf(
        {
          initial: 'a',
          context: { notes: [] },
          on: { 'xstate.done.actor.t': { actions: output } },
          states: { a: { entry: spawnChild('task', { id: 't' }), on: { GO: 'b' } }, b: {} },
        },
        { task },
      ),
    happens: [{ type: 'GO' }, { done: 't', output: 'late' }],
  },
  {
    what: '`stopChild` of a promise drops what it gives',
    machine: ({ task }) =>
      machineOf(
        {
          context: { notes: [] },
          entry: spawnChild('task', { id: 't' }),
          on: { STOP: { actions: stopChild('t') }, 'xstate.done.actor.t': { actions: output } },
        },
        { task },
      ),
    happens: [{ type: 'STOP' }, { done: 't', output: 1 }],
  },
  {
    what: 'a promise that `assign` spawns gives its value to the machine',
    machine: ({ task }) =>
      machineOf(
        {
          context: { notes: [] },
          on: {
            GO: {
              actions: assign(({ spawn }: { spawn: (src: string, options: object) => unknown }) => {
                spawn('task', { id: 't' });
                return {};
              }),
            },
            'xstate.done.actor.t': { actions: output },
          },
        },
        { task },
      ),
    happens: [{ type: 'GO' }, { done: 't', output: 5 }],
  },
  {
    what: 'a child’s promise is the child’s: its value leads it to its end, and the parent hears of that',
    machine: (props) => {
      const child = machineOf(
        {
          initial: 'busy',
          context: { got: undefined },
          states: {
            busy: {
              invoke: {
                id: 't',
                src: 'task',
                onDone: {
                  target: 'z',
                  actions: assign({ got: ({ event }: { event: { output: unknown } }) => event.output }),
                },
              },
            },
            z: { type: 'final' },
          },
          output: ({ context }: { context: { got: unknown } }) => context.got,
        },
        { task: props.task },
      );
      return machineOf(
        {
          initial: 'on',
          context: { notes: [] },
          states: { on: { invoke: { id: 'c', src: 'child', onDone: { target: 'off', actions: output } } }, off: {} },
        },
        { child },
      );
    },
    happens: [{ done: 't', output: 'deep' }],
  },
  {
    what: 'a child that is stopped takes its promises with it',
    machine: (props) => {
      const child = machineOf(
        { invoke: { id: 't', src: 'task', onDone: { actions: note('done') } }, context: { notes: [] } },
        { task: props.task },
      );
      return machineOf(
        {
          initial: 'on',
          states: { on: { invoke: { id: 'c', src: 'child' }, on: { AGAIN: { target: 'on', reenter: true } } } },
        },
        { child },
      );
    },
    happens: [{ type: 'AGAIN' }, { done: 't' }, { done: 't' }],
  },
  {
    what: 'an error of a child’s promise that the child does not take fails the child, and the parent’s `onError` takes it',
    machine: (props) => {
      const child = machineOf({ invoke: { id: 't', src: 'task' } }, { task: props.task });
      return machineOf(
        {
          initial: 'on',
          context: { notes: [] },
          states: { on: { invoke: { id: 'c', src: 'child', onError: { target: 'off', actions: error } } }, off: {} },
        },
        { child },
      );
    },
    happens: [{ failed: 't', error: 'no' }],
  },
  {
    what: 'promises of one ID in two children are told apart',
    machine: (props) => {
      const child = machineOf(
        {
          initial: 'busy',
          states: { busy: { invoke: { id: 't', src: 'task', onDone: 'fine', onError: 'bad' } }, fine: {}, bad: {} },
        },
        { task: props.task },
      );
      return machineOf(
        {
          invoke: [
            { id: 'one', src: 'child' },
            { id: 'two', src: 'child' },
          ],
        },
        { child },
      );
    },
    happens: [{ done: 't' }, { failed: 't', error: 'no' }],
  },
  {
    what: 'a delay may race a promise: the loser is dropped',
    machine: ({ task }) =>
      machineOf(
        {
          initial: 'busy',
          states: {
            busy: { invoke: { id: 't', src: 'task', onDone: 'fine' }, after: { 100: 'late' } },
            fine: {},
            late: {},
          },
        },
        { task },
      ),
    happens: [100, { done: 't' }],
  },
  {
    what: 'an error that no state takes',
    differs: 'in XState it is the end of the machine; an agent keeps its state, and the error is a dead letter',
    machine: ({ task }) =>
      machineOf({ initial: 'busy', states: { busy: { invoke: { id: 't', src: 'task', onDone: 'busy' } } } }, { task }),
    happens: [{ failed: 't', error: 'no' }],
  },
  {
    what: 'a promise that watches by `onSnapshot`',
    refused: 'a promise has no snapshots in between',
    machine: (props) => tasking(props, { onSnapshot: { actions: note('n') } }),
    happens: [],
  },
  {
    what: 'promises with a system ID',
    refused: 'nobody can send it anything',
    machine: (props) => tasking(props, { systemId: 'x' }),
    happens: [],
  },
];
