import { agentKey, encode } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import { type GateRule, type Inbound, coalesce, debounce, ifTaken, isRunnable, rateLimit } from '../../src/mod.ts';
import { Scene, answers, notebook } from './scene.ts';

/** Drops notes of one word. */
function without(word: string): GateRule {
  return {
    name: `no-${word}`,
    sees: 'agent',
    judge: ({ event }) => (event['word'] === word ? { kind: 'drop', reason: 'nobody wants it' } : undefined),
  };
}

/** Keeps notes back until the machine is in another state. */
const untilMoved: GateRule = {
  name: 'until-moved',
  sees: 'agent',
  judge: ({ event }, { state }) =>
    event['word'] === 'later' && state === 'open' ? { kind: 'defer', reason: 'not while it is open' } : undefined,
};

function sceneOf(...gate: readonly GateRule[]): Scene {
  return new Scene(notebook({ gate }));
}

/** The one timer of an agent fires when it is due. */
function dueFire(scene: Scene): Inbound {
  const [timer] = scene.record.timers;
  if (timer === undefined) throw new Error('nothing is armed');
  scene.nowMs = timer.dueMs;
  scene.rehydrate();
  return scene.fire(timer.id, timer.generation);
}

describe('an event that the gate drops', () => {
  test('never reaches the machine, is answered with the reason, and stands in the history', () => {
    const scene = sceneOf(without('spam'));

    const turn = scene.take([
      scene.note('a'),
      scene.event('note', { word: 'spam' }, { to: '_INBOX.x' }),
      scene.note('b'),
    ]);

    expect(scene.words).toEqual(['a', 'b']);
    expect([turn.consumed, scene.record.cursor]).toEqual([3, 3]);
    expect(turn.gated).toEqual([{ rule: 'no-spam', verdict: 'drop', source: 'event' }]);
    expect(turn.history[1]).toMatchObject({ type: 'note', gate: { rule: 'no-spam', reason: 'nobody wants it' } });
    expect(answers(turn)).toMatchObject([
      ['_INBOX.x', { ok: false, error: { code: 'EVENT_GATED', facts: { rule: 'no-spam', event: 'note' } } }],
    ]);
  });

  test('gets the same answer when its caller asks again', () => {
    const scene = sceneOf(without('spam'));
    const call = scene.event('note', { word: 'spam' }, { id: 'order-1', to: '_INBOX.x' });
    scene.take([call]);

    const again = scene.take([scene.again(call)]);

    expect(answers(again)).toMatchObject([
      ['_INBOX.x', { error: { code: 'EVENT_GATED', facts: { rule: 'no-spam', event: 'note' } } }],
    ]);
  });

  test('leaves no more in the record than what its caller is answered by', () => {
    const scene = sceneOf(without('spam'));

    const calls = Array.from({ length: 32 }, (_, i) =>
      scene.event('note', { word: 'spam', pad: 'x'.repeat(1_000) }, { id: `call-${i}`, to: '_INBOX.x' }),
    );
    scene.take(calls);

    expect(scene.record.replies).toHaveLength(32);
    expect(encode(scene.record.replies).length / 32).toBeLessThan(80);
  });

  test('does not break the order of its sender', () => {
    const scene = sceneOf(without('spam'));
    const sender = agentKey('sender', 'one');

    scene.take([
      scene.message(sender, 1, 0, { type: 'note', word: 'spam' }),
      scene.message(sender, 2, 1, { type: 'note', word: 'b' }),
    ]);

    expect(scene.words).toEqual(['b']);
    expect(scene.record.early).toEqual([]);
  });
});

