import { agentKey } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import type { Inbound } from '../../src/mod.ts';
import { Scene, answers, notebook } from './scene.ts';

const HOUR_MS = 3_600_000;
const ada = agentKey('writer', 'ada');
const bob = agentKey('writer', 'bob');

type Message = Extract<Inbound, { kind: 'message' }>;

/** An agent's message as one that was committed at a time. */
function sentAt(inbound: Inbound, atMs: number): Message {
  if (inbound.kind !== 'message') throw new Error('not a message');
  return { ...inbound, message: { ...inbound.message, atMs } };
}

describe('an outside event', () => {
  test('is taken once, however often its ID comes', () => {
    const scene = new Scene();
    const first = scene.note('a', 'order-1');

    const turn = scene.take([first, scene.again(first), scene.note('b', 'order-2'), scene.again(first)]);

    expect(scene.words).toEqual(['a', 'b']);
    expect([turn.consumed, turn.duplicates, scene.record.cursor]).toEqual([4, 2, 4]);
  });

  test('is known again after a sleep', () => {
    const scene = new Scene();
    const first = scene.note('a', 'order-1');
    scene.take([first]);

    scene.rehydrate();
    scene.take([scene.again(first)]);

    expect(scene.words).toEqual(['a']);
  });

  test('without an ID is taken as often as it comes', () => {
    const scene = new Scene();

    scene.take([scene.note('a'), scene.note('a')]);

    expect(scene.words).toEqual(['a', 'a']);
  });

  test('is remembered for the whole horizon, and forgotten an eighth after it', () => {
    const scene = new Scene(notebook({ dedupe: { horizonMs: 24 * HOUR_MS } }));
    const first = scene.note('a', 'order-1');
    scene.take([first]);

    scene.nowMs += 24 * HOUR_MS;
    scene.take([scene.again(first)]);
    scene.rehydrate();
    scene.nowMs += 3 * HOUR_MS + 1;
    scene.take([scene.note('b', 'order-2')]);
    scene.take([scene.again(first)]);

    expect(scene.words).toEqual(['a', 'b', 'a']);
  });

  test('is known again however long its repetition waited in the mailbox', () => {
    const scene = new Scene(notebook({ dedupe: { horizonMs: HOUR_MS } }));
    const first = scene.note('a', 'order-1');
    const repetition = scene.again(first);
    scene.take([first]);

    scene.nowMs += 48 * HOUR_MS;
    scene.take([]);
    scene.rehydrate();
    scene.take([repetition]);

    expect(scene.words).toEqual(['a']);
  });

  test('is known again while messages stand aside, whatever came after them', () => {
    const scene = new Scene(notebook({ dedupe: { horizonMs: HOUR_MS } }));
    const first = scene.note('a', 'order-1');
    scene.take([first]);
    const { memory } = scene;
    scene.memory = { ...memory, record: { ...memory.record, held: { cursor: 1, upTo: 2 } } };

    scene.nowMs += 48 * HOUR_MS;
    scene.take([scene.note('b')]);
    scene.take([scene.again(first)]);

    expect(scene.words).toEqual(['a', 'b']);
  });

  test('behind the cursor is passed over without a trace', () => {
    const scene = new Scene();
    const old = scene.note('a');
    scene.take([old]);

    const turn = scene.take([old, scene.note('b')]);

    expect(scene.words).toEqual(['a', 'b']);
    expect(turn.history.map(({ seq }) => seq)).toEqual([2]);
  });

  test('that was given up is not taken when it comes again', () => {
    const scene = new Scene(notebook({ retry: { attempts: 1, backoffMs: 0 } }));
    const bad = scene.event('boom', {}, { id: 'order-1', to: '_INBOX.x' });
    scene.takeAll([bad]);

    const turn = scene.take([scene.again(bad)]);

    expect([turn.failure, turn.duplicates]).toEqual([undefined, 1]);
    expect(answers(turn)).toMatchObject([['_INBOX.x', { ok: false, error: { code: 'DEAD_LETTERED' } }]]);
  });
});

