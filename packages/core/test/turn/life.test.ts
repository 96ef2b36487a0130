import { agentKey } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import { type Inbound, freeze, isRunnable } from '../../src/mod.ts';
import { Scene, answers, notebook } from './scene.ts';

const ada = agentKey('writer', 'ada');

describe('a completed agent', () => {
  test('takes no more events: they become dead letters, and callers are told', () => {
    const scene = new Scene();
    scene.take([scene.note('a'), scene.event('finish')]);
    expect(scene.record.lifecycle.name).toBe('completed');
    scene.rehydrate();

    const turn = scene.take([
      scene.event('tell', {}, { to: '_INBOX.x' }),
      scene.message(ada, 1, 0, { type: 'note', word: 'b' }),
    ]);

    expect(turn.deadLetters.map(({ code }) => code)).toEqual(['AGENT_COMPLETED', 'AGENT_COMPLETED']);
    expect(answers(turn)).toMatchObject([['_INBOX.x', { ok: false, error: { code: 'AGENT_COMPLETED' } }]]);
    expect([scene.words, scene.record.cursor]).toEqual([['a'], 4]);
  });

  test('still repeats the answer of its last call', () => {
    const scene = new Scene();
    const call = scene.event('finish', {}, { id: 'call-1', to: '_INBOX.x' });
    scene.take([call]);
    scene.rehydrate();

    const turn = scene.take([scene.again(call)]);

    expect([answers(turn), turn.deadLetters]).toEqual([[['_INBOX.x', { ok: true }]], []]);
  });

  test('drops fires of its timers without a word', () => {
    const scene = new Scene();
    scene.take([scene.event('later', { ms: 1 }), scene.event('finish')]);

    const turn = scene.take([scene.fire('bell', 1)]);

    expect([turn.deadLetters, scene.words]).toEqual([[], []]);
  });
});

describe('a removed agent', () => {
  test('is a tombstone: no state, no timers, and the schedules taken back', () => {
    const scene = new Scene();
    scene.take([scene.note('a'), scene.event('later', { ms: 10 })]);

    const turn = scene.take([scene.control('remove')]);

    expect([scene.memory.snapshot, scene.record.timers, turn.cancelled]).toEqual([undefined, [], [1]]);
    expect([scene.record.lifecycle.name, scene.record.incarnation, turn.sleep]).toEqual(['removed', 1, true]);
  });

  test('is born again by its next event, under a higher incarnation and with new chains', () => {
    const scene = new Scene();
    scene.take([scene.note('old'), scene.event('send', { to: 'reader/1', word: 'x' }), scene.control('remove')]);
    scene.rehydrate();

    const turn = scene.take([scene.event('send', { to: 'reader/1', word: 'new' })]);

    expect([scene.words, scene.record.incarnation]).toEqual([['new'], 2]);
    expect(turn.outbox.map(({ number, previous }) => [number, previous])).toEqual([[1, 0]]);
  });

  test('that is born again in the same turn sends what it owed under its former incarnation', () => {
    const scene = new Scene();

    scene.take([
      scene.event('send', { to: 'reader/1', word: 'old' }),
      scene.control('remove'),
      scene.event('send', { to: 'reader/1', word: 'new' }),
    ]);

    expect(scene.record.outbox.map(({ incarnation, number }) => [incarnation, number])).toEqual([
      [1, 1],
      [2, 1],
    ]);
  });

  test('is not born again by a repetition of what it has processed', () => {
    const scene = new Scene();
    const old = scene.event('note', { word: 'old' }, { id: 'order-1', to: '_INBOX.x' });
    const message = scene.message(ada, 1, 0, { type: 'note', word: 'm' });
    scene.take([old, message, scene.control('remove')]);

    const turn = scene.take([scene.again(old), scene.again(message), scene.fire('bell', 1)]);

    expect([scene.record.lifecycle.name, scene.record.incarnation]).toEqual(['removed', 1]);
    expect(answers(turn)).toEqual([['_INBOX.x', { ok: true }]]);
  });

  test('is not born again by what stood aside when it was removed', () => {
    const scene = new Scene();
    scene.take([scene.note('a'), scene.control('remove')]);

    const turn = scene.take([scene.note('sent before the removal')], {}, 0, true);

    expect([scene.record.lifecycle.name, turn.deadLetters.map(({ code }) => code)]).toEqual([
      'removed',
      ['AGENT_REMOVED'],
    ]);
  });

  test('stays dead where its type says so', () => {
    const scene = new Scene(notebook({ rebirth: 'forbid' }));
    scene.take([scene.note('a'), scene.control('remove')]);

    const turn = scene.take([scene.event('tell', {}, { to: '_INBOX.x' })]);

    expect(answers(turn)).toMatchObject([['_INBOX.x', { ok: false, error: { code: 'AGENT_REMOVED' } }]]);
    expect(scene.record.lifecycle.name).toBe('removed');
  });

  test('keeps no sender waiting: messages that had come too early are given up, their successors taken', () => {
    const scene = new Scene();
    scene.take([scene.note('a'), scene.message(ada, 2, 1, { type: 'note', word: '2' })]);

    const turn = scene.take([scene.control('remove')]);
    scene.take([
      scene.message(ada, 1, 0, { type: 'note', word: '1' }),
      scene.message(ada, 3, 2, { type: 'note', word: '3' }),
    ]);

    expect(turn.deadLetters).toMatchObject([{ code: 'AGENT_REMOVED', inbound: { seq: 2 } }]);
    expect([scene.words, scene.record.early]).toEqual([['1', '3'], []]);
  });
});

