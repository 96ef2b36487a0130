/**
 * The contract of {@link EventLog}: appending. Reading is in `event-log-reads.ts`; consumers and
 * schedules have suites of their own.
 */
import { describe, expect, test } from 'vitest';
import { type MakeFixture, bytes, over, text, until } from './fixture.ts';
import { describesItself, reads, readsInParts, readsPositions, removes } from './event-log-reads.ts';
import { ann, bob, inboxOf, send, seqOf } from './log-scene.ts';

/** Declares the suite for one adapter. */
export function eventLogContract(adapter: string, makeFixture: MakeFixture): void {
  describe(`${adapter}: an event log`, () => {
    describe('appends', () => {
      appends(makeFixture);
      expectations(makeFixture);
      deduplicates(makeFixture);
      fills(makeFixture);
    });
    describe('reads', () => {
      reads(makeFixture);
      readsInParts(makeFixture);
      readsPositions(makeFixture);
    });
    describe('removes', () => {
      removes(makeFixture);
    });
    describe('describes itself', () => {
      describesItself(makeFixture);
    });
  });
}

function appends(makeFixture: MakeFixture): void {
  test(
    'what was appended can be read back, with headers and time',
    over(makeFixture, async ({ ports }) => {
      const subject = ports.layout.heldSubject(ann);
      const beforeMs = ports.clock.wallMs();
      const seq = seqOf(
        await ports.held.append(subject, bytes('hello'), { headers: { traceparent: 'abc', 'X-Ü': 'grüße' } }),
      );
      const [stored] = await ports.held.read(subject, 0, 10);
      expect(stored).toMatchObject({ seq, subject, headers: { traceparent: 'abc', 'X-Ü': 'grüße' } });
      expect(text(stored?.data)).toBe('hello');
      expect(Math.abs((stored?.storedMs ?? 0) - beforeMs)).toBeLessThan(5_000);
    }),
  );

  test(
    'a header value cannot start another header',
    over(makeFixture, async ({ ports }) => {
      const subject = ports.layout.heldSubject(ann);
      await ports.held.append(subject, bytes(''), { headers: { note: 'a\r\nforged: yes' } });
      const [stored] = await ports.held.read(subject, 0, 10);
      expect(Object.keys(stored?.headers ?? {})).toEqual(['note']);
    }),
  );

  test(
    'an empty payload is a message too',
    over(makeFixture, async ({ ports }) => {
      const subject = ports.layout.heldSubject(ann);
      await ports.held.append(subject, new Uint8Array(0));
      const [stored] = await ports.held.read(subject, 0, 10);
      expect(stored?.data.length).toBe(0);
    }),
  );

  test(
    'sequences rise by one over all subjects',
    over(makeFixture, async ({ ports }) => {
      const seqs = [...(await send(ports, ann, '1', '2')), ...(await send(ports, bob, '3'))];
      expect(seqs).toEqual([seqs[0], (seqs[0] as number) + 1, (seqs[0] as number) + 2]);
    }),
  );

  test(
    'an append that nobody waits for arrives too',
    over(makeFixture, async (fixture) => {
      const { history, layout } = fixture.ports;
      history.appendLater(layout.historySubject(ann), bytes('turn'), { messageId: 'a' });
      history.appendLater(layout.historySubject(ann), bytes('turn'), { messageId: 'a' });
      history.appendLater(layout.historySubject(ann), bytes('turn 2'), { messageId: 'b' });
      await until(fixture, 'both turns are there', async () => (await history.info()).lastSeq >= 2);
      const stored = await history.read(layout.historySubject(ann), 0, 10);
      expect(stored.map(({ data }) => text(data))).toEqual(['turn', 'turn 2']);
    }),
  );
}

