import { ROUGH, RunTotals, runSettings } from '@wakebus/testing';
import { expect, test } from 'vitest';

test('a rough run of two hundred operations counts', async () => {
  const report = await runSettings({ workload: 'ledger', seed: 1 });
  expect(report.violations).toEqual([]);
  expect(report.shortcomings).toEqual([]);
});

test('a run without faults does not count, and neither does one of a few operations', async () => {
  const calm = await runSettings({ workload: 'ledger', seed: 1, faults: {} });
  expect(calm.shortcomings).toEqual(['0 faults that met their step, and 3 are needed']);
  const short = await runSettings({ workload: 'ledger', seed: 1, operations: 5 });
  expect(short.shortcomings).toEqual([expect.stringContaining('committed turns, and 20 are needed')]);
});

test('a run in which most operations fail does not count', async () => {
  const report = await runSettings({ workload: 'ledger', seed: 1, faults: { ...ROUGH, requestLost: 0.9 } });
  expect(report.shortcomings).toContainEqual(expect.stringMatching(/^\d+ of 200 operations succeeded$/));
});

test('a run whose planned fault never met its step does not count', async () => {
  const report = await runSettings({ workload: 'ledger', seed: 1 }, (simulation) =>
    simulation.atStep(1_000_000_000, () => {}),
  );
  expect(report.shortcomings).toEqual(['1 planned faults never met their step']);
});

test('a run that ends with an error is a broken promise', async () => {
  const report = await runSettings({ workload: 'ledger', seed: 1 }, (simulation) =>
    simulation.atStep(100, () => simulation.scheduler.fail(new Error('the node went mad'))),
  );
  expect(report.violations).toEqual(['ledger, seed 1: Error: the node went mad']);
});

test('an unknown workload is refused, and the error names those that there are', async () => {
  await expect(runSettings({ workload: 'leger', seed: 1 })).rejects.toThrow(
    'There is no workload "leger". There are: ledger, bank',
  );
});

test('the totals count what passed, what broke a promise and what proves nothing, each once', async () => {
  const totals = new RunTotals();
  totals.add(await runSettings({ workload: 'bank', seed: 1 }));
  totals.add(await runSettings({ workload: 'bank', seed: 1, faults: {} }));
  totals.add({ ...(await runSettings({ workload: 'bank', seed: 1, operations: 3 })), violations: ['it broke'] });
  expect([totals.passed, totals.broken]).toEqual([1, 1]);
  expect(totals.rows()).toContainEqual(
    expect.objectContaining({ name: 'sim runs with broken promises', value: 1, met: false }),
  );
  expect(totals.rows()).toContainEqual(
    expect.objectContaining({ name: 'sim runs that did not count', value: 1, unit: 'runs' }),
  );
});
