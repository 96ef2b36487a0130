import { array, assert, constantFrom, integer, oneof, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import type { ServerEnvironment } from '../../src/memory/environment.ts';
import { MemoryStream } from '../../src/memory/memory-stream.ts';
import { MessageIds } from '../../src/memory/message-ids.ts';

const environment: ServerEnvironment = {
  nowMs: () => 0,
  after: () => {},
  hits: () => false,
  below: () => 0,
  id: () => 'x',
};
const nothing = new Uint8Array(0);

const change = oneof(
  record({ append: constantFrom('a.1', 'a.2', 'b.1') }),
  record({ remove: integer({ min: 1, max: 40 }) }),
);

test('a stale read shows exactly what was there so many changes ago', () => {
  assert(
    property(array(change, { maxLength: 40 }), constantFrom('>', 'a.*', 'a.1'), (changes, filter) => {
      const stream = new MemoryStream('s', environment);
      const show = (lag = 0): number[] => stream.read(filter, 1, Number.MAX_SAFE_INTEGER, lag).map(({ seq }) => seq);
      const states = [show()];
      for (const step of changes) {
        if ('remove' in step && !stream.has(step.remove)) continue;
        if ('append' in step) stream.append(step.append, nothing);
        else stream.remove(step.remove);
        states.push(show());
      }
      for (const [lag, state] of states.toReversed().entries()) expect(show(lag)).toEqual(state);
    }),
  );
});

test('a limited stream refuses by number and by size', () => {
  const small = new MemoryStream('s', environment, { maxMessages: 1 });
  expect([small.append('a', nothing).kind, small.append('a', nothing).kind]).toEqual(['stored', 'full']);
  const thin = new MemoryStream('s', environment, { maxBytes: 60 });
  expect([thin.append('a', new Uint8Array(5)).kind, thin.append('a', new Uint8Array(5)).kind]).toEqual([
    'stored',
    'full',
  ]);
  expect(thin.info().fill).toBeCloseTo(0.6);
});

test('a stream with one message a subject keeps the first, or the last', () => {
  const first = new MemoryStream('s', environment, { onePerSubject: 'new' });
  const last = new MemoryStream('s', environment, { onePerSubject: 'old' });
  for (const stream of [first, last]) for (let i = 1; i <= 2; i += 1) stream.append('a', Uint8Array.of(i));
  expect([first.last('a')?.data[0], last.last('a')?.data[0]]).toEqual([1, 2]);
});

test('a message ID is known within its window and not after it', () => {
  const ids = new MessageIds(100);
  ids.add('a', 1, 0);
  ids.add('b', 2, 50);
  expect([ids.find('a', 100), ids.find('a', 101), ids.find('b', 101)]).toEqual([1, undefined, 2]);
});
