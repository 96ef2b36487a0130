/** Statecharts as drawings: every state in its place, whatever the machine. */
import { chartNodesOf, chartOf } from '@wakebus/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMachine } from 'xstate';
import { type StoredChart, activeIn, eventText, treeOf } from '../src/app/statechart/chart.ts';
import { type Box, layoutOf } from '../src/app/statechart/layout.ts';

function storedOf(machine: Parameters<typeof chartOf>[0]): StoredChart {
  return { version: 1, states: chartOf(machine), nodes: chartNodesOf(machine) };
}

const door = createMachine({
  initial: 'closed',
  on: { paint: {} },
  states: {
    closed: {
      on: { open: 'open', lock: '.locked' },
      initial: 'free',
      states: { free: {}, locked: { on: { unlock: 'free' } } },
    },
    open: { on: { close: 'closed', wave: 'open' }, after: { 60_000: 'closed' } },
    gone: { type: 'final' },
  },
});

test('boxes hold their states, lines their events, and what stays in a state stands inside of it', () => {
  const root = layoutOf(treeOf(storedOf(door)));
  const [closed, open] = ['closed', 'open'].map((path) => root.children.find((box) => box.path === path));

  expect(root.notes).toEqual(['paint']);
  expect(closed?.notes).toEqual(['lock → locked']);
  expect(open?.notes).toEqual(['wave ↻']);
  expect(root.lines.map(({ label }) => label).toSorted()).toEqual([[], ['close', 'after 1 min'], ['open']].toSorted());
  expect(closed?.lines.map(({ label }) => label)).toContainEqual(['unlock']);
});

/** Any tree of states with transitions between any of them, those that touch compound states among them. */
const charts = fc
  .uniqueArray(fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 12,
    selector: (keys) => keys.join('.'),
  })
  .chain((all) => {
    const path = fc.constantFrom(...all.map((keys) => keys.join('.')), '');
    const transition = fc.record({
      event: fc.string({ maxLength: 40 }),
      targets: fc.array(path, { maxLength: 2 }),
      isGuarded: fc.boolean(),
    });
    const states = fc.dictionary(path, fc.array(transition, { maxLength: 3 }));
    return fc.record({ version: fc.constant(1), states, nodes: fc.constant({}) });
  });

test('any machine can be laid out: no box leaves the one around it, none lies upon its neighbour', () => {
  fc.assert(
    fc.property(charts, (chart) => {
      const check = (box: Box): void => {
        for (const [at, child] of box.children.entries()) {
          expect(child.x).toBeGreaterThanOrEqual(0);
          expect(child.x + child.width).toBeLessThanOrEqual(box.width + 1);
          expect(child.y + child.height).toBeLessThanOrEqual(box.height + 1);
          for (const other of box.children.slice(at + 1)) expect(overlap(child, other)).toBe(false);
          check(child);
        }
      };
      check(layoutOf(treeOf(chart)));
    }),
    { numRuns: 50 },
  );
});

function overlap(a: Box, b: Box): boolean {
  const isApart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
  return !isApart;
}

describe('words', () => {
  test.each([
    ['xstate.after.604800000.order.open', 'after 7 d'],
    ['xstate.after.patience.order.open', 'after patience'],
    ['xstate.done.actor.charge', 'charge done'],
    ['xstate.error.actor.charge', 'charge failed'],
    ['xstate.done.state.order.open', 'all done'],
    ['paid', 'paid'],
  ])('%s is called %s', (event, text) => {
    expect(eventText({ event, isGuarded: false })).toBe(text);
  });

  test('a state value names its states, and those around them', () => {
    expect([...activeIn({ open: { left: 'on', right: {} } })].toSorted()).toEqual([
      'open',
      'open.left',
      'open.left.on',
      'open.right',
    ]);
  });
});
