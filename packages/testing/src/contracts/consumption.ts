/**
 * The contract of {@link EventLog.consume}: who gets which message, when again, and what an
 * acknowledgement does.
 */
import type { Ports } from '@wakebus/placement-node';
import { agentKey } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import { type MakeFixture, type PortsFixture, bytes, over, text, until } from './fixture.ts';
import { ann, inboxOf, join, send, seqOf } from './log-scene.ts';

/** Declares the suite for one adapter. */
export function consumptionContract(adapter: string, makeFixture: MakeFixture): void {
  describe(`${adapter}: a consumption`, () => {
    describe('delivers', () => {
      delivers(makeFixture);
      countsDeliveries(makeFixture);
    });
    describe('is told', () => {
      acknowledges(makeFixture);
      waits(makeFixture);
    });
    describe('shares a consumer', () => {
      ranks(makeFixture);
      changesRank(makeFixture);
      unitesFilters(makeFixture);
    });
  });
}

const texts = (got: ReadonlyArray<{ readonly data: Uint8Array }>): Array<string | undefined> =>
  got.map(({ data }) => text(data));

const partitionOfAnn = (ports: Ports): number => ports.layout.partitionOf(ann);

/** Whether the inbox holds nothing any more. */
const isEmpty = (ports: Ports) => async (): Promise<boolean> => (await inboxOf(ports).info()).messages === 0;

function delivers(makeFixture: MakeFixture): void {
  test(
    'what waits, and then what comes',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      const before = await send(ports, ann, '1', '2');
      const { got } = await join(ports, partitionOfAnn(ports));
      await until(fixture, 'the waiting ones are there', () => got.length === 2);
      const after = await send(ports, ann, '3');
      await until(fixture, 'the new one is there', () => got.length === 3);
      expect(texts(got)).toEqual(['1', '2', '3']);
      expect(got.map(({ seq }) => seq)).toEqual([...before, ...after]);
    }),
  );

  test(
    'each message as the log keeps it',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      const subject = ports.layout.eventSubject(ann, 'said');
      await inboxOf(ports).append(subject, bytes('hello'), { messageId: 'm1', headers: { traceparent: 'abc' } });
      const { got } = await join(ports, partitionOfAnn(ports));
      await until(fixture, 'it is there', () => got.length === 1);
      const [stored] = await inboxOf(ports).read(ports.layout.mailboxFilter(ann), 0, 1);
      expect(got[0]).toMatchObject({ ...stored, deliveries: 1 });
      expect(got[0]?.headers).toEqual({ 'Nats-Msg-Id': 'm1', traceparent: 'abc' });
    }),
  );

  test(
    'only what matches its filters',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      const stranger = agentKey('stranger', 'ann');
      await send(ports, stranger, 'no');
      await send(ports, ann, 'yes');
      const { got } = await join(ports, partitionOfAnn(ports));
      await until(fixture, 'it is there', () => got.length > 0);
      expect(texts(got)).toEqual(['yes']);
    }),
  );

  test(
    'nothing more once it has stopped, and leaves the rest to others',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      const first = await join(ports, partitionOfAnn(ports));
      await first.stop();
      await send(ports, ann, '1');
      const second = await join(ports, partitionOfAnn(ports));
      await until(fixture, 'the second one has it', () => second.got.length === 1);
      expect(first.got).toEqual([]);
    }),
  );
}

function countsDeliveries(makeFixture: MakeFixture): void {
  test(
    'under numbers that rise by one, to whomever they go',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      const other = await fixture.another();
      const partition = partitionOfAnn(ports);
      const first = await join(ports, partition);
      const second = await join(other, partition);
      await send(ports, ann, ...Array.from({ length: 50 }, (_, i) => String(i)));
      await until(fixture, 'all are there', () => first.got.length + second.got.length === 50);
      const numbers = [...first.got, ...second.got].map(({ deliverySeq }) => deliverySeq).toSorted((a, b) => a - b);
      expect(numbers.map((number) => number - (numbers[0] as number))).toEqual(Array.from({ length: 50 }, (_, i) => i));
    }),
  );

  test(
    'a redelivery takes a number of its own and says how often it came',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      await send(ports, ann, '1', '2');
      const { got } = await join(ports, partitionOfAnn(ports));
      await until(fixture, 'both are there', () => got.length === 2);
      inboxOf(ports).nak(got[0]?.ackToken as string, 0);
      await until(fixture, 'the first one came again', () => got.length === 3);
      expect(got[2]).toMatchObject({ seq: got[0]?.seq, deliveries: 2, deliverySeq: (got[1]?.deliverySeq ?? 0) + 1 });
    }),
  );
}

