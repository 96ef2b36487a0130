/**
 * The contract of {@link EventLog}: reading, removing, and what a log says about itself.
 */
import { expect, test } from 'vitest';
import { type MakeFixture, bytes, over, text } from './fixture.ts';
import { ann, bob, inboxOf, send, seqOf } from './log-scene.ts';

export function reads(makeFixture: MakeFixture): void {
  test(
    "one agent's messages come in order, without its neighbours'",
    over(makeFixture, async ({ ports }) => {
      await send(ports, ann, '1');
      await send(ports, bob, 'x', 'y');
      await send(ports, ann, '2', '3');
      const mailbox = await inboxOf(ports).read(ports.layout.mailboxFilter(ann), 0, 10);
      expect(mailbox.map(({ data }) => text(data))).toEqual(['1', '2', '3']);
    }),
  );

  test(
    'a wildcard reads over all agents, ascending',
    over(makeFixture, async ({ ports }) => {
      await send(ports, ann, '1');
      await send(ports, bob, '2');
      await send(ports, ann, '3');
      const all = await inboxOf(ports).read(ports.layout.inboxFilter(), 0, 10);
      expect(all.map(({ data }) => text(data))).toEqual(['1', '2', '3']);
    }),
  );

  test(
    'a read starts where it is told to',
    over(makeFixture, async ({ ports }) => {
      const seqs = await send(ports, ann, '1', '2', '3');
      const filter = ports.layout.mailboxFilter(ann);
      const rest = await inboxOf(ports).read(filter, (seqs[0] as number) + 1, 10);
      expect(rest.map(({ data }) => text(data))).toEqual(['2', '3']);
      expect(await inboxOf(ports).read(filter, (seqs[2] as number) + 1, 10)).toEqual([]);
    }),
  );
}

export function readsInParts(makeFixture: MakeFixture): void {
  test(
    'a read gives no more than it is asked for, and goes on from there',
    over(makeFixture, async ({ ports }) => {
      await send(ports, ann, '1', '2', '3');
      const filter = ports.layout.mailboxFilter(ann);
      const first = await inboxOf(ports).read(filter, 0, 2);
      expect(first.map(({ data }) => text(data))).toEqual(['1', '2']);
      const next = await inboxOf(ports).read(filter, (first[1]?.seq ?? 0) + 1, 2);
      expect(next.map(({ data }) => text(data))).toEqual(['3']);
    }),
  );

  test(
    'nothing reads as an empty list',
    over(makeFixture, async ({ ports }) => {
      expect(await inboxOf(ports).read(ports.layout.mailboxFilter(ann), 0, 10)).toEqual([]);
      await send(ports, bob, '1');
      expect(await inboxOf(ports).read(ports.layout.mailboxFilter(ann), 0, 10)).toEqual([]);
    }),
  );

  test(
    'large messages are read to the end, in as many reads as it takes',
    over(makeFixture, async ({ ports: { held, layout } }) => {
      const subject = layout.heldSubject(ann);
      for (let i = 0; i < 20; i += 1) await held.append(subject, new Uint8Array(600 * 1024).fill(i));
      const got: number[] = [];
      for (let from = 0; got.length < 20;) {
        const batch = await held.read(subject, from, 100);
        expect(batch.length).toBeGreaterThan(0);
        got.push(...batch.map(({ data }) => data[data.length - 1] as number));
        from = (batch.at(-1)?.seq ?? 0) + 1;
      }
      expect(got).toEqual(Array.from({ length: 20 }, (_, i) => i));
    }),
  );
}

