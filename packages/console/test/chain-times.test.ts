/** The time scale of a chain: sleeps folded, the order of steps kept. */
import type { ChainStep } from '@wakebus/client';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { criticalPath, scaleOf, stepsOf } from '../src/app/pages/chain-times.ts';

function step(atMs: number, caused: ChainStep[] = [], turnMs = 2): ChainStep {
  return { commit: { atMs, cost: { turnMs, recordBytes: 1 } }, caused } as unknown as ChainStep;
}

test('a sleep that is longer than all the rest is folded, and what was close together stays apart', () => {
  const root = step(0, [step(10), step(20, [step(864_000_020, [step(864_000_050)])])]);
  const scale = scaleOf(stepsOf(root).map((placed) => placed.step));

  expect(scale.tookMs).toBe(864_000_050);
  expect(scale.folded).toEqual([864_000_000]);
  expect(scale.at(20) - scale.at(10)).toBeGreaterThan(0.1);
  expect([...criticalPath(root)].map(({ commit }) => commit.atMs)).toEqual([0, 20, 864_000_020, 864_000_050]);
});

test('whatever the times, steps stand in their order between 0 and 1', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 1e12 }), { minLength: 1, maxLength: 20 }), (times) => {
      const scale = scaleOf(times.map((ms) => step(ms)));
      const places = times.toSorted((a, b) => a - b).map((ms) => scale.at(ms));

      expect(places).toEqual(places.toSorted((a, b) => a - b));
      expect(Math.min(...places)).toBe(0);
      expect(Math.max(...places)).toBeLessThanOrEqual(1);
    }),
  );
});