function acknowledges(makeFixture: MakeFixture): void {
  test(
    'an acknowledged message leaves the log; others stay',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      await send(ports, ann, '1', '2', '3');
      const { got } = await join(ports, partitionOfAnn(ports));
      await until(fixture, 'all are there', () => got.length === 3);
      inboxOf(ports).ack(got[1]?.ackToken as string);
      await until(fixture, 'it is gone', async () => (await inboxOf(ports).info()).messages === 2);
      const rest = await inboxOf(ports).read(ports.layout.mailboxFilter(ann), 0, 10);
      expect(texts(rest)).toEqual(['1', '3']);
    }),
  );

  test(
    'another process may acknowledge',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      const other = await fixture.another();
      await send(ports, ann, '1');
      const { got } = await join(ports, partitionOfAnn(ports));
      await until(fixture, 'it is there', () => got.length === 1);
      inboxOf(other).ack(got[0]?.ackToken as string);
      await until(fixture, 'it is gone', isEmpty(ports));
    }),
  );

  test(
    'the acknowledgement of an earlier delivery counts',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      await send(ports, ann, '1');
      const { got } = await join(ports, partitionOfAnn(ports));
      await until(fixture, 'it is there', () => got.length === 1);
      inboxOf(ports).nak(got[0]?.ackToken as string, 0);
      await until(fixture, 'it came again', () => got.length === 2);
      inboxOf(ports).ack(got[0]?.ackToken as string);
      await until(fixture, 'it is gone', isEmpty(ports));
    }),
  );
}

function waits(makeFixture: MakeFixture): void {
  test(
    'a message that nobody acknowledges comes again after the wait, and not before',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      await send(ports, ann, '1');
      const atMs: number[] = [];
      const onDelivery = (): void => void atMs.push(ports.clock.monotonicMs());
      await join(ports, partitionOfAnn(ports), { ackWaitMs: 1_000, onDelivery });
      await until(fixture, 'it came again', () => atMs.length === 2);
      expect((atMs[1] as number) - (atMs[0] as number)).toBeGreaterThan(950);
    }),
  );

  test(
    'a message in work waits anew',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      await send(ports, ann, '1');
      const { got } = await join(ports, partitionOfAnn(ports), { ackWaitMs: 1_000 });
      await until(fixture, 'it is there', () => got.length === 1);
      for (let passedMs = 0; passedMs < 2_000; passedMs += 250) {
        inboxOf(ports).working(got[0]?.ackToken as string);
        await fixture.advance(250);
      }
      expect(got).toHaveLength(1);
      await until(fixture, 'it came again', () => got.length === 2);
    }),
  );

  test(
    'a refused message comes again after the delay that was asked for',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      await send(ports, ann, '1');
      const { got } = await join(ports, partitionOfAnn(ports), { ackWaitMs: 10_000 });
      await until(fixture, 'it is there', () => got.length === 1);
      const sinceMs = ports.clock.monotonicMs();
      inboxOf(ports).nak(got[0]?.ackToken as string, 400);
      await until(fixture, 'it came again', () => got.length === 2);
      const passedMs = ports.clock.monotonicMs() - sinceMs;
      expect(passedMs).toBeGreaterThan(390);
      expect(passedMs).toBeLessThan(5_000);
    }),
  );
}

