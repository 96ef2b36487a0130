import { describe, expect, test } from 'vitest';
import { type DemoOptions, readOptions } from '../src/demo/options.ts';
import { makePlan } from '../src/demo/plan.ts';

describe('the options', () => {
  test('default to one whole run', () => {
    expect(readOptions([])).toEqual({ seed: 1, seeds: 1, broken: undefined, fast: false, hold: false });
  });

  test.each([[['--seed', '0']], [['--seeds', 'x']], [['--break', 'luck']], [['--sed', '1']]])('refuse %j', (argv) => {
    expect(readOptions(argv)).toMatchObject({ code: 2 });
  });

  test('explain themselves', () => {
    expect(readOptions(['--help'])).toMatchObject({ code: 0, print: expect.stringContaining('--break WHAT') });
  });
});

describe('the plan', () => {
  const options = readOptions(['--seed', '5']) as DemoOptions;

  test('is the same for the same seed, and another for another', () => {
    expect(makePlan(options, 329)).toEqual(makePlan(options, 329));
    expect(makePlan({ ...options, seed: 6 }, 329)).not.toEqual(makePlan(options, 329));
  });

  test('sends a tenth twice, half of those after the window', () => {
    const { doubledAtOnce, doubledLater } = makePlan(options, 329);

    expect([doubledAtOnce.size, doubledLater.size]).toEqual([17, 16]);
    expect([...doubledAtOnce].filter((index) => doubledLater.has(index))).toEqual([]);
  });

  test('sends every other one of those past the gateway', () => {
    const { doubledAtOnce, doubledLater, doubledPast } = makePlan(options, 329);
    const past = (set: ReadonlySet<number>): number => [...set].filter((index) => doubledPast.has(index)).length;

    expect([past(doubledAtOnce), past(doubledLater)]).toEqual([9, 8]);
  });

  test.each(Array.from({ length: 50 }, (_, i) => i + 1))(
    'kills a node before or after it stops one, and not while it waits for that, with seed %i',
    (seed) => {
      const { gateway, killAt, pauseFrom, restart } = makePlan({ ...options, seed }, 329);

      expect(killAt).toBeGreaterThan(0);
      expect(killAt).toBeLessThan(329);
      expect(killAt < pauseFrom || killAt >= 0.4 * 329).toBe(true);
      expect(gateway.killAt).toBeGreaterThan(0);
      expect(gateway.killAt).toBeLessThan(329);
      expect('at' in restart ? restart.at : restart.inStandstill).toBeGreaterThan(0);
    },
  );
});
