import { expect, test } from 'vitest';
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
