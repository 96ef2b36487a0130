import { WakebusError, agentKey } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import { createMachine } from 'xstate';
import { type Inbound, type TurnLimits, defineAgent, isRunnable } from '../../src/mod.ts';
import { Scene, answers, notebook } from './scene.ts';

/** A message that is not to be run any more. */
function poisoned({ seq }: Inbound, reason: string): NonNullable<TurnLimits['poison']> {
  return new Map([[seq, new WakebusError('TURN_FAILED', { address: 'notebook/one', event: 'note', reason })]]);
}

describe('a turn whose k-th event throws', () => {
  test('keeps what came before, outputs and answers included, and counts the try', () => {
    const scene = new Scene();
    const turn = scene.take([
      scene.note('a'),
      scene.event('send', { to: 'reader/1', word: 'b' }),
      scene.event('tell', {}, { to: '_INBOX.x' }),
      scene.event('boom'),
      scene.note('c'),
    ]);

    expect(scene.words).toEqual(['a', 'b']);
    expect([turn.consumed, scene.record.cursor, scene.record.turns]).toEqual([3, 3, 1]);
    expect(turn.outbox.map(({ id }) => id)).toEqual(['2.0']);
    expect(answers(turn)).toEqual([['_INBOX.x', { ok: true, value: ['a', 'b'] }]]);
    expect(scene.record.attempt).toMatchObject({ seq: 4, count: 1 });
    expect(scene.record.lifecycle).toMatchObject({ name: 'backoff', code: 'TURN_FAILED' });
    expect(turn.failure?.error).toMatchObject({
      code: 'TURN_FAILED',
      facts: { event: 'boom', reason: expect.stringContaining('it burst') as string },
    });
  });

  test('leaves no trace of the event that threw', () => {
    const scene = new Scene();
    const bad = scene.event('boom', {}, { id: 'order-1' });
    scene.take([bad]);

    const turn = scene.take([{ ...scene.note('mended', 'order-1'), seq: bad.seq }]);

    expect([scene.words, turn.duplicates, turn.history.length]).toEqual([['mended'], 0, 1]);
  });
});

