import { describe, expect, test } from 'vitest';
import { MAX_TURN_EVENTS } from '../../src/mod.ts';
import { Scene } from './scene.ts';

describe('a turn is cut', () => {
  test('at 256 events', () => {
    const scene = new Scene();

    const turn = scene.take(
      Array.from({ length: 300 }, () => scene.note('x')),
      { maxEvents: MAX_TURN_EVENTS },
    );

    expect([turn.consumed, scene.words.length]).toEqual([256, 256]);
  });

  test('at 512 KB of events', () => {
    const scene = new Scene();
    const large = Array.from({ length: 5 }, () => ({ ...scene.note('x'), sizeBytes: 200 * 1024 }));

    expect(scene.take(large).consumed).toBe(2);
  });

  test('when it has taken long enough', () => {
    const scene = new Scene();
    let asked = 0;

    const turn = scene.take(
      Array.from({ length: 10 }, () => scene.note('x')),
      { isOver: () => (asked += 1) > 3 },
    );

    expect(turn.consumed).toBe(4);
  });

  test('never before its first event, however large or late', () => {
    const scene = new Scene();

    const turn = scene.take([{ ...scene.note('x'), sizeBytes: 10_000_000 }], { maxEvents: 0, isOver: () => true });

    expect(turn.consumed).toBe(1);
  });
});

test('a turn of no message changes nothing but the lifecycle', () => {
  const scene = new Scene();

  const turn = scene.take([]);

  expect([turn.consumed, scene.record.turns, scene.record.cursor, scene.record.last]).toEqual([0, 0, 0, undefined]);
});

test('a turn says in short what it did, for a history that a crash has kept from being written', () => {
  const scene = new Scene();

  scene.take([scene.note('a', 'order-1'), scene.event('close')]);

  expect(scene.record.last).toMatchObject({
    events: [
      { seq: 1, type: 'note', id: 'order-1' },
      { seq: 2, type: 'close' },
    ],
    state: 'closed',
    turn: 1,
    node: 'node-a',
    epoch: 1,
  });
  expect(scene.record.last?.events.some((event) => 'payload' in event)).toBe(false);
});
