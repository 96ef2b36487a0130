import { runExhaustively } from '@wakebus/testing';
import { expect, test } from 'vitest';

/** Of each fifteen awaits one; `npm run sim -- --exhaustive` strikes all of them. */
const PART = { number: 1, of: 15 };

test.each(['crash', 'pause'] as const)('a %s at the awaits of a node breaks no promise', async (blow) => {
  let met = 0;
  const { points, violations } = await runExhaustively(blow, PART, ({ simulation }) => {
    if (simulation.unmetPlans === 0) met += 1;
  });
  expect(violations).toEqual([]);
  expect(points).toBeGreaterThan(20);
  expect(met).toBe(points);
});