describe('an event that keeps throwing', () => {
  test('runs once and then as often as `retry.attempts` says, and is given up in the last of these turns', () => {
    const scene = new Scene(notebook({ retry: { attempts: 3, backoffMs: 100 } }));
    const bad = scene.event('boom', {}, { id: 'order-1', to: '_INBOX.x' });
    const next = scene.note('next');
    const runs = [1, 2, 3, 4].map(() => {
      scene.rehydrate();
      return scene.take([bad, next]);
    });

    expect(runs.map(({ failure }) => failure?.count)).toEqual([1, 2, 3, undefined]);
    expect(runs.map(({ consumed }) => consumed)).toEqual([0, 0, 0, 2]);
    expect(runs[3]?.deadLetters).toMatchObject([{ code: 'DEAD_LETTERED', attempts: 4, inbound: { seq: 1 } }]);
    expect(runs.flatMap(answers)).toMatchObject([['_INBOX.x', { ok: false, error: { code: 'DEAD_LETTERED' } }]]);
    expect([scene.words, scene.record.cursor, scene.record.attempt]).toEqual([['next'], 2, undefined]);
    expect(scene.record.lifecycle.name).toBe('awake');
  });

  test('is given up in its only run where no retries are allowed', () => {
    const scene = new Scene(notebook({ retry: { attempts: 0, backoffMs: 100 } }));

    const turn = scene.take([scene.event('boom'), scene.note('next')]);

    expect(turn.failure).toBeUndefined();
    expect(turn.deadLetters).toMatchObject([{ code: 'DEAD_LETTERED', attempts: 1, inbound: { seq: 1 } }]);
    expect(scene.words).toEqual(['next']);
  });

  test('stops its agent in its only run where no retries are allowed and the type says so', () => {
    const scene = new Scene(notebook({ onPoison: 'stop', retry: { attempts: 0, backoffMs: 100 } }));

    const turn = scene.take([scene.event('boom'), scene.note('next')]);

    expect([turn.consumed, turn.deadLetters, scene.record.lifecycle.name]).toEqual([0, [], 'failed']);
    expect(scene.record.attempt).toMatchObject({ seq: 1, count: 1 });
  });

  test('waits twice as long after each try, half of it at random', () => {
    const waits = (backoff: number): number[] => {
      const scene = new Scene(notebook({ retry: { attempts: 4, backoffMs: 100 } }));
      const bad = scene.event('boom');
      return [1, 2, 3].map(() => (scene.take([bad], {}, backoff).failure?.retryMs ?? 0) - scene.nowMs);
    };

    expect(waits(0)).toEqual([50, 100, 200]);
    expect(waits(1)).toEqual([100, 200, 400]);
  });

  test('has its tries to itself: another failing event starts at one', () => {
    const scene = new Scene(notebook({ retry: { attempts: 1, backoffMs: 0 } }));
    const [first, second] = [scene.event('boom'), scene.event('boom')];

    const counts = [scene.take([first, second]), scene.take([first, second]), scene.take([second])];

    expect(counts.map(({ failure }) => failure?.count)).toEqual([1, 1, undefined]);
    expect(counts.flatMap(({ deadLetters }) => deadLetters.map(({ inbound }) => inbound.seq))).toEqual([1, 2]);
  });

  test('is given up unrun when it has killed whoever ran it', () => {
    const scene = new Scene(notebook({ retry: { attempts: 1, backoffMs: 0 } }));
    const killer = scene.note('never run');
    const poison = poisoned(killer, 'nobody came back');
    scene.take([killer], { poison });

    const turn = scene.take([killer, scene.note('next')], { poison });

    expect(scene.words).toEqual(['next']);
    expect(turn.deadLetters).toMatchObject([{ code: 'DEAD_LETTERED', inbound: { seq: 1 } }]);
  });

  test('that is a timer goes, and does not come back', () => {
    const scene = new Scene(notebook({ retry: { attempts: 1, backoffMs: 0 } }));
    scene.take([scene.event('later', { ms: 10 })]);
    const [timer] = scene.record.timers;
    const fire = scene.fire('bell', timer?.generation ?? 0);
    const poison = poisoned(fire, 'it died');

    scene.take([fire], { poison });
    expect(scene.record.timers).toHaveLength(1);
    scene.take([fire], { poison });

    expect([scene.record.timers, scene.record.cursor]).toEqual([[], 2]);
  });
});

describe('an event that fails for the last time, where the type stops', () => {
  const stopping = (): Scene => new Scene(notebook({ onPoison: 'stop', retry: { attempts: 1, backoffMs: 0 } }));

  test('stays where it is, and the agent has failed with all that waits', () => {
    const scene = stopping();
    const before = scene.note('before');
    const bad = scene.event('boom', {}, { to: '_INBOX.x' });
    const next = scene.note('next');
    scene.take([before, bad, next]);

    const turn = scene.take([bad, next]);

    expect([turn.consumed, scene.record.cursor, turn.deadLetters, turn.replies]).toEqual([0, 1, [], []]);
    expect(scene.record.lifecycle).toMatchObject({ name: 'failed', code: 'AGENT_FAILED' });
    expect(scene.record.attempt).toMatchObject({ seq: 2, count: 2 });
    expect(isRunnable(scene.record)).toBe(false);
    expect(scene.words).toEqual(['before']);
  });

  test('has all its tries again once the agent is released', () => {
    const scene = stopping();
    const bad = scene.event('boom');
    scene.take([bad]);
    scene.take([bad]);

    scene.take([scene.control('release')]);

    expect([scene.record.lifecycle.name, scene.record.attempt]).toEqual(['awake', undefined]);
    expect(scene.take([{ ...bad, seq: 3 }]).failure).toMatchObject({ count: 1, error: { code: 'TURN_FAILED' } });
  });
});