describe('an operator', () => {
  test('suspends an agent: the turn ends there, and the rest stays in the mailbox', () => {
    const scene = new Scene();

    const turn = scene.take([scene.note('a'), scene.control('suspend'), scene.note('b')]);

    expect([scene.words, turn.consumed, isRunnable(scene.record)]).toEqual([['a'], 2, false]);
  });

  test('releases it: it goes on where it was', () => {
    const scene = new Scene();
    scene.take([scene.note('a'), scene.control('suspend')]);
    scene.rehydrate();

    scene.take([scene.control('release'), scene.note('b')]);

    expect([scene.words, scene.record.lifecycle.name]).toEqual([['a', 'b'], 'awake']);
  });

  test('cannot suspend a life that is over, and so release it into a second one', () => {
    const completed = new Scene();
    completed.take([completed.note('a'), completed.event('finish'), completed.control('suspend')]);
    completed.take([completed.control('release'), completed.note('b')]);
    expect([completed.words, completed.record.lifecycle.name]).toEqual([['a'], 'completed']);

    const removed = new Scene();
    removed.take([removed.note('a'), removed.control('remove'), removed.control('suspend')]);
    removed.take([removed.control('release')]);
    expect([removed.record.lifecycle.name, removed.record.incarnation]).toEqual(['removed', 1]);
  });

  test('is told why a life that is over cannot be suspended', () => {
    const scene = new Scene();
    const asked: Inbound = { ...scene.control('suspend'), reply: { subject: '_INBOX.x', deadlineMs: scene.nowMs } };
    scene.take([scene.note('a'), scene.event('finish')]);

    const turn = scene.take([scene.again(asked)]);

    expect(answers(turn)).toMatchObject([['_INBOX.x', { ok: false, error: { code: 'AGENT_COMPLETED' } }]]);
  });

  test('does not get an agent out of quarantine by suspending and releasing it', () => {
    const scene = new Scene();
    scene.take([scene.note('a')]);
    const lifecycle = { name: 'quarantined', sinceMs: 0, code: 'RECORD_MISSING', message: 'gone' } as const;
    scene.memory = { ...scene.memory, record: { ...scene.record, lifecycle } };

    scene.take([scene.control('suspend')]);
    scene.take([scene.control('release')]);

    expect(scene.record.lifecycle).toEqual(lifecycle);
  });
});

test('a state that was migrated is committed under its new version, with or without a turn', () => {
  const scene = new Scene();
  scene.take([scene.note('a')]);
  const next = notebook({
    version: 2,
    migrate: {
      2: (stored: { context: { words: string[] } }) => ({
        ...stored,
        context: { words: [...stored.context.words, 'migrated'] },
      }),
    },
  });

  scene.rehydrate(next);
  // A commit that takes no events, as the one that makes an attempt durable.
  expect(freeze(scene.memory).record.machineVersion).toBe(2);
  scene.rehydrate(next);

  expect(scene.words).toEqual(['a', 'migrated']);
});