describe('while the state is bytes', () => {
  test('what the gate keeps back is committed without decoding it, and the agent sleeps on', () => {
    const scene = sceneOf(without('spam'));
    scene.take([scene.note('a')]);
    scene.toTheGate();
    const { snapshot, lifecycle, last } = scene.record;

    const turn = scene.take([scene.note('spam'), scene.note('spam')]);

    expect([turn.consumed, scene.record.cursor]).toEqual([2, 3]);
    expect(scene.memory).toMatchObject({ isUndecoded: true, snapshot: undefined });
    expect([scene.record.snapshot, scene.record.lifecycle]).toEqual([snapshot, lifecycle]);
    expect(scene.record.last?.state).toEqual(last?.state);
    scene.rehydrate();
    expect(scene.words).toEqual(['a']);
  });

  test('the turn ends before the first message that needs the machine', () => {
    const scene = sceneOf(without('spam'));
    scene.take([scene.note('a')]);
    scene.toTheGate();
    const messages = [scene.note('spam'), scene.note('b'), scene.note('spam')];

    const turn = scene.take(messages);

    expect(turn.consumed).toBe(1);
    scene.rehydrate();
    scene.take(messages.slice(1));
    expect(scene.words).toEqual(['a', 'b']);
  });

  test('a rule that lets an event in remembers nothing of it before the machine has it', () => {
    const scene = sceneOf(rateLimit({ limit: 1, periodMs: 1_000 }), without('spam'));
    scene.take([scene.note('a')]);
    scene.nowMs += 5_000;
    scene.toTheGate();
    const next = [scene.note('b'), scene.note('c')];

    expect(scene.take(next).consumed).toBe(0);
    scene.rehydrate();
    scene.take(next);

    expect(scene.words).toEqual(['a', 'b']);
  });

  test.each([
    ['timers', (scene: Scene) => scene.fire('x', 1)],
    ['controls', (scene: Scene) => scene.control('suspend')],
  ])('%s need the agent', (_kinds, make) => {
    const scene = sceneOf(without('spam'));
    scene.take([scene.note('a')]);
    scene.toTheGate();

    expect(scene.take([make(scene)]).consumed).toBe(0);
  });
});

describe('ifTaken', () => {
  test('drops what no present state has a transition for, and asks no guard', () => {
    const scene = sceneOf(ifTaken());
    scene.take([scene.event('close')]);
    scene.toTheGate();

    const dropped = scene.take([scene.note('a'), scene.event('boom')]);
    expect(dropped.gated).toHaveLength(2);
    expect(scene.take([scene.event('open')]).consumed).toBe(0);
  });

  test('leaves it to the machine to refuse what it knows in no state', () => {
    const scene = sceneOf(ifTaken());

    const turn = scene.take([scene.event('sing')]);

    expect(turn.deadLetters).toMatchObject([{ code: 'EVENT_UNKNOWN' }]);
  });
});

