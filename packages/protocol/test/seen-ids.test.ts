import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BUCKETS_PER_HORIZON, type SeenBucket, type SeenIds, SeenIndex, decode, encode } from '../src/mod.ts';

const HORIZON = 8000;
const BUCKET = HORIZON / BUCKETS_PER_HORIZON;
const ids = fc.oneof(
  fc.integer({ min: 0, max: 30 }).map((n) => `order-${n}`),
  fc.integer({ min: 0, max: 30 }).map(String),
  fc.constantFrom(
    'a',
    'b',
    '',
    'order-',
    'order-007',
    'order-7',
    '0',
    '00',
    'x0',
    '-1',
    '999999999999999',
    '9999999999999999',
    'a\n1',
    '1\n',
    'é1',
  ),
);
type Command = { kind: 'add'; id: string } | { kind: 'wait'; ms: number } | { kind: 'store' } | { kind: 'spill' };
const commands: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: ids.map((id) => ({ kind: 'add' as const, id })) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: HORIZON }).map((ms) => ({ kind: 'wait' as const, ms })) },
  { weight: 1, arbitrary: fc.constant({ kind: 'store' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'spill' as const }) },
);

test('remembers exactly what was added, for the horizon at least and an eighth longer at most', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(commands, { maxLength: 60 }), ids, async (steps, stranger) => {
      const model = new Map<string, number>();
      const chunks = new Map<string, SeenBucket>();
      let nowMs = 1_000_000;
      let index = new SeenIndex([], HORIZON);
      for (const step of steps) {
        if (step.kind === 'wait') nowMs += step.ms;
        if (step.kind === 'store') index = new SeenIndex(decode(encode(index.toSeen())) as SeenIds, HORIZON, chunks);
        if (step.kind === 'spill') await index.spill((content) => Promise.resolve(keep(chunks, content)));
        index.expire(nowMs);
        if (step.kind === 'add') {
          index.add(step.id, nowMs);
          model.set(step.id, nowMs);
        }
      }
      for (const id of [...model.keys(), stranger]) {
        const addedMs = model.get(id);
        if (addedMs === undefined) expect(index.has(id)).toBe(false);
        else if (nowMs <= addedMs + HORIZON) expect(index.has(id)).toBe(true);
        // Its bucket began at most one bucket before it, or with it.
        else if (nowMs > addedMs + HORIZON + BUCKET) expect(index.has(id)).toBe(false);
      }
    }),
    { numRuns: 300 },
  );
});

test('an ID that came late in its bucket is kept for its own horizon, also when older buckets go', () => {
  const index = new SeenIndex([], HORIZON);
  index.add('first', 0);
  index.add('early', BUCKET);
  index.add('late', 2 * BUCKET - 1);
  index.expire(HORIZON + BUCKET + BUCKET / 2);
  expect([index.has('first'), index.has('late')]).toEqual([false, true]);
});

test('10,000 numbered IDs of one sender take one entry', () => {
  const index = new SeenIndex([], HORIZON);
  for (let n = 1; n <= 10_000; n += 1) index.add(`billing-${n}`, 0);
  expect(encode(index.toSeen()).length).toBeLessThan(100);
  expect(index.has('billing-10000')).toBe(true);
  expect(index.has('billing-10001')).toBe(false);
});

test('numbers that come in any order join into the same ranges', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(Array.from({ length: 40 }, (_, n) => n)), (numbers) => {
      const index = new SeenIndex([], HORIZON);
      for (const n of numbers) index.add(`n${n}`, 0);
      const spans = index.toSeen()[0]?.ranges[0]?.[1] ?? [];
      const inside = Array.from({ length: spans.length / 2 }, (_, i) =>
        range(spans[i * 2] ?? 0, spans[i * 2 + 1] ?? 0),
      ).flat();
      expect(inside).toEqual(numbers.toSorted((a, b) => a - b));
    }),
  );
});

test('a leading zero is another ID than the number without it', () => {
  const index = new SeenIndex([], HORIZON);
  index.add('order-7', 0);
  expect(index.has('order-07')).toBe(false);
  expect(index.has('order-7')).toBe(true);
});

test('a bucket that did not change keeps its object from one commit to the next', () => {
  const index = new SeenIndex([], HORIZON);
  index.add('a', 0);
  index.add('b', BUCKET + 1);
  const [first] = index.toSeen();
  index.add('c', BUCKET + 2);
  expect(index.toSeen()[0]).toBe(first);
});

function keep(chunks: Map<string, SeenBucket>, content: SeenBucket): string {
  const hash = `chunk-${chunks.size}`;
  chunks.set(hash, decode(encode(content)) as SeenBucket);
  return hash;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
