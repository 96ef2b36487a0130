/** Sending and calling against a world that loses what it is told to lose, under a clock that stands still. */
import { type Client, type ClientPorts, createClient } from '@wakebus/client';
import type { Ports } from '@wakebus/placement-node';
import { type AgentRecord, RECORD_FORMAT, type ReplyBody, encode, encodeRecord } from '@wakebus/protocol';
import { beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import { type FakeWorld, fakeWorld, settle } from './fake-ports.ts';

const noAnswer = { kind: 'unknown', cause: new Error('timeout') } as const;
const notStored = { kind: 'unknown', cause: { why: 'no-responders' } } as const;
const stored = { kind: 'stored', seq: 7, duplicate: false } as const;

let world: FakeWorld;
let client: Client;

beforeEach(async () => {
  world = fakeWorld();
  client = await createClient(world.ports);
});

/** What became of a promise, without waiting for it. */
function track<T>(work: Promise<T>): { value?: T; code?: string } {
  const tracked: { value?: T; code?: string } = {};
  const settled = async (): Promise<void> => {
    try {
      tracked.value = await work;
    } catch (error) {
      tracked.code = (error as { code: string }).code;
    }
  };
  void settled();
  return tracked;
}

/** The agent's answer to the last message. */
function answer(body: ReplyBody): void {
  world.deliver({ subject: world.appended.at(-1)?.headers['Wakebus-Reply'] ?? '', data: encode(body) });
}

/** A call under the ID `k`, tracked. */
function call(): ReturnType<typeof track> {
  return track(client.agent('a', 'b').call({ type: 'c' }, { id: 'k', deadlineMs: 30_000 }));
}

function record(change: Partial<AgentRecord>): Uint8Array {
  return encodeRecord({
    format: RECORD_FORMAT,
    incarnation: 1,
    inbox: 'x',
    machineVersion: 1,
    lifecycle: { name: 'asleep', sinceMs: 0 },
    lease: { holder: '', epoch: 1 },
    cursor: 0,
    cursorMs: 0,
    snapshot: new Uint8Array(),
    commit: 'c',
    turns: 1,
    bornMs: 0,
    updatedMs: 0,
    generation: 0,
    timers: [],
    outbox: [],
    maybe: [],
    settled: true,
    peers: new Map(),
    seen: [],
    early: [],
    replies: [],
    journal: [],
    ...change,
  });
}

function kept(id: string, body: ReplyBody): Pick<AgentRecord, 'replies'> {
  return { replies: [{ id, seq: 7, body: encode(body), untilMs: 0 }] };
}

test('the ports of a placement node are ports of a client', () => {
  expectTypeOf<Ports>().toExtend<ClientPorts>();
});

describe('send', () => {
  test('repeats the same message under the same ID until it is acknowledged', async () => {
    world.outcomes = [noAnswer, notStored, noAnswer, stored];
    const sent = track(client.agent('a', 'b').send({ type: 'c' }));

    await world.clock.advance(1_000);

    expect(sent.value).toMatchObject({ seq: 7 });
    expect(world.appended.map(({ messageId }) => messageId)).toEqual(
      Array.from({ length: 4 }, () => 'a.b:sessionnames-1'),
    );
  });

  test('gives up at its deadline: unknown when any try may have been stored', async () => {
    world.outcomes = [notStored, noAnswer, notStored];
    const sent = track(client.agent('a', 'b').send({ type: 'c' }, { deadlineMs: 5_000 }));

    await world.clock.advance(6_000);

    expect(sent.code).toBe('OUTCOME_UNKNOWN');
  });

  test('gives up at its deadline: unavailable when surely none was', async () => {
    world.outcomes = [notStored];
    const sent = track(client.agent('a', 'b').send({ type: 'c' }, { deadlineMs: 5_000 }));

    await world.clock.advance(6_000);

    expect(sent.code).toBe('UNAVAILABLE');
  });

  test('a full inbox is said at once', async () => {
    world.outcomes = [{ kind: 'full' }];
    const sent = track(client.agent('a', 'b').send({ type: 'c' }));
    await settle();

    expect(sent.code).toBe('INBOX_FULL');
  });

  test('a full inbox after an unanswered try is not said: the try may have been stored', async () => {
    world.outcomes = [noAnswer, { kind: 'full' }];
    const sent = track(client.agent('a', 'b').send({ type: 'c' }, { deadlineMs: 3_000 }));

    await world.clock.advance(4_000);

    expect(sent.code).toBe('OUTCOME_UNKNOWN');
  });

  test('asks how full the inbox is at most once a second', async () => {
    for (let i = 0; i < 100; i += 1) {
      await client.agent('a', 'b').send({ type: 'c' });
      await world.clock.advance(20);
    }

    expect(world.fillReads).toBe(2);
  });

  test('publishes nothing into an inbox that is 80 % full, and looks again before it refuses', async () => {
    world.fill = 0.8;
    await client.agent('a', 'b').send({ type: 'c' });
    await settle();
    const before = world.appended.length;

    const refused = track(client.agent('a', 'b').send({ type: 'c' }));
    await settle();
    expect([refused.code, world.appended.length]).toEqual(['INBOX_FULL', before]);

    world.fill = 0.79;
    await world.clock.advance(1_001);
    expect(await client.agent('a', 'b').send({ type: 'c' })).toMatchObject({ seq: 1 });
  });

  test('draws another session name instead of keeping a counter for every agent ever met', async () => {
    let names = 0;
    world = fakeWorld();
    client = await createClient({ ...world.ports, random: { id: () => `name${(names += 1)}` } });
    for (let i = 0; i <= 100_000; i += 1) await client.agent('a', `b${i}`).send({ type: 'c' });

    const first = world.appended[0]?.messageId.split(':')[1];
    const last = world.appended.at(-1)?.messageId.split(':')[1];
    expect(first?.endsWith('-1')).toBe(true);
    expect(last?.endsWith('-1')).toBe(true);
    expect(first).not.toBe(last);
  });
});

describe('call', () => {
  test('takes an answer that comes before the acknowledgement', async () => {
    world.outcomes = [noAnswer, stored];
    const called = call();
    await settle();

    answer({ ok: true, value: 5 });
    await settle();

    expect(called.value).toBe(5);
  });

  test('says in a header when it stops waiting', async () => {
    call();
    await settle();

    expect(world.appended[0]?.headers['Wakebus-Deadline']).toBe(String(1_700_000_030_000));
    expect(world.appended[0]?.headers['Wakebus-Reply']).toMatch(/^_INBOX\.\S+$/);
  });

  test('does not read the record while an answer may still come by itself', async () => {
    call();

    await world.clock.advance(990);

    expect(world.recordReads).toBe(0);
  });

  test('looks into the record after a second, two, four, four more', async () => {
    world.outcomes = [stored];
    world.record = record({ cursor: 6 });
    call();
    const reads: number[] = [];
    for (let second = 1; second <= 12; second += 1) {
      await world.clock.advance(1_000);
      reads.push(world.recordReads);
    }

    expect(reads).toEqual([1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4]);
  });

  test('looks at once after a duplicate, and soon again', async () => {
    world.outcomes = [{ ...stored, duplicate: true }];
    world.record = record({ cursor: 7, ...kept('k', { ok: true, value: 'as before' }) });
    const called = call();

    await world.clock.advance(1);

    expect(called.value).toBe('as before');
  });

  test('a kept refusal is thrown as what it was', async () => {
    world.outcomes = [{ ...stored, duplicate: true }];
    const error = { code: 'AGENT_REFUSED', message: 'no', facts: { address: 'a/b', reason: 'no' } };
    world.record = record({ cursor: 7, ...kept('k', { ok: false, error }) });
    const called = call();

    await world.clock.advance(1);

    expect(called.code).toBe('AGENT_REFUSED');
  });

  test('a message behind the cursor whose answer is not kept has expired, after a second look', async () => {
    world.outcomes = [stored];
    world.record = record({ cursor: 7 });
    const called = call();

    await world.clock.advance(1_001);
    expect(called).toEqual({});
    await world.clock.advance(2_000);

    expect(called.code).toBe('REPLY_EXPIRED');
  });

  test('a message that stands in held is waited for, however far the cursor is', async () => {
    world.outcomes = [stored];
    world.record = record({ cursor: 100, held: { cursor: 3, upTo: 50 } });
    const called = call();

    await world.clock.advance(29_000);
    expect(called).toEqual({});
    await world.clock.advance(2_000);

    expect(called.code).toBe('CALL_TIMEOUT');
  });

  test('an agent without a record yet is waited for', async () => {
    world.outcomes = [stored];
    const called = call();

    await world.clock.advance(31_000);

    expect(called.code).toBe('CALL_TIMEOUT');
  });

  test('a call that was never acknowledged ends as unknown, on time', async () => {
    world.outcomes = [noAnswer];
    const called = call();

    await world.clock.advance(30_001);

    expect(called.code).toBe('OUTCOME_UNKNOWN');
  });

  test('an answer after the end changes nothing', async () => {
    world.outcomes = [stored];
    const called = call();
    await world.clock.advance(31_000);

    answer({ ok: true, value: 1 });
    await settle();

    expect(called).toEqual({ code: 'CALL_TIMEOUT' });
  });

  test('an error code of a newer agent stays readable', async () => {
    const called = call();
    await settle();

    answer({ ok: false, error: { code: 'FROM_THE_FUTURE', message: 'something new' } });
    await settle();

    expect(called.code).toBe('FROM_THE_FUTURE');
  });
});
