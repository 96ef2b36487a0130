/** The newest messages of a log, and how little of it is read for them. */
import type { LogMessage } from '@wakebus/client';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readNewest } from '../src/newest.ts';

/** A log in memory whose pages hold ten messages at most. */
function logOf(subjects: readonly string[]) {
  const messages = subjects.map((subject, at): LogMessage => ({ seq: at + 1, subject, data: new Uint8Array() }));
  const seen = { messages: 0 };
  return {
    seen,
    info: () => Promise.resolve({ lastSeq: messages.length }),
    read: (filter: string, fromSeq: number, limit: number) => {
      const found = messages.filter(({ seq, subject }) => seq >= fromSeq && subject === filter);
      const page = found.slice(0, Math.min(limit, 10));
      seen.messages += page.length;
      return Promise.resolve(page);
    },
  };
}

test('they are the last ones under the filter, oldest first', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('a', 'b', 'c')),
      fc.integer({ min: 1, max: 30 }),
      async (subjects, count) => {
        const wanted = subjects.flatMap((subject, at) => (subject === 'a' ? [at + 1] : [])).slice(-count);

        expect((await readNewest(logOf(subjects), 'a', count)).map(({ seq }) => seq)).toEqual(wanted);
      },
    ),
  );
});

test('a long log is not read from its beginning', async () => {
  const log = logOf(Array.from({ length: 100_000 }, () => 'a'));

  await readNewest(log, 'a', 20);

  expect(log.seen.messages).toBe(20);
});