function expectations(makeFixture: MakeFixture): void {
  test(
    'the first message under a subject is stored only when it expects none before it',
    over(makeFixture, async ({ ports: { births, layout } }) => {
      seqOf(await births.append(layout.birthSubject(ann), bytes('born'), { expectedSubjectSeq: 0 }));
      const second = await births.append(layout.birthSubject(ann), bytes('born again'), { expectedSubjectSeq: 0 });
      expect(second).toEqual({ kind: 'conflict' });
      const other = await births.append(layout.birthSubject(bob), bytes('born'), { expectedSubjectSeq: 0 });
      expect(other).toMatchObject({ kind: 'stored', duplicate: false });
    }),
  );

  test(
    'a later message is stored only when it expects the last one',
    over(makeFixture, async ({ ports: { held, layout } }) => {
      const subject = layout.heldSubject(ann);
      const first = seqOf(await held.append(subject, bytes('1'), { expectedSubjectSeq: 0 }));
      seqOf(await held.append(layout.heldSubject(bob), bytes('between')));
      expect(await held.append(subject, bytes('2'), { expectedSubjectSeq: first + 1 })).toEqual({ kind: 'conflict' });
      expect(await held.append(subject, bytes('2'), { expectedSubjectSeq: 0 })).toEqual({ kind: 'conflict' });
      expect(await held.append(subject, bytes('2'), { expectedSubjectSeq: first })).toMatchObject({ kind: 'stored' });
    }),
  );

  test(
    'of many that expect the same, one is stored',
    over(makeFixture, async ({ ports: { births, layout } }) => {
      const attempts = Array.from({ length: 20 }, (_, i) =>
        births.append(layout.birthSubject(ann), bytes(String(i)), { expectedSubjectSeq: 0 }),
      );
      const kinds = (await Promise.all(attempts)).map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind === 'stored')).toHaveLength(1);
    }),
  );
}

function deduplicates(makeFixture: MakeFixture): void {
  test(
    'a repeated message ID gives the first sequence and stores nothing',
    over(makeFixture, async ({ ports }) => {
      const subject = ports.layout.eventSubject(ann, 'said');
      const seq = seqOf(await inboxOf(ports).append(subject, bytes('once'), { messageId: 'm1' }));
      const again = await inboxOf(ports).append(subject, bytes('once'), { messageId: 'm1' });
      expect(again).toEqual({ kind: 'stored', seq, duplicate: true });
      const stored = await inboxOf(ports).read(ports.layout.mailboxFilter(ann), 0, 10);
      expect(stored).toHaveLength(1);
      expect(stored[0]?.headers).toMatchObject({ 'Nats-Msg-Id': 'm1' });
    }),
  );

  test(
    'a message ID counts for the whole log, whatever the subject',
    over(makeFixture, async ({ ports }) => {
      await inboxOf(ports).append(ports.layout.eventSubject(ann, 'said'), bytes(''), { messageId: 'm1' });
      const other = await inboxOf(ports).append(ports.layout.eventSubject(bob, 'said'), bytes(''), { messageId: 'm1' });
      expect(other).toMatchObject({ kind: 'stored', duplicate: true });
    }),
  );

  test(
    'a message ID is forgotten after its window',
    over(
      makeFixture,
      async (fixture) => {
        const subject = fixture.ports.layout.eventSubject(ann, 'said');
        const log = inboxOf(fixture.ports);
        await log.append(subject, bytes('once'), { messageId: 'm1' });
        await until(fixture, 'the ID is forgotten', async () => {
          const outcome = await log.append(subject, bytes('twice'), { messageId: 'm1' });
          return outcome.kind === 'stored' && !outcome.duplicate;
        });
        expect(await log.read(fixture.ports.layout.mailboxFilter(ann), 0, 10)).toHaveLength(2);
      },
      { duplicateWindowMs: 200 },
    ),
  );

  test(
    'a refused message leaves its ID unused',
    over(makeFixture, async ({ ports: { held, layout } }) => {
      const subject = layout.heldSubject(ann);
      await held.append(subject, bytes('1'));
      const refused = await held.append(subject, bytes('2'), { messageId: 'm1', expectedSubjectSeq: 0 });
      expect(refused).toEqual({ kind: 'conflict' });
      expect(await held.append(subject, bytes('2'), { messageId: 'm1' })).toMatchObject({ duplicate: false });
    }),
  );
}

function fills(makeFixture: MakeFixture): void {
  const options = { inboxMaxMessages: 4 };

  test(
    'a full log refuses, forgets nothing, and takes messages again once there is room',
    over(
      makeFixture,
      async (fixture) => {
        const { ports } = fixture;
        const log = inboxOf(ports);
        const subject = ports.layout.eventSubject(ann, 'said');
        await send(ports, ann, '1', '2', '3', '4');
        expect(await log.append(subject, bytes('5'))).toEqual({ kind: 'full' });
        expect(await log.read(ports.layout.mailboxFilter(ann), 0, 10)).toHaveLength(4);
        expect(await log.purge(ports.layout.mailboxFilter(ann))).toBe(true);
        expect(await log.append(subject, bytes('5'))).toMatchObject({ kind: 'stored' });
      },
      options,
    ),
  );

  test(
    'how full it is can be seen',
    over(
      makeFixture,
      async ({ ports }) => {
        expect((await inboxOf(ports).info()).fill).toBe(0);
        await send(ports, ann, '1', '2', '3');
        expect((await inboxOf(ports).info()).fill).toBe(0.75);
      },
      options,
    ),
  );
}
