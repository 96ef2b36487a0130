/**
 * A short slice of `npm run sim`: the placement node's own code under every fault at once.
 */
import { Layout } from '@wakebus/protocol';
import { ROUGH, bank, ledger, runWorkload } from '@wakebus/testing';
import { describe, expect, test } from 'vitest';

const layout = new Layout({ partitions: 4 });
const SEEDS_A_TEST = 50;
const FIRST_SEEDS = [1, 51, 101, 151, 201];

describe.each([
  ['ledger', ledger],
  ['bank', bank],
])('the %s, with crashes, pauses, stale reads, lost replies and spills', (_name, make) => {
  test.each(FIRST_SEEDS)('keeps its promises over fifty seeds from %i', { timeout: 120_000 }, async (first) => {
    let steps = 0;
    for (let seed = first; seed < first + SEEDS_A_TEST; seed += 1) {
      const run = await runWorkload({ seed, layout, faults: ROUGH, workload: make() });
      expect(run.violations).toEqual([]);
      steps += run.steps;
    }
    expect(steps).toBeGreaterThan(SEEDS_A_TEST * 200);
  });
});
