/**
 * Seeds that have shown something: kept, and run again for ever.
 *
 * Their steps change with the runtime. What a seed showed once, it may not show today; all of them together are
 * runs that were worth looking at.
 */
import { readFileSync } from 'node:fs';
import { type RunSettings, runSettings } from '@wakebus/testing';
import { expect, test } from 'vitest';

interface Regression {
  readonly settings: RunSettings;
  readonly showed: string;
}

const file = new URL('../regressions.json', import.meta.url);
const regressions = JSON.parse(readFileSync(file, 'utf8')) as readonly Regression[];

test.each(regressions)('$settings.workload, seed $settings.seed, which showed: $showed', async ({ settings }) => {
  const { violations } = await runSettings(settings);
  expect(violations).toEqual([]);
});
