/**
 * The contract of scheduled appends: the log fires them by itself, into the inbox.
 */
import type { Ports } from '@wakebus/placement-node';
import { describe, expect, test } from 'vitest';
import { type MakeFixture, bytes, over, text, until } from './fixture.ts';
import { ann, bob, inboxOf, seqOf, timersOf } from './log-scene.ts';

/** What fires lives for a day unless it is fetched. */
const TTL_MS = 24 * 60 * 60 * 1000;

/** Declares the suite for one adapter. */
export function schedulesContract(adapter: string, makeFixture: MakeFixture): void {
  describe(`${adapter}: a schedule`, () => {
    fires(makeFixture);
    changes(makeFixture);
  });
}

async function arm(ports: Ports, token: string, atMs: number, body: string, key = ann): Promise<number> {
  const { layout } = ports;
  const schedule = { atMs, target: layout.fireSubject(key), ttlMs: TTL_MS };
  return seqOf(await timersOf(ports).append(layout.timerSubject(key, token), bytes(body), { schedule }));
}

function fired(ports: Ports): Promise<Array<string | undefined>> {
  return inboxOf(ports)
    .read(ports.layout.inboxFilter(), 0, 100)
    .then((stored) => stored.map(({ data }) => text(data)));
}

function fires(makeFixture: MakeFixture): void {
  test(
    'fires into its agent’s mailbox as a timer, not before it is due',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      const dueMs = ports.clock.wallMs() + 800;
      await arm(ports, 't1', dueMs, 'ring');
      await until(fixture, 'it has fired', async () => (await fired(ports)).length === 1);
      expect(ports.clock.wallMs()).toBeGreaterThanOrEqual(dueMs);
      const [fire] = await inboxOf(ports).read(ports.layout.mailboxFilter(ann), 0, 10);
      expect(text(fire?.data)).toBe('ring');
      expect(ports.layout.readInboxSubject(fire?.subject ?? '')).toEqual({ key: ann, kind: 'timer' });
    }),
  );

  test(
    'fires at once when it is overdue',
    over(makeFixture, async (fixture) => {
      await arm(fixture.ports, 't1', fixture.ports.clock.wallMs() - 60_000, 'late');
      await until(fixture, 'it has fired', async () => (await fired(fixture.ports)).length === 1);
    }),
  );

  test(
    'is gone once it has fired',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      await arm(ports, 't1', ports.clock.wallMs(), 'ring');
      await until(fixture, 'it has fired', async () => (await fired(ports)).length === 1);
      const left = async (): Promise<number> => (await timersOf(ports).subjects(ports.layout.timersFilter(ann))).size;
      await until(fixture, 'it is gone', async () => (await left()) === 0);
    }),
  );
}

function changes(makeFixture: MakeFixture): void {
  test(
    'is replaced by the next one under its subject',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      const nowMs = ports.clock.wallMs();
      await arm(ports, 't1', nowMs + 1_000, 'first');
      await arm(ports, 't1', nowMs + 1_500, 'second');
      await arm(ports, 't2', nowMs + 2_000, 'last');
      await until(fixture, 'the last one has fired', async () => (await fired(ports)).includes('last'));
      expect(await fired(ports)).toEqual(['second', 'last']);
    }),
  );

  test(
    'does not fire once it is purged',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      const nowMs = ports.clock.wallMs();
      await arm(ports, 't1', nowMs + 1_000, 'cancelled');
      await arm(ports, 't1', nowMs + 1_500, 'other', bob);
      expect(await timersOf(ports).purge(ports.layout.timerSubject(ann, 't1'))).toBe(true);
      await until(fixture, 'the other one has fired', async () => (await fired(ports)).length > 0);
      expect(await fired(ports)).toEqual(['other']);
    }),
  );

  test(
    'can be listed while it waits',
    over(makeFixture, async ({ ports }) => {
      const { layout } = ports;
      const laterMs = ports.clock.wallMs() + 3_600_000;
      await arm(ports, 't1', laterMs, '1');
      await arm(ports, 't2', laterMs, '2');
      await arm(ports, 't1', laterMs, '3', bob);
      const listed = await timersOf(ports).subjects(layout.timersFilter(ann));
      expect(new Set(listed.keys())).toEqual(new Set([layout.timerSubject(ann, 't1'), layout.timerSubject(ann, 't2')]));
    }),
  );
}