function ranks(makeFixture: MakeFixture): void {
  test(
    'the lower rank is served while it asks',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      const second = await join(ports, partitionOfAnn(ports), { rank: 1 });
      const first = await join(await fixture.another(), partitionOfAnn(ports), { rank: 0 });
      let sent = 0;
      const allAreThere = (): boolean => first.got.length + second.got.length === sent;
      await until(fixture, 'the first one asks', async () => {
        sent += (await send(ports, ann, 'who asks?')).length;
        return first.got.length > 0;
      });
      await until(fixture, 'all are there', allAreThere);
      const served = second.got.length;
      sent += (await send(ports, ann, '1', '2', '3')).length;
      await until(fixture, 'the others are there', allAreThere);
      expect(second.got).toHaveLength(served);
    }),
  );

  test(
    'the next rank takes over when the first stops',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      const first = await join(ports, partitionOfAnn(ports), { rank: 0 });
      const second = await join(await fixture.another(), partitionOfAnn(ports), { rank: 1 });
      await send(ports, ann, '1');
      await until(fixture, 'the first one has it', () => first.got.length === 1);
      inboxOf(ports).ack(first.got[0]?.ackToken as string);
      await first.stop();
      await send(ports, ann, '2');
      await until(fixture, 'the second one has it', () => second.got.length === 1);
      expect(texts(second.got)).toEqual(['2']);
    }),
  );
}

function changesRank(makeFixture: MakeFixture): void {
  test(
    'a change of ranks changes who is served',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      const a = await join(ports, partitionOfAnn(ports), { rank: 0 });
      const b = await join(await fixture.another(), partitionOfAnn(ports), { rank: 2 });
      await send(ports, ann, '1');
      await until(fixture, 'a has the first', () => a.got.length === 1);
      a.setRank(5);
      await until(fixture, 'b is served', async () => {
        await send(ports, ann, 'more');
        return b.got.length > 0;
      });
    }),
  );

  test(
    'changes of rank under load lose nothing',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      const other = await fixture.another();
      const seen = new Set<number>();
      const acking = (as: Ports) => ({
        ackWaitMs: 1_000,
        onDelivery: ({ seq, ackToken }: { seq: number; ackToken: string }): void => {
          seen.add(seq);
          inboxOf(as).ack(ackToken);
        },
      });
      const a = await join(ports, partitionOfAnn(ports), { rank: 0, ...acking(ports) });
      const b = await join(other, partitionOfAnn(ports), { rank: 1, ...acking(other) });
      const sent = new Set<number>();
      for (let round = 0; round < 40; round += 1) {
        const batch = Array.from({ length: 25 }, (_, i) =>
          inboxOf(ports).append(ports.layout.eventSubject(ann, 'said'), bytes(`${round}.${i}`)),
        );
        a.setRank(round % 3);
        b.setRank((round + 1) % 3);
        for (const outcome of await Promise.all(batch)) sent.add(seqOf(outcome));
      }
      await until(fixture, 'the log is empty', isEmpty(ports));
      expect(seen).toEqual(sent);
      await Promise.all([a.stop(), b.stop()]);
    }),
  );
}

/** Agents of five types, one in the partition of `ann` each. */
const typed = (ports: Ports): ReturnType<typeof agentKey>[] =>
  Array.from({ length: 5 }, (_, i) => {
    for (let n = 0; ; n += 1) {
      const key = agentKey(`type${i}`, `agent${n}`);
      if (ports.layout.partitionOf(key) === partitionOfAnn(ports)) return key;
    }
  });

function unitesFilters(makeFixture: MakeFixture): void {
  test(
    'processes that join at once with other filters get each what matches any of them',
    over(makeFixture, async (fixture) => {
      const keys = typed(fixture.ports);
      const processes: PortsFixture['ports'][] = [];
      for (const _ of keys) processes.push(await fixture.another());
      const joined = await Promise.all(
        processes.map((ports, i) => join(ports, partitionOfAnn(ports), { types: [`type${i}`] })),
      );
      for (const key of keys) await send(fixture.ports, key, key);
      const all = (): string[] => joined.flatMap(({ got }) => texts(got) as string[]);
      await until(fixture, 'all five are there', () => new Set(all()).size === 5);
      expect(new Set(all())).toEqual(new Set<string>(keys));
    }),
  );

  test(
    'what was stored before its filter was added is delivered too',
    over(makeFixture, async (fixture) => {
      const { ports } = fixture;
      const [early] = typed(ports) as [ReturnType<typeof agentKey>];
      const first = await join(ports, partitionOfAnn(ports));
      await send(ports, early, 'early');
      await send(ports, ann, 'late');
      await until(fixture, 'the consumer has passed both', () => first.got.length === 1);
      const second = await join(await fixture.another(), partitionOfAnn(ports), { types: ['type0'] });
      const all = (): Array<string | undefined> => texts([...first.got, ...second.got]);
      await until(fixture, 'the early one is there', () => all().includes('early'));
    }),
  );
}
