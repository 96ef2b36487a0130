import { expect, test } from 'vitest';
import { RetryBudget } from '../../src/effects/retry-budget.ts';

/** Starts as many repetitions as may go now. */
function spendAll(budget: RetryBudget, nowMs: number): number {
  let count = 0;
  while (budget.waitMs(nowMs) === 0) {
    budget.spend(nowMs);
    count += 1;
  }
  return count;
}

test('lets repetitions go until it is spent, then one a second', () => {
  const budget = new RetryBudget(100, 0);
  expect(spendAll(budget, 0)).toBe(100);
  expect(budget.waitMs(0)).toBe(1_000);
  expect([budget.waitMs(400), budget.waitMs(1_000)]).toEqual([600, 0]);
  expect(spendAll(budget, 5_000)).toBe(5);
});

test('five successes pay for one repetition, and it never holds more than at the start', () => {
  const budget = new RetryBudget(10, 0);
  spendAll(budget, 0);
  for (let i = 0; i < 4; i += 1) budget.refill();
  expect(budget.waitMs(0)).toBe(200);
  budget.refill();
  expect(budget.waitMs(0)).toBe(0);
  for (let i = 0; i < 1_000; i += 1) budget.refill();
  expect(spendAll(budget, 3_600_000)).toBe(10);
});