describe("another agent's message", () => {
  test('is taken once by its number, whatever its ID', () => {
    const scene = new Scene();

    scene.take([
      scene.message(ada, 1, 0, { type: 'note', word: 'a1' }),
      scene.message(bob, 1, 0, { type: 'note', word: 'b1' }),
      scene.message(ada, 1, 0, { type: 'note', word: 'a1' }),
      scene.message(ada, 2, 1, { type: 'note', word: 'a2' }),
    ]);

    expect(scene.words).toEqual(['a1', 'b1', 'a2']);
  });

  test('of a sender that was born again is another one', () => {
    const scene = new Scene();
    const first = scene.message(ada, 1, 0, { type: 'note', word: 'first life' });
    const second = { ...scene.message(ada, 1, 0, { type: 'note', word: 'second life' }) };
    if (second.kind !== 'message') throw new Error('not a message');

    scene.take([first, { ...second, message: { ...second.message, incarnation: 2 } }]);

    expect(scene.words).toEqual(['first life', 'second life']);
  });

  test('waits in the record for the one before it, also through a sleep', () => {
    const scene = new Scene();
    scene.take([scene.message(ada, 1, 0, { type: 'note', word: '1' })]);
    const turn = scene.take([
      scene.message(ada, 4, 3, { type: 'note', word: '4' }),
      scene.message(ada, 3, 2, { type: 'note', word: '3' }),
      scene.message(bob, 1, 0, { type: 'note', word: 'bob' }),
    ]);
    expect([scene.words, turn.consumed, scene.record.early.length]).toEqual([['1', 'bob'], 3, 2]);

    scene.rehydrate();
    scene.take([scene.message(ada, 2, 1, { type: 'note', word: '2' })]);

    expect(scene.words).toEqual(['1', 'bob', '2', '3', '4']);
    expect(scene.record.early).toEqual([]);
  });

  test('does not wait for one that may have been forgotten, before it or while it waited', () => {
    const scene = new Scene(notebook({ dedupe: { horizonMs: HOUR_MS } }));
    scene.take([scene.message(ada, 1, 0, { type: 'note', word: '1' })]);
    const previousMs = scene.nowMs;
    scene.nowMs += 2 * HOUR_MS;
    scene.take([scene.note('time passes')]);

    scene.take([scene.message(ada, 2, 1, { type: 'note', word: '2' }, previousMs)]);
    scene.take([scene.message(bob, 4, 3, { type: 'note', word: 'b4' }, scene.nowMs)]);
    expect([scene.words, scene.record.early.length]).toEqual([['1', 'time passes', '2'], 1]);
    scene.nowMs += HOUR_MS + 1;
    scene.take([scene.note('more time passes')]);

    expect(scene.words).toEqual(['1', 'time passes', '2', 'more time passes', 'b4']);
  });

  test('that comes later than this agent remembers is given up, as it may have come before', () => {
    const scene = new Scene(notebook({ dedupe: { horizonMs: HOUR_MS } }));
    const first = sentAt(scene.message(ada, 1, 0, { type: 'note', word: '1' }), scene.nowMs);
    scene.take([first]);
    scene.nowMs += 2 * HOUR_MS;
    scene.take([scene.note('time passes')]);

    // The sender remembers for longer: after a crash it sends what it does not know to have arrived.
    const repeated = { ...scene.again(first), storedMs: scene.nowMs };
    const turn = scene.take([repeated, sentAt(scene.message(ada, 2, 1, { type: 'note', word: '2' }), scene.nowMs)]);

    expect(scene.words).toEqual(['1', 'time passes', '2']);
    expect(turn.deadLetters.map(({ code, inbound }) => [code, inbound.seq])).toEqual([['MESSAGE_STALE', repeated.seq]]);
  });

  test('that came in time and had to wait for its turn is taken', () => {
    const scene = new Scene(notebook({ dedupe: { horizonMs: HOUR_MS } }));
    const message = sentAt(scene.message(ada, 2, 1, { type: 'note', word: '2' }), scene.nowMs);
    scene.nowMs += 2 * HOUR_MS;

    scene.take([{ ...message, message: { ...message.message, previous: 0 } }]);

    expect(scene.words).toEqual(['2']);
  });

  test('that waits already is not kept twice', () => {
    const scene = new Scene();
    const early = scene.message(ada, 2, 1, { type: 'note', word: '2' });

    scene.take([early, scene.again(early), scene.message(ada, 1, 0, { type: 'note', word: '1' }), scene.again(early)]);

    expect(scene.words).toEqual(['1', '2']);
  });

  test('that starts a chain anew waits for nothing', () => {
    const scene = new Scene();

    scene.take([
      scene.message(ada, 7, 0, { type: 'note', word: '7' }),
      scene.message(ada, 8, 7, { type: 'note', word: '8' }),
    ]);

    expect(scene.words).toEqual(['7', '8']);
  });

  test('that throws when its time has come is given up, and its successors go on', () => {
    const scene = new Scene();
    scene.take([scene.message(ada, 2, 1, { type: 'boom' }), scene.message(ada, 3, 2, { type: 'note', word: '3' })]);

    const turn = scene.take([scene.message(ada, 1, 0, { type: 'note', word: '1' })]);

    expect(scene.words).toEqual(['1', '3']);
    expect(scene.record.early).toEqual([]);
    expect(turn.deadLetters.map(({ code, inbound }) => [code, inbound.seq])).toEqual([['TURN_FAILED', 1]]);
  });

  test('that was given up after its tries does not stop those behind it', () => {
    const scene = new Scene();
    const bad = scene.message(ada, 1, 0, { type: 'boom' });
    scene.takeAll([bad]);

    scene.take([scene.message(ada, 2, 1, { type: 'note', word: '2' }), scene.again(bad)]);

    expect(scene.words).toEqual(['2']);
  });
});
