/** A machine as the data of a drawing. */
import { chartNodesOf, chartOf } from '@wakebus/core';
import { expect, test } from 'vitest';
import { createMachine } from 'xstate';

const machine = createMachine({
  initial: 'a',
  states: {
    a: { always: { target: 'both', guard: () => false }, on: { go: 'both' } },
    both: {
      type: 'parallel',
      states: { left: { initial: 'on', states: { on: {}, off: {} } }, right: {}, before: { type: 'history' } },
      onDone: 'end',
    },
    end: { type: 'final' },
  },
});

test('every state has its kind, where it begins, and what it does unasked', () => {
  expect(chartNodesOf(machine)).toEqual({
    '': { kind: 'compound', initial: 'a' },
    a: { kind: 'atomic', always: [{ targets: ['both'], isGuarded: true }] },
    both: { kind: 'parallel' },
    'both.left': { kind: 'compound', initial: 'both.left.on' },
    'both.left.on': { kind: 'atomic' },
    'both.left.off': { kind: 'atomic' },
    'both.right': { kind: 'atomic' },
    'both.before': { kind: 'history' },
    end: { kind: 'final' },
  });
});

test('what needs no event is not among the transitions that an event brings about', () => {
  expect(chartOf(machine)['a']).toEqual([{ event: 'go', targets: ['both'], isGuarded: false }]);
});
