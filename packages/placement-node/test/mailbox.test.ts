/** The order in which a mailbox gives its messages, whatever the deliveries do. */
import { beforeEach, describe, expect, test } from 'vitest';
import { Mailbox } from '../src/mailbox.ts';
import type { Delivery, EventLog, LogInfo, StoredMessage } from '../src/mod.ts';
import { failure } from './support/eventually.ts';

/** A log of one mailbox. What it was asked to do is noted; what it answers can be held back. */
class FakeLog {
  messages: StoredMessage[] = [];
  /** Messages above this sequence are not yet on the replica that answers reads. */
  replicaSeq = Infinity;
  /** Messages above this sequence are not yet on the leader; once it has said how far it is, all are everywhere. */
  leaderSeq = Infinity;
  /** The last sequence ever given. */
  lastSeq = 0;
  reads = 0;
  acked: string[] = [];
  nakked: Array<readonly [token: string, delayMs: number]> = [];
  /** Called within a read, after its answer was made. */
  duringRead = (): void => {};

  async read(_filter: string, fromSeq: number, limit: number): Promise<StoredMessage[]> {
    this.reads += 1;
    const found = this.messages.filter(({ seq }) => seq >= fromSeq && seq <= this.replicaSeq).slice(0, limit);
    this.duringRead();
    return found;
  }

  async get(seq: number): Promise<StoredMessage | undefined> {
    return this.messages.find((message) => message.seq === seq);
  }

  async last(): Promise<StoredMessage | undefined> {
    return this.messages.findLast(({ seq }) => seq <= this.leaderSeq);
  }

  async info(): Promise<LogInfo> {
    const lastSeq = Math.min(this.lastSeq, this.leaderSeq);
    this.leaderSeq = Infinity;
    this.replicaSeq = Infinity;
    return { incarnation: 'i', lastSeq, messages: this.messages.length, fill: 0 };
  }

  ack(token: string): void {
    this.acked.push(token);
  }

  nak(token: string, delayMs: number): void {
    this.nakked.push([token, delayMs]);
  }

  working(): void {}
}

let log = new FakeLog();
let partition = { run: 1 };
let mailbox = new Mailbox(log as unknown as EventLog, 'filter', partition);

beforeEach(() => {
  log = new FakeLog();
  partition = { run: 1 };
  mailbox = new Mailbox(log as unknown as EventLog, 'filter', partition);
});

function store(...seqs: readonly number[]): void {
  for (const seq of seqs) {
    log.lastSeq = Math.max(log.lastSeq, seq);
    log.messages.push({ seq, subject: 's', headers: {}, data: new Uint8Array(10), storedMs: 0 });
  }
}

function delivery(seq: number, deliveries = 1): Delivery {
  return {
    seq,
    subject: 's',
    headers: {},
    data: new Uint8Array(10),
    storedMs: 0,
    deliverySeq: seq,
    deliveries,
    ackToken: `ack-${seq}`,
  };
}

/** Stores messages and delivers them. */
function arrive(...seqs: readonly number[]): void {
  store(...seqs);
  for (const seq of seqs) mailbox.offer(delivery(seq), 0);
}

function inHand(): number[] {
  return mailbox.peek(1_000).map(({ seq }) => seq);
}

/** Reads the mailbox once, so that deliveries may follow on. */
async function settle(): Promise<void> {
  mailbox.ring();
  await mailbox.fill();
}

describe('a delivery', () => {
  test('is taken without a read while no other was missed since the last one', async () => {
    await settle();

    arrive(5, 6);

    await mailbox.fill();
    expect([inHand(), log.reads]).toEqual([[5, 6], 1]);
  });

  test('that comes while somebody goes through the messages is not among them', async () => {
    await settle();
    arrive(5);
    const seen = mailbox.peek(256);

    arrive(6);

    expect([seen.map(({ seq }) => seq), inHand()]).toEqual([[5], [5, 6]]);
  });

  test('of a session that has read nothing yet is answered by a read', async () => {
    store(3);
    arrive(5);

    await mailbox.fill();

    expect([inHand(), log.reads]).toEqual([[3, 5], 1]);
  });

  test('after one that may have gone elsewhere is answered by a read: what it skipped is found', async () => {
    await settle();
    store(4);
    partition.run += 1;
    arrive(5);

    await mailbox.fill();

    expect([inHand(), log.reads]).toEqual([[4, 5], 2]);
  });

  test('that comes again is answered by a read', async () => {
    await settle();
    store(4, 5);
    mailbox.offer(delivery(5, 2), 0);

    await mailbox.fill();

    expect(inHand()).toEqual([4, 5]);
  });

  test('that comes while the mailbox is read is in hand once, in its place', async () => {
    store(1, 2);
    mailbox.ring();
    log.duringRead = () => {
      log.duringRead = () => {};
      arrive(3);
      mailbox.offer(delivery(2), 0);
    };

    await mailbox.fill();

    expect(inHand()).toEqual([1, 2, 3]);
  });

  test('that went elsewhere while the mailbox was read is found by the next read', async () => {
    store(1);
    mailbox.ring();
    log.duringRead = () => {
      log.duringRead = () => {};
      store(2);
      partition.run += 1;
      arrive(3);
    };

    await mailbox.fill();
    await mailbox.fill();

    expect(inHand()).toEqual([1, 2, 3]);
  });

  test('of a message behind the cursor brings nothing', async () => {
    store(1, 2);
    await settle();
    mailbox.advance(2);

    mailbox.offer(delivery(1), 0);

    expect([inHand(), mailbox.hasWork]).toEqual([[], false]);
  });
});

