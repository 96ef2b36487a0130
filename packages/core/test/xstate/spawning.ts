/** Children that no state owns: spawned by actions and by `assign`, and references to them. */
import {
  assign,
  enqueueActions,
  type Behaviour,
  machineOf,
  note,
  sendParent,
  sendTo,
  spawnChild,
  stopChild,
} from './behaviour.ts';
import { counter, output, sum, toChild } from './parts.ts';

interface Enqueue {
  spawnChild(src: string, options: object): void;
  sendTo(to: string, event: object): void;
  stopChild(id: string): void;
}

export const spawning: readonly Behaviour[] = [
  {
    what: '`spawnChild` makes a child that no state owns, and `stopChild` stops it',
    machine: () =>
      machineOf(
        {
          initial: 'a',
          on: {
            SPAWN: { actions: spawnChild('counter', { id: 'c', input: { from: 1 } }) },
            STOP: { actions: stopChild('c') },
            GO: '.b',
            ...toChild.on,
          },
          states: { a: {}, b: {} },
        },
        { counter },
      ),
    happens: [{ type: 'SPAWN' }, { type: 'GO' }, { type: 'TO', send: { type: 'INC' } }, { type: 'STOP' }],
  },
  {
    what: 'a computed ID names each of many children',
    machine: () =>
      machineOf(
        {
          on: {
            SPAWN: { actions: spawnChild('counter', { id: ({ event }: { event: { name: string } }) => event.name }) },
            INC: { actions: sendTo(({ event }: { event: { name: string } }) => event.name, { type: 'INC' }) },
            STOP: { actions: stopChild(({ event }: { event: { name: string } }) => event.name) },
          },
        },
        { counter },
      ),
    happens: [
      { type: 'SPAWN', name: 'one' },
      { type: 'SPAWN', name: 'two' },
      { type: 'INC', name: 'two' },
      { type: 'STOP', name: 'one' },
      { type: 'INC', name: 'two' },
    ],
  },
  {
    what: 'a spawned child that is done says so, and stays among the children',
    machine: () =>
      machineOf(
        {
          context: { notes: [] },
          entry: spawnChild('counter', { id: 'c', input: { from: 2 } }),
          on: { ...toChild.on, 'xstate.done.actor.c': { actions: output } },
        },
        { counter },
      ),
    happens: [
      { type: 'TO', send: { type: 'INC' } },
      { type: 'TO', send: { type: 'INC' } },
    ],
  },
  {
    what: '`spawn` in `assign` with an ID gives a reference that may stay in the context',
    machine: () =>
      machineOf(
        {
          context: { ref: undefined, list: [] },
          on: {
            SPAWN: {
              actions: assign({
                ref: ({ spawn }: { spawn: (src: string, options: object) => unknown }) => spawn('counter', { id: 'c' }),
              }),
            },
            INC: { actions: sendTo(({ context }: { context: { ref: never } }) => context.ref, { type: 'INC' }) },
            STOP: {
              actions: [
                stopChild(({ context }: { context: { ref: never } }) => context.ref),
                assign({ ref: undefined }),
              ],
            },
          },
        },
        { counter },
      ),
    happens: [{ type: 'SPAWN' }, { type: 'INC' }, { type: 'INC' }, { type: 'STOP' }],
  },
  {
    what: '`spawn` in the first context gives references too, also deep in lists',
    machine: () =>
      machineOf(
        {
          context: ({ spawn }: { spawn: (src: string, options: object) => unknown }) => ({
            list: [{ ref: spawn('counter', { id: 'one' }) }, { ref: spawn('sum', { id: 'two' }) }],
          }),
          on: {
            INC: {
              actions: sendTo(
                ({ context, event }: { context: { list: Array<{ ref: never }> }; event: { at: number } }) =>
                  context.list[event.at]?.ref,
                ({ event }: { event: { send: never } }) => event.send,
              ),
            },
          },
        },
        { counter, sum },
      ),
    happens: [
      { type: 'INC', at: 0, send: { type: 'INC' } },
      { type: 'INC', at: 1, send: { type: 'ADD', by: 5 } },
    ],
  },
  {
    what: 'a reference gives the child’s snapshot of the moment',
    machine: () =>
      machineOf(
        {
          context: ({ spawn }: { spawn: (src: string, options: object) => unknown }) => ({
            ref: spawn('counter', { id: 'c' }),
            seen: -1,
          }),
          on: {
            INC: { actions: sendTo('c', { type: 'INC' }) },
            LOOK: {
              actions: assign({
                seen: ({ context }: { context: { ref: { getSnapshot(): { context: { n: number } } } } }) =>
                  context.ref.getSnapshot().context.n,
              }),
            },
          },
        },
        { counter },
      ),
    happens: [{ type: 'LOOK' }, { type: 'INC' }, { type: 'LOOK' }],
  },
  {
    what: 'a child that is given its parent’s reference as input may answer to it',
    machine: () => {
      const worker = machineOf({
        context: ({ input }: { input: { parent: unknown } }) => ({ parent: input.parent }),
        on: {
          PING: { actions: sendTo(({ context }: { context: { parent: never } }) => context.parent, { type: 'PONG' }) },
        },
      });
      return machineOf(
        {
          context: { notes: [] },
          invoke: { id: 'c', src: 'worker', input: ({ self }: { self: unknown }) => ({ parent: self }) },
          on: { ...toChild.on, PONG: { actions: note('pong') } },
        },
        { worker },
      );
    },
    happens: [{ type: 'TO', send: { type: 'PING' } }],
  },
  {
    what: 'a system ID finds an actor from anywhere in the family, and is free again when it stops',
    machine: () => {
      const shouter = machineOf({
        on: {
          SHOUT: {
            actions: sendTo(({ system }: { system: { get(id: string): never } }) => system.get('hub'), { type: 'INC' }),
          },
        },
      });
      return machineOf(
        {
          initial: 'a',
          invoke: { id: 'shouter', src: 'shouter' },
          on: { SHOUT: { actions: sendTo('shouter', { type: 'SHOUT' }) } },
          states: {
            a: { invoke: { id: 'c', src: 'counter', systemId: 'hub' }, on: { AGAIN: { target: 'a', reenter: true } } },
          },
        },
        { counter, shouter },
      );
    },
    happens: [{ type: 'SHOUT' }, { type: 'AGAIN' }, { type: 'SHOUT' }, { type: 'SHOUT' }],
  },
  {
    what: '`enqueueActions` may spawn, send and stop',
    machine: () =>
      machineOf(
        {
          on: {
            GO: {
              actions: enqueueActions(({ enqueue }: { enqueue: Enqueue }) => {
                enqueue.spawnChild('counter', { id: 'c' });
                enqueue.sendTo('c', { type: 'INC' });
              }),
            },
            STOP: { actions: enqueueActions(({ enqueue }: { enqueue: Enqueue }) => enqueue.stopChild('c')) },
          },
        },
        { counter },
      ),
    happens: [{ type: 'GO' }, { type: 'STOP' }],
  },
  {
    what: 'a child of the ID of another that is alive takes its place',
    differs: 'in XState the first one lives on, where only its own reference reaches it; in an agent it is stopped',
    machine: () =>
      machineOf(
        {
          context: { notes: [] },
          on: { SPAWN: { actions: spawnChild('late', { id: 'c' }) }, PONG: { actions: note('pong') } },
        },
        { late: machineOf({ entry: sendParent({ type: 'PONG' }, { delay: 20 }) }) },
      ),
    happens: [{ type: 'SPAWN' }, { type: 'SPAWN' }, 20],
  },
];
