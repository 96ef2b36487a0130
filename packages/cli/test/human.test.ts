import { expect, test } from 'vitest';
import { bytes, count, duration, listed, readDuration, table } from '../src/human.ts';

test.each([
  [0, '0 ms'],
  [41.4, '41 ms'],
  [1_500, '1.5 s'],
  [59_000, '59 s'],
  [90_000, '1.5 min'],
  [7_200_000, '2 h'],
  [880 * 86_400_000, '880 d'],
])('%d ms reads %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test.each([
  ['250ms', 250],
  ['30s', 30_000],
  ['30', 30_000],
  ['5min', 300_000],
  ['5m', 300_000],
  ['2h', 7_200_000],
  ['1.5d', 129_600_000],
  ['soon', undefined],
  ['-1s', undefined],
  ['', undefined],
])('a time written %j is %s ms', (text, ms) => {
  expect(readDuration(text)).toBe(ms);
});

test('sizes and counts are short', () => {
  expect([bytes(12), bytes(1_536), bytes(5 * 1_024 ** 2), count(1_204_331)]).toEqual([
    '12 B',
    '1.5 KB',
    '5 MB',
    '1,204,331',
  ]);
});

test('a table is as wide as its cells', () => {
  expect(
    table(
      ['A', 'LONG'],
      [
        ['aaa', 'b'],
        ['c', 'd'],
      ],
    ),
  ).toBe('A    LONG\naaa  b\nc    d');
});

test('what comes many times is listed once, in the order in which it came', () => {
  expect(listed(['send b', 'sleep', 'send b', 'send a\n', 'sleep', 'send b'])).toBe('send b ×3, sleep ×2, send a\\x0a');
});
