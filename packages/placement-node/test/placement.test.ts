import { Layout } from '@wakebus/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placePartitions } from '../src/placement.ts';

const PARTITIONS = 64;
const DEFAULT_PARTITIONS = new Layout().partitions;
const name = fc.stringMatching(/^node-[A-Za-z0-9]{8}$/);
const nodes = fc.uniqueArray(name, { minLength: 1, maxLength: 12 });
const trio = fc.uniqueArray(name, { minLength: 3, maxLength: 3 });

function firsts(nodeIds: readonly string[], partitions: number = PARTITIONS): (string | undefined)[] {
  return placePartitions(nodeIds, 'default', partitions).map(([first]) => first);
}

/** In how many partitions each node comes first. */
function loadsOf(nodeIds: readonly string[], partitions: number): number[] {
  const placed = firsts(nodeIds, partitions);
  return nodeIds.map((id) => placed.filter((first) => first === id).length);
}

describe('the ranking of nodes', () => {
  test('names every node once for every partition, and is the same wherever it is computed', () => {
    fc.assert(
      fc.property(nodes, (nodeIds) => {
        const orders = placePartitions(nodeIds, 'default', PARTITIONS);

        expect(orders).toHaveLength(PARTITIONS);
        for (const order of orders) expect(order.toSorted()).toEqual(nodeIds.toSorted());
        expect(placePartitions(nodeIds.toReversed(), 'default', PARTITIONS)).toEqual(orders);
      }),
    );
  });

  test('gives every node its share, and none more than one partition more than another', () => {
    fc.assert(
      fc.property(nodes, fc.integer({ min: 1, max: PARTITIONS }), (nodeIds, partitions) => {
        const loads = loadsOf(nodeIds, partitions);

        expect(loads.reduce((sum, load) => sum + load, 0)).toBe(partitions);
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 300 },
    );
  });

  test('leaves three nodes within 15 % of even, with as few partitions as are made by default', () => {
    fc.assert(
      fc.property(trio, (nodeIds) => {
        for (const load of loadsOf(nodeIds, DEFAULT_PARTITIONS))
          expect(Math.abs((load * 3) / DEFAULT_PARTITIONS - 1)).toBeLessThan(0.15);
      }),
      { numRuns: 300 },
    );
  });

  test('moves at most a third of all partitions besides the share of a node that comes', () => {
    fc.assert(
      fc.property(nodes, (nodeIds) => {
        const [newcomer, ...others] = nodeIds;
        fc.pre(newcomer !== undefined && others.length > 0);
        const [before, after] = [firsts(others), firsts(nodeIds)];

        const moved = before.filter((first, i) => first !== after[i]).length;
        expect(moved).toBeLessThanOrEqual(Math.ceil(PARTITIONS / nodeIds.length) + PARTITIONS / 3);
      }),
      { numRuns: 300 },
    );
  });

  test('of nobody is empty', () => {
    expect(placePartitions([], 'default', 2)).toEqual([[], []]);
  });
});
