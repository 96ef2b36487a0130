/** When schedules come, the days on which clocks change above all. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countBetween, latestBetween, nextAfter } from '../src/schedule-times.ts';

const HOUR_MS = 3_600_000;

function next(times: Parameters<typeof nextAfter>[0], from: string, count: number): string[] {
  const found: string[] = [];
  for (let atMs = nextAfter(times, Date.parse(from)); atMs !== undefined && found.length < count;) {
    found.push(new Date(atMs).toISOString().slice(5, 16));
    atMs = nextAfter(times, atMs);
  }
  return found;
}

const berlin = 'Europe/Berlin';

test.each([
  [
    'a time of day that the clocks jump over comes at the first moment after the gap',
    '0 30 2 * * *',
    berlin,
    '2027-03-27T00:00Z',
    ['03-27T01:30', '03-28T01:00', '03-29T00:30'],
  ],
  [
    'a time of day that comes twice is taken the first time',
    '0 30 2 * * *',
    berlin,
    '2027-10-30T00:00Z',
    ['10-30T00:30', '10-31T00:30', '11-01T01:30'],
  ],
  [
    'steps and wildcards follow real time over the lost hour',
    '0 0 * * * *',
    berlin,
    '2027-03-27T23:30Z',
    ['03-28T00:00', '03-28T01:00', '03-28T02:00'],
  ],
  [
    'steps and wildcards follow real time over the hour that comes twice',
    '0 */30 2 * * *',
    berlin,
    '2027-10-30T12:00Z',
    ['10-31T00:00', '10-31T00:30', '10-31T01:00', '10-31T01:30', '11-01T01:00'],
  ],
  ['steps in the lost hour do not come', '0 */30 2 * * *', berlin, '2027-03-27T12:00Z', ['03-29T00:00', '03-29T00:30']],
  [
    'clocks may change by half an hour',
    '0 15 2 * * *',
    'Australia/Lord_Howe',
    '2027-10-01T16:00Z',
    ['10-02T15:30', '10-03T15:15'],
  ],
  [
    'a day may begin at one o’clock',
    '0 0 0 * * *',
    'America/Sao_Paulo',
    '2018-11-03T12:00Z',
    ['11-04T03:00', '11-05T02:00'],
  ],
  [
    'without a time zone no clock changes',
    '0 30 2 * * *',
    undefined,
    '2027-03-27T12:00Z',
    ['03-28T02:30', '03-29T02:30'],
  ],
  ['five fields mean second 0', '30 2 * * *', undefined, '2027-03-27T12:00Z', ['03-28T02:30', '03-29T02:30']],
])('%s', (_promise, cron, timeZone, from, expected) => {
  expect(next({ cron, ...(timeZone !== undefined && { timeZone }) }, from, expected.length)).toEqual(expected);
});

const zones = ['UTC', berlin, 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata'];
const crons = ['0 30 2 * * *', '0 */30 * * * *', '*/7 * * * * *', '0 0 3 * * 1-5', '0 15 1 L * *', '0 */20 1-3 * * *'];
/** Hours around a change of the clocks, and any others. */
const anyTime = fc.oneof(
  fc.integer({ min: -6 * HOUR_MS, max: 6 * HOUR_MS }).map((ms) => Date.UTC(2027, 2, 28, 1) + ms),
  fc.integer({ min: -6 * HOUR_MS, max: 6 * HOUR_MS }).map((ms) => Date.UTC(2027, 9, 31, 1) + ms),
  fc.integer({ min: Date.UTC(2027, 0, 1), max: Date.UTC(2028, 0, 1) }),
);

test('the last occurrence up to a time and the first after it are neighbours', () => {
  const anyTimes = fc.oneof(
    fc.record({ cron: fc.constantFrom(...crons), timeZone: fc.constantFrom(...zones) }),
    fc.record({ everyMs: fc.integer({ min: 1_000, max: 10 * HOUR_MS }), fromMs: fc.integer({ min: 0, max: 1e12 }) }),
  );
  fc.assert(
    fc.property(anyTimes, anyTime, (times, nowMs) => {
      const [lastMs = Number.NaN] = latestBetween(times, 0, nowMs, 1);
      const nextMs = nextAfter(times, nowMs) ?? Number.NaN;

      expect([lastMs <= nowMs, nowMs < nextMs, nextAfter(times, lastMs)]).toEqual([true, true, nextMs]);
      expect([countBetween(times, lastMs, nowMs), countBetween(times, lastMs - 1, nextMs)]).toEqual([0, 2]);
    }),
    { numRuns: 300 },
  );
});

test('the latest occurrences are those that one meets on the way', () => {
  fc.assert(
    fc.property(fc.constantFrom(...crons), fc.constantFrom(...zones), anyTime, (cron, timeZone, fromMs) => {
      const times = { cron, timeZone };
      const met: number[] = [];
      for (let atMs = nextAfter(times, fromMs); atMs !== undefined && met.length < 20; atMs = nextAfter(times, atMs))
        met.push(atMs);

      expect(latestBetween(times, fromMs, met.at(-1) ?? 0, 1_000)).toEqual(met);
      expect(latestBetween(times, fromMs, met.at(-1) ?? 0, 5)).toEqual(met.slice(-5));
    }),
    { numRuns: 60 },
  );
});

test('intervals are counted from their beginning, also before it', () => {
  const times = { everyMs: 1_000, fromMs: 10_500 };

  expect([0, 10_499, 10_500, 11_499, 11_500].map((afterMs) => nextAfter(times, afterMs))).toEqual([
    10_500, 10_500, 11_500, 11_500, 12_500,
  ]);
  expect(latestBetween(times, 0, 12_500, 2)).toEqual([11_500, 12_500]);
  expect(latestBetween(times, 0, 10_000, 2)).toEqual([]);
});
