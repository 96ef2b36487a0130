/** How the writer of a record learns whether its commit happened. */
import { WakebusError, agentKey, encodeRecord } from '@wakebus/protocol';
import { newbornMemory } from '@wakebus/core';
import { describe, expect, test } from 'vitest';
import { commitRecord } from '../src/commit.ts';
import type { Clock, PutOutcome, RecordStore, StoredValue } from '../src/mod.ts';
import { listAgent } from './support/agents.ts';

const key = agentKey('list', 'a');
const unknown: PutOutcome = { kind: 'unknown', cause: new Error('no answer') };
const conflict: PutOutcome = { kind: 'conflict' };

/** Time that passes as soon as somebody waits for it. */
const clock: Clock = {
  wallMs: () => 0,
  monotonicMs: () => 0,
  setTimer: (_delayMs, callback) => {
    queueMicrotask(callback);
    return { cancel: () => {} };
  },
};

function recordOf(commitId: string): Uint8Array {
  const { record: blank } = newbornMemory(key, listAgent(), { inbox: 'i', incarnation: 1, nowMs: 0 });
  return encodeRecord({ ...blank, commit: commitId });
}

/** Commits `mine` at revision 4 over a store that answers as given; the last answers repeat. */
async function commit(
  puts: readonly PutOutcome[],
  reads: readonly (StoredValue | 'no answer')[] = [],
  acts = 10,
): Promise<{ outcome: unknown; tries: readonly number[]; complaints: readonly string[] }> {
  const tries: number[] = [];
  let looks = 0;
  let left = acts;
  const agents = {
    put: async (_key: string, _bytes: Uint8Array, expected: number) => {
      tries.push(expected);
      return puts[Math.min(tries.length, puts.length) - 1];
    },
    getFresh: async () => {
      looks += 1;
      const read = reads[Math.min(looks, reads.length) - 1];
      if (read === undefined || read === 'no answer') throw new WakebusError('UNAVAILABLE', { what: 'The store' });
      return read;
    },
  } as unknown as RecordStore;
  const complaints: string[] = [];
  const onUnanswered = (): { end(): void } => {
    complaints.push('unanswered');
    return { end: () => void complaints.push('ended') };
  };
  const ports = { agents, clock, onUnanswered, mayAct: () => (left -= 1) >= 0, fenced: true };
  return {
    outcome: await commitRecord(ports, { key, bytes: recordOf('mine'), commit: 'mine', expectedRevision: 4 }),
    tries,
    complaints,
  };
}

describe('a commit', () => {
  test('that is confirmed has happened', async () => {
    expect(await commit([{ kind: 'stored', revision: 5 }])).toEqual({
      outcome: { kind: 'committed', revision: 5 },
      tries: [4],
      complaints: [],
    });
  });

  test('without an answer has happened when the record shows it', async () => {
    const { outcome } = await commit([unknown], [{ bytes: recordOf('mine'), revision: 5 }]);

    expect(outcome).toEqual({ kind: 'committed', revision: 5 });
  });

  test('that is refused has happened all the same when an earlier try of it was the rival', async () => {
    const { outcome, tries } = await commit(
      [unknown, conflict],
      ['no answer', { bytes: recordOf('mine'), revision: 5 }],
    );

    expect([outcome, tries]).toEqual([{ kind: 'committed', revision: 5 }, [4, 4]]);
  });

  test.each([
    ['without an answer', unknown],
    ['that is refused', conflict],
  ])('%s is lost when the record shows another one', async (_what, put) => {
    const { outcome } = await commit([put], [{ bytes: recordOf('another'), revision: 5 }]);

    expect(outcome).toEqual({ kind: 'lost' });
  });

  test('without an answer is offered again, unchanged and at the same revision, until there is one', async () => {
    const old = { bytes: recordOf('before'), revision: 4 };
    const { outcome, tries, complaints } = await commit(
      [unknown, unknown, unknown, { kind: 'stored', revision: 5 }],
      ['no answer', old, 'no answer'],
    );

    expect([outcome, tries]).toEqual([{ kind: 'committed', revision: 5 }, [4, 4, 4, 4]]);
    expect(complaints).toEqual(['unanswered', 'ended']);
  });

  test('waits while the store is full', async () => {
    const { outcome } = await commit([{ kind: 'full' }, { kind: 'full' }, { kind: 'stored', revision: 5 }]);

    expect(outcome).toEqual({ kind: 'committed', revision: 5 });
  });

  test('is lost when the right to act is', async () => {
    expect(await commit([unknown], ['no answer'], 3)).toMatchObject({
      outcome: { kind: 'lost' },
      complaints: ['unanswered', 'ended'],
    });
  });

  test('is lost to a record that vanished without a trace, or was restored to an older one', async () => {
    expect((await commit([conflict], [{ bytes: undefined, revision: 0 }], 3)).tries).toEqual([4]);
    expect((await commit([conflict], [{ bytes: recordOf('old'), revision: 3 }], 3)).tries).toEqual([4]);
  });

  test('without an answer is not lost to a read that lags', async () => {
    const { outcome } = await commit(
      [unknown, { kind: 'stored', revision: 5 }],
      [{ bytes: recordOf('old'), revision: 3 }],
    );

    expect(outcome).toEqual({ kind: 'committed', revision: 5 });
  });

  test('is lost to a record that was deleted or cannot be read', async () => {
    expect((await commit([conflict], [{ bytes: undefined, revision: 9 }])).outcome).toEqual({ kind: 'lost' });
    expect((await commit([conflict], [{ bytes: new Uint8Array([1]), revision: 9 }])).outcome).toEqual({ kind: 'lost' });
  });
});