describe('a read', () => {
  test('that does not reach a delivered message is stale: nothing is concluded from it', async () => {
    arrive(7);
    log.replicaSeq = 6;

    expect((await failure(mailbox.fill())).code).toBe('UNAVAILABLE');
    expect([inHand(), mailbox.hasWork]).toEqual([[], true]);
    log.replicaSeq = Infinity;
    await mailbox.fill();
    expect(inHand()).toEqual([7]);
  });

  test('of a leader that has not stored a delivered message yet takes it neither for gone nor for read', async () => {
    store(3);
    arrive(5);
    log.leaderSeq = 4;
    log.replicaSeq = 4;

    await mailbox.fill();
    arrive(6);

    expect([inHand(), log.acked, mailbox.hasWork]).toEqual([[3], [], true]);
    mailbox.advance(3);
    await mailbox.fill();
    expect([inHand(), log.acked]).toEqual([[5, 6], []]);
  });

  test('that does not reach a message which is gone from the log answers for it', async () => {
    log.lastSeq = 7;
    mailbox.offer(delivery(7, 2), 0);

    await mailbox.fill();

    expect([inHand(), log.acked, mailbox.doorbells]).toEqual([[], ['ack-7'], []]);
  });

  test('of a long mailbox takes it in parts, in order', async () => {
    store(...Array.from({ length: 600 }, (_, i) => i + 1));
    mailbox.ring();
    const taken: number[] = [];

    while (mailbox.hasWork) {
      await mailbox.fill();
      taken.push(...inHand());
      mailbox.advance(taken.at(-1) ?? 0);
    }

    expect(taken).toEqual(Array.from({ length: 600 }, (_, i) => i + 1));
    expect(log.reads).toBe(3);
  });

  test('comes again after payloads were dropped', async () => {
    arrive(1, 2);
    await settle();
    mailbox.advance(1);

    mailbox.dropPayloads();

    expect([mailbox.sizeBytes, mailbox.hasWork]).toEqual([0, true]);
    await mailbox.fill();
    expect([inHand(), mailbox.sizeBytes]).toEqual([[2], 10]);
  });
});

describe('acknowledgement', () => {
  test('is given up to the cursor, to what has nothing owed', () => {
    arrive(1, 2, 3, 4);

    mailbox.acknowledge(3, false, (seq) => seq !== 2);

    expect([log.acked, mailbox.doorbells.map(({ seq }) => seq)]).toEqual([
      ['ack-1', 'ack-3'],
      [2, 4],
    ]);
  });

  test('leaves one witness while something is owed that no message stands for', () => {
    arrive(1, 2, 3);

    mailbox.acknowledge(2, true, () => true);
    expect([log.acked, mailbox.doorbells.map(({ seq }) => seq)]).toEqual([['ack-1'], [2, 3]]);
    mailbox.acknowledge(2, false, () => true);

    expect(log.acked).toEqual(['ack-1', 'ack-2']);
  });

  test('is given under the token of the latest delivery', () => {
    arrive(1);
    mailbox.offer({ ...delivery(1, 2), ackToken: 'later' }, 0);

    mailbox.acknowledge(1, false, () => true);

    expect(log.acked).toEqual(['later']);
  });

  test('is put off by how often a message has come', () => {
    mailbox.offer(delivery(1, 3), 0);
    mailbox.offer(delivery(2, 1), 0);

    mailbox.giveBack(0, (deliveries) => deliveries * 500);

    expect(log.nakked).toEqual([
      ['ack-1', 1_500],
      ['ack-2', 500],
    ]);
  });

  test('is not given for what is given back, which comes again', () => {
    arrive(1, 2, 3);

    mailbox.giveBack(1, (deliveries) => deliveries * 500);

    expect([log.acked, log.nakked]).toEqual([
      [],
      [
        ['ack-2', 500],
        ['ack-3', 500],
      ],
    ]);
    expect(mailbox.doorbells.map(({ seq }) => seq)).toEqual([1]);
  });
});

test('only a message that was delivered once, and here, is known to be new', () => {
  mailbox.offer(delivery(1), 0);
  mailbox.offer(delivery(2, 2), 0);

  expect([1, 2, 3].map((seq) => mailbox.isFresh(seq))).toEqual([true, false, false]);
});
