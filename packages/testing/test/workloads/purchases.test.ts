/** Effects under every fault at once, against a till that keeps what it was asked. */
import { Layout } from '@wakebus/protocol';
import { ROUGH, purchases, runWorkload } from '@wakebus/testing';
import { expect, test } from 'vitest';

const layout = new Layout({ partitions: 4 });

test('without faults every purchase is made or refused once, and all of them are told of', async () => {
  const { violations, history } = await runWorkload({ seed: 1, layout, workload: purchases() });
  expect(violations).toEqual([]);
  expect(history.operations.filter(({ outcome }) => outcome === 'ok')).toHaveLength(200);
});

// Those before are in the slice of all workloads.
test('nothing is bought twice, and no gap is hidden, over ten seeds from 41', { timeout: 120_000 }, async () => {
  let turns = 0;
  for (let seed = 41; seed < 51; seed += 1) {
    const { violations, history } = await runWorkload({ seed, layout, faults: ROUGH, workload: purchases() });
    expect(violations).toEqual([]);
    for (const { record } of history.agents.values()) turns += record?.turns ?? 0;
  }
  expect(turns).toBeGreaterThan(1_000);
});

test('the checker sees a till that does not honour keys', async () => {
  const workload = purchases({ honoursKeys: false });
  const { violations } = await runWorkload({ seed: 1, layout, faults: ROUGH, workload });
  expect(violations.some((violation) => violation.includes('was entered 2 times'))).toBe(true);
});
