/** Snapshots in chunks, and collecting them, without faults: under faults they run with the other workloads. */
import { Layout } from '@wakebus/protocol';
import { runWorkload, workloads } from '@wakebus/testing';
import { expect, test } from 'vitest';

const layout = new Layout({ partitions: 4 });

test('states stand in chunks, and most of these are collected in the end', async () => {
  const workload = workloads['spilling']?.();
  if (workload === undefined) throw new Error('there is no such workload');
  let put = 0;
  let collected = 0;
  const { history, violations } = await runWorkload({
    seed: 1,
    layout,
    workload,
    onSimulation: ({ server }) => {
      server.objects.listen({ stored: () => (put += 1), removed: () => (collected += 1) });
    },
  });

  expect(violations).toEqual([]);
  expect(put).toBeGreaterThan(history.operations.length);
  expect(collected).toBeGreaterThan(put / 2);
  const named = new Set([...history.agents.values()].flatMap(({ record }) => record?.snapshot.length ?? 0));
  expect(Math.max(...named)).toBeGreaterThan(1_000);
});