export function readsPositions(makeFixture: MakeFixture): void {
  test(
    'a message can be read by its sequence',
    over(makeFixture, async ({ ports }) => {
      const [seq = 0] = await send(ports, ann, 'hello');
      const stored = await inboxOf(ports).get(seq);
      expect(stored).toMatchObject({ seq });
      expect(ports.layout.readInboxSubject(stored?.subject ?? '')).toEqual({ key: ann, kind: 'event', event: 'said' });
      expect(text(stored?.data)).toBe('hello');
      expect(await inboxOf(ports).get(seq + 1)).toBeUndefined();
    }),
  );

  test(
    'the last message under a subject can be read',
    over(makeFixture, async ({ ports: { held, layout } }) => {
      const subject = layout.heldSubject(ann);
      expect(await held.last(subject)).toBeUndefined();
      await held.append(subject, bytes('1'));
      const seq = seqOf(await held.append(subject, bytes('2')));
      await held.append(layout.heldSubject(bob), bytes('3'));
      const last = await held.last(subject);
      expect(last).toMatchObject({ seq, subject });
      expect(text(last?.data)).toBe('2');
    }),
  );

  test(
    'what was read is the reader’s own',
    over(makeFixture, async ({ ports: { held, layout } }) => {
      const subject = layout.heldSubject(ann);
      await held.append(subject, bytes('abc'));
      const [first] = await held.read(subject, 0, 1);
      first?.data.fill(0);
      const [second] = await held.read(subject, 0, 1);
      expect(text(second?.data)).toBe('abc');
    }),
  );
}

export function removes(makeFixture: MakeFixture): void {
  test(
    'a purge removes what matches, and nothing else',
    over(makeFixture, async ({ ports }) => {
      await send(ports, ann, '1', '2');
      await send(ports, bob, '3');
      expect(await inboxOf(ports).purge(ports.layout.mailboxFilter(ann))).toBe(true);
      expect(await inboxOf(ports).read(ports.layout.mailboxFilter(ann), 0, 10)).toEqual([]);
      expect(await inboxOf(ports).read(ports.layout.mailboxFilter(bob), 0, 10)).toHaveLength(1);
    }),
  );

  test(
    'a purge of nothing is done too',
    over(makeFixture, async ({ ports }) => {
      expect(await inboxOf(ports).purge(ports.layout.mailboxFilter(ann))).toBe(true);
    }),
  );

  test(
    'sequences go on after a purge',
    over(makeFixture, async ({ ports }) => {
      const [first = 0] = await send(ports, ann, '1');
      await inboxOf(ports).purge(ports.layout.mailboxFilter(ann));
      expect(await send(ports, ann, '2')).toEqual([first + 1]);
    }),
  );
}

export function describesItself(makeFixture: MakeFixture): void {
  test(
    'which subjects hold how many messages',
    over(makeFixture, async ({ ports }) => {
      const { layout } = ports;
      expect(await inboxOf(ports).subjects(layout.inboxFilter())).toEqual(new Map());
      await send(ports, ann, '1', '2');
      await send(ports, bob, '3');
      const found = await inboxOf(ports).subjects(layout.inboxFilter());
      const byAgent = [...found].map(
        ([subject, count]) => [layout.readPending(subject)?.key as string, count] as const,
      );
      expect(new Map(byAgent)).toEqual(
        new Map([
          [ann as string, 2],
          [bob as string, 1],
        ]),
      );
      expect((await inboxOf(ports).subjects(layout.mailboxFilter(bob))).size).toBe(1);
    }),
  );

  test(
    'how many messages it holds, and its last sequence',
    over(makeFixture, async ({ ports }) => {
      const before = await inboxOf(ports).info();
      expect(before).toMatchObject({ messages: 0, lastSeq: 0 });
      await send(ports, ann, '1', '2');
      await inboxOf(ports).purge(ports.layout.mailboxFilter(ann));
      expect(await inboxOf(ports).info()).toMatchObject({ messages: 0, lastSeq: 2 });
    }),
  );

  test(
    'an incarnation that stays, and that no other log has',
    over(makeFixture, async (fixture) => {
      const { incarnation } = await inboxOf(fixture.ports).info();
      const other = await fixture.another();
      expect(incarnation).not.toBe('');
      expect((await inboxOf(other).info()).incarnation).toBe(incarnation);
      expect((await fixture.ports.births.info()).incarnation).not.toBe(incarnation);
    }),
  );
}