describe('a guard that calls itself without end', () => {
  test('overflows the stack, and is a failed event like any other', () => {
    const deeper = (): boolean => deeper() && deeper();
    const machine = createMachine({ on: { note: { guard: () => deeper() } } });
    const scene = new Scene(defineAgent({ type: 'notebook', machine, retry: { attempts: 1, backoffMs: 0 } }) as never);
    const bad = scene.note('deep');

    expect(scene.take([bad]).failure?.error).toMatchObject({
      code: 'TURN_FAILED',
      facts: { reason: expect.stringContaining('call stack') as string },
    });
    expect(scene.take([bad]).deadLetters).toMatchObject([{ code: 'DEAD_LETTERED', attempts: 2 }]);
  });
});

describe('messages of which several are not to be run any more', () => {
  test('are each counted, one turn after the other, and what stands before them is taken', () => {
    const scene = new Scene(notebook({ retry: { attempts: 1, backoffMs: 0 } }));
    const [good, first, second] = [scene.note('good'), scene.note('first'), scene.note('second')];
    const poison = new Map([...poisoned(first, 'it never ended'), ...poisoned(second, 'it never ended')]);

    const turn = scene.take([good, first, second], { poison });

    expect([scene.words, turn.consumed, turn.failure?.count]).toEqual([['good'], 1, 1]);
    expect(scene.take([first, second], { poison }).failure?.count).toBe(1);
    expect(scene.record.attempt?.seq).toBe(second.seq);
  });

  test('and was kept back for an earlier one is given up at once: its place is past', () => {
    const scene = new Scene();
    const ada = agentKey('writer', 'ada');
    const [early, late] = [
      scene.message(ada, 2, 1, { type: 'note', word: 'two' }),
      scene.message(ada, 1, 0, { type: 'note', word: 'one' }),
    ];

    scene.take([early]);
    const turn = scene.take([late, scene.note('next')], { poison: poisoned(early, 'it never ended') });

    expect([scene.words, turn.consumed]).toEqual([['one', 'next'], 2]);
    expect(turn.deadLetters).toMatchObject([{ code: 'TURN_FAILED', attempts: 1, inbound: { seq: early.seq } }]);
  });
});

describe('an event that can never be taken', () => {
  test('of a type that the machine does not know is given up at once, its caller told, and the rest goes on', () => {
    const scene = new Scene();

    const turn = scene.take([scene.event('nonsense', {}, { to: '_INBOX.x' }), scene.note('a')]);

    expect(turn.deadLetters).toMatchObject([{ code: 'EVENT_UNKNOWN', attempts: 0 }]);
    expect(answers(turn)).toMatchObject([['_INBOX.x', { ok: false, error: { code: 'EVENT_UNKNOWN' } }]]);
    expect([scene.words, turn.failure]).toEqual([['a'], undefined]);
  });

  test('gives birth all the same: an address that was written to exists', () => {
    const scene = new Scene();

    scene.take([scene.event('nonsense')]);

    expect(scene.memory.snapshot?.value).toBe('open');
  });

  test('from an agent is passed in its chain', () => {
    const scene = new Scene();
    const ada = agentKey('writer', 'ada');

    scene.take([scene.message(ada, 1, 0, { type: 'nonsense' }), scene.message(ada, 2, 1, { type: 'note', word: '2' })]);

    expect(scene.words).toEqual(['2']);
  });

  test('and cannot be read goes to the dead letters with its reason', () => {
    const scene = new Scene();
    const error = new WakebusError('INVALID_PAYLOAD', { why: 'it is not JSON' });
    const { seq, headers, sizeBytes, storedMs } = scene.note('x');

    const turn = scene.take([{ kind: 'invalid', seq, headers, sizeBytes, storedMs, error }, scene.note('a')]);

    expect(turn.deadLetters).toMatchObject([{ code: 'INVALID_PAYLOAD', message: error.message }]);
    expect(scene.words).toEqual(['a']);
  });
});
