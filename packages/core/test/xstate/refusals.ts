/** What cannot be kept. */
import { fromCallback, fromEventObservable, fromObservable } from 'xstate';
import { type Behaviour, machineOf, sendParent } from './behaviour.ts';
import { counter, invoking, observable } from './parts.ts';

export const refusals: readonly Behaviour[] = [
  {
    what: 'invoked callbacks',
    refused: 'a callback, which lives in one process',
    machine: () => invoking({ id: 'c', src: 'callback' }, { callback: fromCallback(() => {}) }),
    happens: [],
  },
  {
    what: 'invoked observables',
    refused: 'an observable, whose subscription lives in one process',
    machine: () => invoking({ id: 'c', src: 'values' }, { values: fromObservable(() => observable) }),
    happens: [],
  },
  {
    what: 'invoked event observables',
    refused: 'an observable, whose subscription lives in one process',
    machine: () => invoking({ id: 'c', src: 'events' }, { events: fromEventObservable(() => observable) }),
    happens: [],
  },
  {
    what: 'logics that are written in place, without a name',
    refused: 'its src is no name',
    machine: () => invoking({ id: 'c', src: counter }, {}),
    happens: [],
  },
  {
    what: 'children without an ID',
    refused: 'a generated one shifts when the machine changes',
    machine: () => invoking({ src: 'counter' }, { counter }),
    happens: [],
  },
  {
    what: '`sendParent` in the agent’s own machine',
    refused: 'an agent has no parent',
    machine: () => machineOf({ entry: sendParent({ type: 'X' }) }),
    happens: [],
  },
];