describe('events that wait', () => {
  test('forty of a group are taken in one turn, in order, each under its own sequence', () => {
    const scene = sceneOf(coalesce({ windowMs: 500, by: ({ event }) => event.type }));
    scene.take([scene.event('send', { to: 'reader/1', word: '0' })]);
    for (let i = 1; i < 40; i += 1) {
      scene.nowMs += 10;
      scene.toTheGate();
      expect(scene.take([scene.event('send', { to: 'reader/1', word: String(i) })]).consumed).toBe(1);
    }
    expect(scene.record.timers).toHaveLength(1);

    const turn = scene.take([dueFire(scene)]);

    expect(scene.words).toEqual(Array.from({ length: 40 }, (_, i) => String(i)));
    expect(turn.outbox.map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, i) => `${i + 1}.0`));
    expect(scene.record.gate?.waiting).toEqual([]);
    expect(scene.record.timers).toEqual([]);
  });

  test('a debounced agent gets the last one once it is quiet, and the callers before hear why', () => {
    const scene = sceneOf(debounce({ quietMs: 100 }));
    const first = scene.take([scene.event('note', { word: 'a' }, { to: '_INBOX.x' })]);
    scene.nowMs += 60;
    const second = scene.take([scene.note('b')]);

    expect(answers(first)).toEqual([]);
    expect(answers(second)).toMatchObject([['_INBOX.x', { error: { code: 'EVENT_GATED' } }]]);
    expect(scene.record.timers[0]?.dueMs).toBe(scene.nowMs + 100);
    scene.take([dueFire(scene)]);
    expect(scene.words).toEqual(['b']);
  });

  test('a debounced agent is not kept waiting for ever', () => {
    const scene = sceneOf(debounce({ quietMs: 100, maxWaitMs: 250 }));
    const startMs = scene.nowMs;
    for (let i = 0; i < 6; i += 1) {
      scene.take([scene.note(String(i))]);
      scene.nowMs += 40;
    }

    expect(scene.record.timers[0]?.dueMs).toBe(startMs + 250);
  });

  test('a caller is answered when its event has been taken, also if it has asked again meanwhile', () => {
    const scene = sceneOf(coalesce({ windowMs: 500 }));
    const call = scene.event('tell', {}, { id: 'ask-1', to: '_INBOX.x' });
    scene.take([call]);

    const again = scene.take([{ ...scene.again(call), reply: { subject: '_INBOX.y', deadlineMs: scene.nowMs + 1 } }]);

    expect(answers(again)).toEqual([]);
    expect(answers(scene.take([dueFire(scene)]))).toEqual([['_INBOX.y', { ok: true, value: [] }]]);
  });

  test('one that waits for another state is let in as soon as the state has changed', () => {
    const scene = sceneOf(untilMoved);
    scene.take([scene.note('a'), scene.note('later')]);
    expect(scene.words).toEqual(['a']);
    expect(scene.record.gate?.waiting).toHaveLength(1);

    scene.rehydrate();
    const turn = scene.take([scene.event('close'), scene.event('open')]);

    // In "closed" nobody takes a note; what counts is that the gate keeps it no longer.
    expect(turn.history.map(({ type }) => type)).toEqual(['close', 'note', 'open']);
    expect(scene.record.gate?.waiting).toEqual([]);
  });

  test('of a group whose second event throws the first stands, and the second is tried again alone', () => {
    const scene = new Scene(notebook({ gate: [coalesce({ windowMs: 500 })], retry: { attempts: 1, backoffMs: 0 } }));
    scene.take([scene.note('a'), scene.event('boom', {}, { id: 'bad' }), scene.note('c')]);

    const due = dueFire(scene);
    const failed = scene.take([due]);
    expect([scene.words, failed.failure?.count, failed.consumed]).toEqual([['a'], 1, 0]);
    expect(scene.record.gate?.waiting.map(({ event }) => event.type)).toEqual(['boom', 'note']);

    const givenUp = scene.take([due]);
    expect(givenUp.deadLetters).toMatchObject([{ code: 'DEAD_LETTERED', inbound: { messageId: 'bad' } }]);
    scene.take([dueFire(scene)]);
    expect(scene.words).toEqual(['a', 'c']);
    expect(isRunnable(scene.record)).toBe(true);
  });

  test('too many are let in, in their order, before the next', () => {
    const scene = sceneOf(coalesce({ windowMs: 60_000 }));
    const turns = scene.takeAll(Array.from({ length: 258 }, (_, i) => scene.note(String(i))));

    expect(scene.words).toEqual(Array.from({ length: 257 }, (_, i) => String(i)));
    expect(scene.record.gate?.waiting).toHaveLength(1);
    expect(turns.flatMap(({ deadLetters }) => deadLetters)).toEqual([]);
  });

  test('are given up with the life of the agent', () => {
    const scene = sceneOf(coalesce({ windowMs: 500, by: ({ event }) => event.type }));
    scene.take([scene.event('tell', {}, { to: '_INBOX.x' })]);

    const turn = scene.take([scene.control('remove')]);

    expect(answers(turn)).toMatchObject([['_INBOX.x', { error: { code: 'AGENT_REMOVED' } }]]);
    expect([scene.record.gate?.waiting, scene.record.timers]).toEqual([[], []]);
  });
});

test('a turn in which the machine takes nothing is one for nothing', () => {
  const scene = new Scene();
  scene.take([scene.event('close')]);

  expect(scene.take([scene.note('a')]).isFutile).toBe(true);
  expect(scene.take([scene.event('open')]).isFutile).toBe(false);
});

test('a rule that throws has no opinion', () => {
  const scene = sceneOf({
    name: 'broken',
    sees: 'agent',
    judge: () => {
      throw new Error('it burst');
    },
  });

  scene.take([scene.note('a')]);

  expect(scene.words).toEqual(['a']);
});
