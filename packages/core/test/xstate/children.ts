/** Child machines and transition functions: invoked, spawned, sent to, stopped. */
import { type Behaviour, assign, forwardTo, machineOf, note, raise, sendParent, sendTo } from './behaviour.ts';
import { counter, invoking, output, ponger, sleeper, sum, toChild } from './parts.ts';

export const children: readonly Behaviour[] = [
  {
    what: 'an invoked machine starts when its state is entered, takes events, and its output comes by `onDone`',
    machine: () =>
      invoking({ id: 'c', src: 'counter', onDone: { target: 'ended', actions: output } }, { counter }, toChild),
    happens: [
      { type: 'GO' },
      { type: 'TO', send: { type: 'INC' } },
      { type: 'TO', send: { type: 'INC' } },
      { type: 'TO', send: { type: 'INC' } },
    ],
  },
  {
    what: 'input is made when the child is, from context and event',
    machine: () =>
      invoking(
        { id: 'c', src: 'counter', input: ({ event }: { event: { from?: number } }) => ({ from: event.from }) },
        { counter },
        toChild,
      ),
    happens: [
      { type: 'GO', from: 1 },
      { type: 'TO', send: { type: 'INC' } },
    ],
  },
  {
    what: 'a child that is done as it starts ends at once',
    machine: () =>
      invoking(
        { id: 'c', src: 'counter', input: { from: 3 }, onDone: { target: 'ended', actions: output } },
        { counter },
      ),
    happens: [{ type: 'GO' }],
  },
  {
    what: 'leaving the state stops its child, and entering it again makes a new one',
    machine: () => invoking({ id: 'c', src: 'counter' }, { counter }, toChild),
    happens: [
      { type: 'GO' },
      { type: 'TO', send: { type: 'INC' } },
      { type: 'LEAVE' },
      { type: 'GO' },
      { type: 'TO', send: { type: 'INC' } },
      { type: 'AGAIN' },
    ],
  },
  {
    what: 'delays of a child run while nobody looks, and end with it',
    machine: () => invoking({ id: 'c', src: 'sleeper', onDone: { target: 'ended', actions: output } }, { sleeper }),
    happens: [{ type: 'GO' }, 30, { type: 'LEAVE' }, 30, { type: 'GO' }, 49, 1],
  },
  {
    what: 'a fire of a child’s visit before is dropped when the child is made anew',
    machine: () => invoking({ id: 'c', src: 'sleeper', onDone: 'ended' }, { sleeper }),
    happens: [{ type: 'GO' }, 40, { type: 'AGAIN' }, 40, { type: 'AGAIN' }, 49, 1],
  },
  {
    what: '`sendParent` and `sendTo` go back and forth within one step',
    machine: () =>
      invoking({ id: 'c', src: 'ponger' }, { ponger }, { on: { ...toChild.on, PONG: { actions: note('pong') } } }),
    happens: [{ type: 'GO' }, { type: 'TO', send: { type: 'PING' } }, { type: 'TO', send: { type: 'PING' } }],
  },
  {
    what: '`forwardTo` passes the very event on',
    machine: () => invoking({ id: 'c', src: 'sum' }, { sum }, { on: { ADD: { actions: forwardTo('c') } } }),
    happens: [{ type: 'GO' }, { type: 'ADD', by: 4 }, { type: 'ADD' }],
  },
  {
    what: 'a transition function keeps its state, and gets input',
    machine: () => invoking({ id: 'c', src: 'sum', input: { from: 10 } }, { sum }, toChild),
    happens: [{ type: 'GO' }, { type: 'TO', send: { type: 'ADD', by: 2 } }, { type: 'TO', send: { type: 'NO' } }],
  },
  {
    what: '`onSnapshot` hears of each snapshot of a transition function, the first included',
    machine: () =>
      invoking(
        {
          id: 'c',
          src: 'sum',
          onSnapshot: {
            actions: note(({ snapshot }: { snapshot: { context: { total: number } } }) => snapshot.context.total),
          },
        },
        { sum },
        toChild,
      ),
    happens: [{ type: 'GO' }, { type: 'TO', send: { type: 'ADD' } }, { type: 'TO', send: { type: 'NO' } }],
  },
  {
    what: '`onSnapshot` hears of each snapshot of a machine while it is active',
    machine: () =>
      invoking(
        {
          id: 'c',
          src: 'counter',
          onSnapshot: { actions: note(({ snapshot }: { snapshot: { context: { n: number } } }) => snapshot.context.n) },
          onDone: { actions: note('done') },
        },
        { counter },
        toChild,
      ),
    happens: [
      { type: 'GO' },
      { type: 'TO', send: { type: 'INC' } },
      { type: 'TO', send: { type: 'UNKNOWN' } },
      { type: 'TO', send: { type: 'INC' } },
      { type: 'TO', send: { type: 'INC' } },
    ],
  },
  {
    what: 'a delayed `sendTo` reaches the child, and `cancel` takes it back',
    machine: () =>
      invoking(
        { id: 'c', src: 'counter' },
        { counter },
        {
          on: {
            LATER: { actions: sendTo('c', { type: 'INC' }, { id: 'later', delay: 20 }) },
            LATE: { actions: sendTo('c', { type: 'INC' }, { delay: 20 }) },
          },
        },
      ),
    happens: [{ type: 'GO' }, { type: 'LATER' }, { type: 'LATE' }, 19, 1, { type: 'LATE' }, 10],
  },
  {
    what: 'a delayed `sendTo` is for the child that was there when it was sent, and not for the next of its ID',
    machine: () =>
      invoking(
        { id: 'c', src: 'counter' },
        { counter },
        {
          on: { LATER: { actions: sendTo('c', { type: 'INC' }, { delay: 20 }) } },
        },
      ),
    happens: [{ type: 'GO' }, { type: 'LATER' }, 5, { type: 'AGAIN' }, 30],
  },
  {
    what: 'a child’s delayed `sendParent` is cancelled with the child',
    machine: () => {
      const late = machineOf({ entry: sendParent({ type: 'PONG' }, { delay: 20 }) });
      return invoking({ id: 'c', src: 'late' }, { late }, { on: { PONG: { actions: note('pong') } } });
    },
    happens: [{ type: 'GO' }, 20, { type: 'AGAIN' }, 10, { type: 'LEAVE' }, 30],
  },
  {
    what: 'children have children, each with delays and events of its own',
    machine: () => {
      const inner = machineOf({
        initial: 'a',
        states: {
          a: { after: { 10: 'b' } },
          b: { entry: sendParent({ type: 'INNER' }), after: { 10: 'z' } },
          z: { type: 'final' },
        },
        output: 'inner',
      });
      const outer = machineOf(
        {
          initial: 'x',
          context: { notes: [] },
          states: {
            x: {
              invoke: { id: 'inner', src: 'inner', onDone: 'y' },
              on: { INNER: { actions: [note('inner'), sendParent({ type: 'OUTER' })] } },
            },
            y: { after: { 10: 'z' } },
            z: { type: 'final' },
          },
          output: ({ context }: { context: { notes: unknown } }) => context.notes,
        },
        { inner },
      );
      return invoking(
        { id: 'c', src: 'outer', onDone: { target: 'ended', actions: output } },
        { outer },
        { on: { OUTER: { actions: note('outer') } } },
      );
    },
    happens: [{ type: 'GO' }, 10, 9, 1, 5, 5],
  },
  {
    what: 'stopping a child stops its own',
    machine: () => {
      const inner = machineOf({
        initial: 'a',
        states: { a: { after: { 10: 'b' } }, b: { entry: sendParent({ type: 'INNER' }) } },
      });
      const outer = machineOf(
        { invoke: { id: 'inner', src: 'inner' }, on: { INNER: { actions: sendParent({ type: 'OUTER' }) } } },
        { inner },
      );
      return invoking({ id: 'c', src: 'outer' }, { outer }, { on: { OUTER: { actions: note('outer') } } });
    },
    happens: [{ type: 'GO' }, 5, { type: 'LEAVE' }, 50],
  },
  {
    what: 'a child that throws has failed, and `onError` gets what it threw',
    machine: () => {
      const bad = machineOf({
        on: {
          BOOM: {
            actions: assign(() => {
              throw new Error('boom');
            }),
          },
        },
      });
      return invoking(
        {
          id: 'c',
          src: 'bad',
          onError: { target: 'ended', actions: note(({ error }: { error: Error }) => error.message) },
        },
        { bad },
        toChild,
      );
    },
    happens: [{ type: 'GO' }, { type: 'TO', send: { type: 'BOOM' } }],
  },
  {
    what: 'a child that throws as it starts has failed too',
    machine: () => {
      const bad = machineOf({
        context: () => {
          throw new Error('unborn');
        },
      });
      return invoking(
        {
          id: 'c',
          src: 'bad',
          onError: { target: 'ended', actions: note(({ error }: { error: Error }) => error.message) },
        },
        { bad },
      );
    },
    happens: [{ type: 'GO' }],
  },
  {
    what: 'an error that a child does not take is its parent’s to take',
    machine: () => {
      const bad = machineOf({
        on: {
          BOOM: {
            actions: assign(() => {
              throw new Error('deep');
            }),
          },
        },
      });
      const middle = machineOf(
        { invoke: { id: 'bad', src: 'bad' }, on: { BOOM: { actions: sendTo('bad', { type: 'BOOM' }) } } },
        { bad },
      );
      return invoking(
        {
          id: 'c',
          src: 'middle',
          onError: { target: 'ended', actions: note(({ error }: { error: Error }) => error.message) },
        },
        { middle },
        toChild,
      );
    },
    happens: [{ type: 'GO' }, { type: 'TO', send: { type: 'BOOM' } }],
  },
  {
    what: 'an invoked child that its state leaves at once by `always` is never started',
    machine: ({ log }) => {
      const loud = machineOf({ entry: () => log('started') });
      return machineOf(
        {
          initial: 'a',
          states: { a: { on: { GO: 'b' } }, b: { invoke: { id: 'c', src: 'loud' }, always: 'd' }, d: {} },
        },
        { loud },
      );
    },
    happens: [{ type: 'GO' }],
  },
  {
    what: 'events sent to a child as its state is left still reach it',
    machine: ({ log }) => {
      const listener = machineOf({ on: { BYE: { actions: () => log('bye') } } });
      return machineOf(
        {
          initial: 'a',
          states: {
            a: { invoke: { id: 'c', src: 'listener' }, exit: sendTo('c', { type: 'BYE' }), on: { GO: 'b' } },
            b: {},
          },
        },
        { listener },
      );
    },
    happens: [{ type: 'GO' }],
  },
  {
    what: 'an entry action may send to the child that its own state invokes',
    machine: () =>
      machineOf(
        { initial: 'a', states: { a: { entry: sendTo('c', { type: 'INC' }), invoke: { id: 'c', src: 'counter' } } } },
        { counter },
      ),
    happens: [1],
  },
  {
    what: 'a child’s raised and delayed events are its own',
    machine: () => {
      const inner = machineOf({
        context: { notes: [] },
        entry: [raise({ type: 'NOW' }), raise({ type: 'THEN' }, { delay: 5 })],
        on: { NOW: { actions: note('now') }, THEN: { actions: note('then') } },
      });
      return invoking(
        { id: 'c', src: 'inner' },
        { inner },
        { on: { NOW: { actions: note('wrong') }, THEN: { actions: note('wrong') } } },
      );
    },
    happens: [{ type: 'GO' }, 5],
  },
  {
    what: 'a child may stop itself by telling its parent, in the middle of its own step',
    machine: ({ log }) => {
      const leaver = machineOf({ on: { OUT: { actions: [sendParent({ type: 'LEAVE' }), () => log('after')] } } });
      return invoking({ id: 'c', src: 'leaver' }, { leaver }, toChild);
    },
    happens: [{ type: 'GO' }, { type: 'TO', send: { type: 'OUT' } }],
  },
  {
    what: 'a final state of the parent stops its children',
    machine: () =>
      machineOf(
        {
          initial: 'a',
          invoke: { id: 'c', src: 'sleeper' },
          states: { a: { on: { END: 'z' } }, z: { type: 'final' } },
        },
        { sleeper },
      ),
    happens: [{ type: 'END' }, 100],
  },
  {
    what: 'two children of one logic do not know each other',
    machine: () =>
      machineOf(
        {
          invoke: [
            { id: 'one', src: 'counter' },
            { id: 'two', src: 'counter', input: { from: 2 } },
          ],
          on: { INC: { actions: sendTo(({ event }: { event: { name: string } }) => event.name, { type: 'INC' }) } },
        },
        { counter },
      ),
    happens: [
      { type: 'INC', name: 'one' },
      { type: 'INC', name: 'two' },
      { type: 'INC', name: 'one' },
    ],
  },
  {
    what: 'a child of a child that throws is stopped with it',
    differs: 'in XState the inner one lives on as an orphan and still reports; in an agent it is stopped',
    machine: ({ log }) => {
      const inner = machineOf({
        initial: 'a',
        states: { a: { after: { 10: 'b' } }, b: { entry: () => log('orphan') } },
      });
      const bad = machineOf(
        {
          invoke: { id: 'inner', src: 'inner' },
          on: {
            BOOM: {
              actions: assign(() => {
                throw new Error('boom');
              }),
            },
          },
        },
        { inner },
      );
      return invoking({ id: 'c', src: 'bad', onError: 'ended' }, { bad }, toChild);
    },
    happens: [{ type: 'GO' }, { type: 'TO', send: { type: 'BOOM' } }, 20],
  },
];
