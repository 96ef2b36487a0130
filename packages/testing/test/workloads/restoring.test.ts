/** Restorations and forks without faults: under faults they run with the other workloads. */
import { Layout } from '@wakebus/protocol';
import { runWorkload, workloads } from '@wakebus/testing';
import { expect, test } from 'vitest';

test('agents go back to what they were, and others begin there', async () => {
  const workload = workloads['restoring']?.();
  if (workload === undefined) throw new Error('there is no such workload');

  const { history, violations } = await runWorkload({ seed: 1, layout: new Layout({ partitions: 4 }), workload });

  expect(violations).toEqual([]);
  const taken = [...history.agents.values()].flatMap(({ writes }) =>
    writes.flatMap(({ record }) => record?.last?.events.filter(({ type }) => type === 'wakebus.restore') ?? []),
  );
  const ids = new Set(taken.map(({ id = '' }) => id.replace(/-\d+$/, '')));
  expect([...ids].toSorted()).toEqual(['fork', 'restore']);
});
