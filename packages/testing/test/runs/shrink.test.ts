import { ROUGH, type RunReport, type RunSettings, narrate, runSettings, shrink } from '@wakebus/testing';
import { expect, test } from 'vitest';

/** Runs, and holds it against the node that it is ever restarted: a violation that any crash shows. */
async function noRestarts(settings: RunSettings): Promise<RunReport> {
  const report = await runSettings(settings);
  const lives = report.simulation.node('n0').lives;
  return lives === 1 ? report : { ...report, violations: [`it lived ${lives} times`] };
}

/** Which seeds strike that node changes with every step that the runtime takes. */
async function firstFailing(): Promise<RunReport> {
  for (let seed = 1; ; seed += 1) {
    const report = await noRestarts({ workload: 'ledger', seed, faults: { ...ROUGH, crash: 0.002 } });
    if (report.violations.length === 1) return report;
  }
}

test('a failing run shrinks to what it needs to fail', async () => {
  const failing = await firstFailing();

  const { settings, violations } = await shrink(failing, noRestarts);

  expect(violations).toEqual([expect.stringMatching(/^it lived \d+ times$/)]);
  expect(Object.keys(settings.faults ?? {})).toEqual(['crash']);
  expect(settings.operations).toBeLessThan(50);
  expect(settings.nodes).toBe(1);
});

test('the story of a run says what each named agent wrote, and what befell the nodes meanwhile', async () => {
  const report = await runSettings({ workload: 'ledger', seed: 3, faults: { crash: 0.002 } });
  const [agent] = [...report.history.agents.values()];
  const write = agent?.writes[5];
  const violation = `${agent?.key}, revision ${write?.revision}: something is wrong`;

  const story = narrate({ ...report, violations: [violation] });

  expect(story).toContain(violation);
  expect(story).toContain('"workload":"ledger","seed":3');
  expect(story).toMatch(new RegExp(`\\d s  revision ${write?.revision} by n\\d, epoch \\d+, cursor \\d+, \\w+`));
  expect(story).toMatch(/took \w+ c\d-\d+/);
});
