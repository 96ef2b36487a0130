/** Child actors, their delays and their effects, without faults: under faults they run with the other workloads. */
import { type AgentRecord, Layout, decode } from '@wakebus/protocol';
import { runSettings, runWorkload, workloads } from '@wakebus/testing';
import { expect, test } from 'vitest';

const layout = new Layout({ partitions: 4 });

function endsOf(record: AgentRecord | undefined): string[] {
  const { told } = (
    decode(record?.snapshot ?? new Uint8Array()) as { context: { told: Array<[id: string, how: string]> } }
  ).context;
  return told.map(([, how]) => how);
}

test('without faults every task comes to its end, and nothing of its family is left', async () => {
  const workload = workloads['families']?.();
  if (workload === undefined) throw new Error('there is no such workload');
  const { violations, history } = await runWorkload({ seed: 1, layout, workload });

  expect(violations).toEqual([]);
  const ends = [...history.agents.values()].flatMap(({ record }) => endsOf(record));
  expect(new Set(ends)).toEqual(new Set(['done', 'recalled']));
  expect(history.operations.filter(({ outcome }) => outcome === 'ok')).toHaveLength(200);
});

test('a node whose clock is behind does not spin on effects that may not start yet', async () => {
  const { violations, turns } = await runSettings({ workload: 'families', seed: 4 });

  expect(violations).toEqual([]);
  expect(turns).toBeLessThan(2_000);
});
