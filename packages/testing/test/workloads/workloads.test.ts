import { Layout } from '@wakebus/protocol';
import { type FaultRates, ROUGH, type Simulation, type Workload, bank, ledger, runWorkload } from '@wakebus/testing';
import { describe, expect, test } from 'vitest';

const layout = new Layout({ partitions: 4 });
const SEEDS = Array.from({ length: 10 }, (_, i) => i + 1);

function violationsOf(workload: Workload, seed: number, faults: FaultRates, sabotage = {}): Promise<readonly string[]> {
  // With a short window the server forgets message IDs, and the record must know them.
  const server = { dedupeWindowMs: 100 };
  return runWorkload({ seed, layout, faults, workload, server, runtime: { sabotage } }).then(
    ({ violations }) => violations,
    (error: unknown) => [String(error)],
  );
}

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

describe('the checkers see', () => {
  test.each([
    ['commits without compare-and-set', { pause: 0.003, spill: 0.2 }, { cas: true }],
    ['a record that forgets which messages it has processed', { replyLost: 0.02 }, { dedupe: true }],
  ] as const)('%s, and nothing without that', async (_name, faults, sabotage) => {
    let seen = 0;
    for (const seed of SEEDS) {
      expect(await violationsOf(ledger({ failing: 0 }), seed, faults)).toEqual([]);
      if ((await violationsOf(ledger({ failing: 0 }), seed, faults, sabotage)).length > 0) seen += 1;
    }
    expect(seen).toBeGreaterThan(0);
  });
});
