import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placePartitions } from '../src/placement.ts';

const PARTITIONS = 64;
const nodes = fc.uniqueArray(fc.stringMatching(/^node-[A-Za-z0-9]{8}$/), { minLength: 1, maxLength: 12 });

function firsts(nodeIds: readonly string[]): (string | undefined)[] {
  return placePartitions(nodeIds, 'default', PARTITIONS).map(([first]) => first);
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

  test('gives no node more than its share, and three nodes loads within 15 % of even', () => {
    fc.assert(
      fc.property(nodes, (nodeIds) => {
        const loads = nodeIds.map((id) => firsts(nodeIds).filter((first) => first === id).length);

        expect(Math.max(...loads)).toBeLessThanOrEqual(Math.ceil(PARTITIONS / nodeIds.length));
        if (nodeIds.length === 3) expect(Math.min(...loads)).toBeGreaterThanOrEqual((PARTITIONS / 3) * 0.85);
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
