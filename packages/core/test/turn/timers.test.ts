import { assign, raise, setup } from 'xstate';
import { describe, expect, test } from 'vitest';
import { defineAgent, pauseTimers, remaining, restart } from '../../src/mod.ts';
import { Scene } from './scene.ts';

test('a delayed event is armed with its own generation, and taken when that fires', () => {
  const scene = new Scene();
  const turn = scene.take([scene.event('later', { ms: 5_000 })]);
  const timer = { id: 'bell', generation: 1, dueMs: scene.nowMs + 5_000, event: { type: 'rung' } };
  expect([turn.armed, scene.record.timers, scene.record.settled]).toEqual([[timer], [timer], false]);

  scene.rehydrate();
  scene.take([scene.fire('bell', 1)]);

  expect([scene.words, scene.record.timers]).toEqual([['rung'], []]);
});

test('a fire of an old generation is dropped: the timer was armed anew', () => {
  const scene = new Scene();
  scene.take([scene.event('later', { ms: 10 })]);
  const turn = scene.take([scene.event('later', { ms: 20 })]);
  expect([turn.cancelled, turn.armed.map(({ generation }) => generation)]).toEqual([[1], [2]]);

  const stale = scene.take([scene.fire('bell', 1)]);
  expect([scene.words, stale.duplicates, scene.record.timers.length]).toEqual([[], 1, 1]);
  scene.take([scene.fire('bell', 2), scene.fire('bell', 2)]);

  expect(scene.words).toEqual(['rung']);
});

test('a cancelled timer does not fire, and its schedule is taken back', () => {
  const scene = new Scene();
  scene.take([scene.event('later', { ms: 10 })]);

  const turn = scene.take([scene.event('never'), scene.fire('bell', 1)]);

  expect([scene.words, turn.cancelled, scene.record.timers]).toEqual([[], [1], []]);
});

test('a timer that is armed and cancelled in one turn never leaves the agent', () => {
  const scene = new Scene();

  const turn = scene.take([scene.event('later', { ms: 10 }), scene.event('never')]);

  expect([turn.armed, turn.cancelled, scene.record.settled]).toEqual([[], [], true]);
});

test('`after` is armed on entry, cancelled on exit and armed anew on re-entry', () => {
  const scene = new Scene();
  const enter = scene.take([scene.event('close')]);
  const again = scene.take([scene.event('close')]);
  expect([enter, again].map(({ armed }) => armed.map(({ generation }) => generation))).toEqual([[1], [2]]);
  const [first, second] = [enter.armed[0]?.id ?? '', again.armed[0]?.id ?? ''];
  expect([first, again.cancelled]).toEqual([second, [1]]);

  scene.take([scene.fire(first, 1)]);
  expect(scene.memory.snapshot?.value).toBe('closed');
  scene.take([scene.fire(second, 2)]);

  expect([scene.memory.snapshot?.value, scene.record.timers]).toEqual(['open', []]);
});

test('a state that is left takes its timer along', () => {
  const scene = new Scene();
  scene.take([scene.event('close')]);

  const turn = scene.take([scene.event('open')]);

  expect([turn.cancelled, scene.record.timers]).toEqual([[1], []]);
});

test('a fire for an agent that knows of no timer changes nothing', () => {
  const scene = new Scene();

  const turn = scene.take([scene.fire('bell', 7), scene.note('a')]);

  expect([scene.words, turn.deadLetters, turn.duplicates]).toEqual([['a'], [], 1]);
});

describe('a delay over a sleep', () => {
  const machine = setup({
    delays: {
      deadline: 100,
      still: remaining(100),
      anew: restart(({ context }: { context: { ms: number } }) => context.ms),
    },
    types: { context: {} as { ms: number; words: string[] } },
    actions: { note: assign({ words: ({ context, event }) => [...context.words, event.type] }) },
  }).createMachine({
    id: 'd',
    context: { ms: 100, words: [] },
    type: 'parallel',
    states: {
      a: { initial: 'on', states: { on: { after: { deadline: 'off' } }, off: {} } },
      b: { initial: 'on', states: { on: { after: { still: 'off' } }, off: {} } },
      c: { initial: 'on', states: { on: { after: { anew: 'off' } }, off: {} } },
    },
    on: {
      RING: { actions: 'note' },
      LATER: { actions: raise({ type: 'RING' }, { id: 'bell', delay: remaining(100) }) },
    },
  });

  function asleepAfter(awakeMs: number, asleepMs: number, ...types: readonly string[]): Scene {
    const scene = new Scene(defineAgent({ type: 'notebook', machine } as never));
    for (const type of ['BIRTH', ...types]) scene.take([scene.event(type)]);
    scene.nowMs += awakeMs;
    const record = { ...scene.record, timers: pauseTimers(scene.record.timers, scene.nowMs) };
    scene.memory = { ...scene.memory, record };
    scene.rehydrate();
    scene.nowMs += asleepMs;
    return scene;
  }

  function dueIn(scene: Scene, delay: string): number | undefined {
    const timer = scene.record.timers.find(({ id }) => id.includes(delay));
    return timer === undefined ? undefined : timer.dueMs - scene.nowMs;
  }

  test('is a deadline, stands still with what remains, or starts anew', () => {
    const scene = asleepAfter(30, 1_000);
    const before = scene.record.timers;
    expect(before.map(({ id, leftMs }) => [id.split('.')[2], leftMs])).toEqual([
      ['deadline', undefined],
      ['still', 70],
      ['anew', 100],
    ]);

    const turn = scene.take([scene.event('WAKE')]);

    expect([dueIn(scene, 'deadline'), dueIn(scene, 'still'), dueIn(scene, 'anew')]).toEqual([-930, 70, 100]);
    expect(turn.armed.map(({ generation }) => generation)).toEqual([4, 5]);
    expect(turn.cancelled).toEqual([2, 3]);
    expect(turn.memory.record.settled).toBe(false);
  });

  test('is counted over several sleeps', () => {
    const scene = asleepAfter(30, 1_000);
    scene.take([scene.event('WAKE')]);
    scene.nowMs += 50;
    scene.memory = {
      ...scene.memory,
      record: { ...scene.record, timers: pauseTimers(scene.record.timers, scene.nowMs) },
    };
    scene.rehydrate();
    scene.nowMs += 1_000;
    scene.take([scene.event('WAKE')]);

    expect([dueIn(scene, 'still'), dueIn(scene, 'anew')]).toEqual([20, 100]);
  });

  test('drops the fire of a schedule that was to stand still', () => {
    const scene = asleepAfter(30, 70, 'LATER');
    const { id, generation } = scene.record.timers.find((timer) => timer.id === 'bell') as {
      id: string;
      generation: number;
    };

    scene.take([scene.fire(id, generation)]);

    expect(scene.words).toEqual([]);
    expect(dueIn(scene, 'bell')).toBe(70);
  });

  test('goes through a second sleep without a turn in between', () => {
    const scene = asleepAfter(30, 1_000);
    const again = pauseTimers(scene.record.timers, scene.nowMs);

    expect(again.map(({ leftMs }) => leftMs)).toEqual([undefined, 70, 100]);
  });
});
