import { Layout } from '@wakebus/protocol';
import { ROUGH, type Simulation, type Workload, bank, ledger, runWorkload } from '@wakebus/testing';
import { describe, expect, test } from 'vitest';

const layout = new Layout({ partitions: 4 });

/** Everything that a run did, as two numbers; how it ended does not matter. */
async function stepsOf(workload: Workload, seed: number): Promise<readonly [steps: number, trace: number]> {
  let simulation: Simulation | undefined;
  const onSimulation = (made: Simulation): void => void (simulation = made);
  await runWorkload({ seed, layout, faults: ROUGH, workload, onSimulation, maxSteps: 50_000 }).catch(() => {});
  return [simulation?.scheduler.steps ?? 0, simulation?.trace ?? 0];
}

describe.each([
  ['ledger', ledger],
  ['bank', bank],
])('the %s', (_name, make) => {
  test('keeps its promises without faults, and its clients reach something', async () => {
    const { violations, history } = await runWorkload({ seed: 1, layout, workload: make() });
    expect(violations).toEqual([]);
    expect(history.operations.filter(({ outcome }) => outcome === 'ok')).toHaveLength(200);
    expect(history.agents.size).toBeGreaterThan(3);
  });

  test('takes the same steps from the same seed, faults included', async () => {
    const one = await stepsOf(make(), 6);
    expect(await stepsOf(make(), 6)).toEqual(one);
    expect(await stepsOf(make(), 7)).not.toEqual(one);
    expect(one[0]).toBeGreaterThan(1_000);
  });
});
