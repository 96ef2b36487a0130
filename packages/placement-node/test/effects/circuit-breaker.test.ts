import { expect, test } from 'vitest';
import { CircuitBreaker, type Verdict } from '../../src/effects/circuit-breaker.ts';

const OPEN_MS = 5_000;

/** A breaker that has seen attempts end, one a millisecond. @returns it, and the time now. */
function after(...verdicts: readonly Verdict[]): readonly [breaker: CircuitBreaker, nowMs: number] {
  const breaker = new CircuitBreaker(OPEN_MS);
  verdicts.forEach((verdict, i) => breaker.end(breaker.begin(), verdict, i));
  return [breaker, verdicts.length];
}

function times(count: number, verdict: Verdict): readonly Verdict[] {
  return Array.from({ length: count }, () => verdict);
}

test('opens when half of the last attempts have failed, and not on a few', () => {
  expect(after(...times(9, 'unwell'))[0].waitMs(9)).toBe(0);
  expect(after(...times(10, 'unwell'))[0].waitMs(9)).toBe(OPEN_MS);
  expect(after(...times(6, 'well'), ...times(5, 'unwell'))[0].isClosed).toBe(true);
  expect(after(...times(6, 'well'), ...times(6, 'unwell'))[0].isClosed).toBe(false);
  expect(after(...times(40, 'well'), ...times(9, 'unwell'))[0].isClosed).toBe(true);
  expect(after(...times(40, 'well'), ...times(10, 'unwell'))[0].isClosed).toBe(false);
});

test('attempts that were stopped, and old ones, say nothing', () => {
  expect(after(...times(50, 'unknown'))[0].isClosed).toBe(true);
  const [breaker] = after(...times(9, 'unwell'));
  breaker.end(breaker.begin(), 'unwell', 130_000);
  expect(breaker.isClosed).toBe(true);
});

test('lets one attempt through when its time is over: a good one closes it', () => {
  const [breaker, nowMs] = after(...times(10, 'unwell'));
  expect(breaker.waitMs(nowMs + OPEN_MS - 2)).toBe(1);
  expect(breaker.waitMs(nowMs + OPEN_MS)).toBe(0);
  const probe = breaker.begin();
  expect(breaker.waitMs(nowMs + OPEN_MS)).toBeGreaterThan(0);

  breaker.end(probe, 'well', nowMs + OPEN_MS);
  expect([breaker.isClosed, breaker.waitMs(nowMs + OPEN_MS)]).toEqual([true, 0]);
  // What was before is forgotten.
  breaker.end(breaker.begin(), 'unwell', nowMs + OPEN_MS);
  expect(breaker.isClosed).toBe(true);
});

test('a bad one opens it for twice as long each time, up to five minutes; a stopped one leaves the place to the next', () => {
  const [breaker] = after(...times(10, 'unwell'));
  let nowMs = 9;
  const waits: number[] = [];
  for (let i = 0; i < 8; i += 1) {
    const waitMs = breaker.waitMs(nowMs);
    waits.push(waitMs);
    nowMs += waitMs;
    breaker.end(breaker.begin(), 'unknown', nowMs);
    expect(breaker.waitMs(nowMs)).toBe(0);
    breaker.end(breaker.begin(), 'unwell', nowMs);
  }
  expect(waits.slice(0, 3)).toEqual([5_000, 10_000, 20_000]);
  expect(waits.at(-1)).toBe(300_000);
});

test('what began before it opened neither closes it nor opens it again', () => {
  const breaker = new CircuitBreaker(OPEN_MS);
  const early = [breaker.begin(), breaker.begin()] as const;
  for (const verdict of times(10, 'unwell')) breaker.end(breaker.begin(), verdict, 0);
  breaker.end(early[0], 'well', 1);
  breaker.end(early[1], 'unwell', 1);
  expect([breaker.isClosed, breaker.waitMs(1)]).toEqual([false, OPEN_MS - 1]);
});
