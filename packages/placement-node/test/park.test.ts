import { expect, test } from 'vitest';
import { refusedAgainMs } from '../src/park.ts';

test('what no node here can wake is offered again ever later, and at least once a minute', () => {
  expect([1, 2, 3, 4, 5, 1_000].map(refusedAgainMs)).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
});
