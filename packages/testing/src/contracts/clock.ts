/**
 * The contracts of {@link Clock} and {@link Random}.
 */
import { delay } from '@wakebus/placement-node';
import { describe, expect, test } from 'vitest';
import { type MakeFixture, over, until } from './fixture.ts';

/** Declares the suite for one adapter. */
export function clockContract(adapter: string, makeFixture: MakeFixture): void {
  describe(`${adapter}: a clock`, () => {
    times(makeFixture);
    cancels(makeFixture);
  });
  describe(`${adapter}: randomness`, () => {
    draws(makeFixture);
  });
}

function times(makeFixture: MakeFixture): void {
  test(
    'goes forward by both measures',
    over(makeFixture, async (fixture) => {
      const { clock } = fixture.ports;
      const before = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
      await fixture.advance(100);
      expect(clock.monotonicMs() - before.monotonicMs).toBeGreaterThanOrEqual(99);
      expect(clock.wallMs() - before.wallMs).toBeGreaterThanOrEqual(98);
    }),
  );

  test(
    'a timer fires once, and not before its delay by the monotonic measure',
    over(makeFixture, async (fixture) => {
      const { clock } = fixture.ports;
      for (const delayMs of [0, 1, 7, 50]) {
        const sinceMs = clock.monotonicMs();
        const firedMs: number[] = [];
        clock.setTimer(delayMs, () => void firedMs.push(clock.monotonicMs()));
        await until(fixture, 'it has fired', () => firedMs.length > 0);
        expect((firedMs[0] as number) - sinceMs).toBeGreaterThanOrEqual(delayMs);
        await fixture.advance(2 * delayMs + 1);
        expect(firedMs).toHaveLength(1);
      }
    }),
  );

  test(
    'timers fire in the order in which they fall due',
    over(makeFixture, async (fixture) => {
      const { clock } = fixture.ports;
      const fired: number[] = [];
      for (const delayMs of [60, 20, 40]) clock.setTimer(delayMs, () => void fired.push(delayMs));
      await until(fixture, 'all have fired', () => fired.length === 3);
      expect(fired).toEqual([20, 40, 60]);
    }),
  );
}

function cancels(makeFixture: MakeFixture): void {
  test(
    'a timer that was taken back does not fire',
    over(makeFixture, async (fixture) => {
      const { clock } = fixture.ports;
      let fired = false;
      const timer = clock.setTimer(20, () => {
        fired = true;
      });
      timer.cancel();
      timer.cancel();
      await fixture.advance(60);
      expect(fired).toBe(false);
    }),
  );

  test(
    'a timer for next month does not fire today',
    over(makeFixture, async (fixture) => {
      const { clock } = fixture.ports;
      let fired = false;
      const timer = clock.setTimer(40 * 24 * 60 * 60 * 1000, () => {
        fired = true;
      });
      await fixture.advance(20);
      timer.cancel();
      expect(fired).toBe(false);
    }),
  );

  test(
    'a delay ends',
    over(makeFixture, async (fixture) => {
      let ended = false;
      const wait = async (): Promise<void> => {
        await delay(fixture.ports.clock, 10);
        ended = true;
      };
      void wait();
      await until(fixture, 'it has ended', () => ended);
    }),
  );
}

function draws(makeFixture: MakeFixture): void {
  test(
    'names are 22 letters and digits, and never the same',
    over(makeFixture, async ({ ports: { random } }) => {
      const names = new Set(Array.from({ length: 10_000 }, () => random.id()));
      expect(names.size).toBe(10_000);
      for (const name of names) expect(name).toMatch(/^[A-Za-z0-9]{22}$/);
    }),
  );

  test(
    'fractions are from 0 to below 1, and spread',
    over(makeFixture, async ({ ports: { random } }) => {
      const fractions = Array.from({ length: 1_000 }, () => random.fraction());
      expect(Math.min(...fractions)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...fractions)).toBeLessThan(1);
      const mean = fractions.reduce((sum, fraction) => sum + fraction, 0) / fractions.length;
      expect(Math.abs(mean - 0.5)).toBeLessThan(0.1);
    }),
  );
}
