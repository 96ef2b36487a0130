/** Effects that are due and may not start yet. */
import { expect, test } from 'vitest';
import { type Admission, isDue, isParked, schedulesOf } from '../../src/mod.ts';
import { entryOf, payer, run, stateOf } from './payer-scene.ts';
import { Scene } from './scene.ts';

/** An agent that wants to pay, and may not before some time. */
function parked(options: object = { target: 'till' }): Scene {
  const scene = new Scene(payer(options));
  scene.take([scene.event('pay', { n: 7 })]);
  const park: Admission = { kind: 'park', by: 'breaker', untilMs: scene.nowMs + 500 };
  expect(scene.startEffects('node-a', park)).toEqual([]);
  return scene;
}

test('what is parked is planned for later, with a schedule that names its target, and nobody has tried it', () => {
  const scene = parked();
  scene.rehydrate();
  expect(entryOf(scene)).toMatchObject({ state: 'planned', attempt: 0, runs: 0, parkedBy: 'breaker' });
  expect(scene.record.journal.map((entry) => [isDue(entry), isParked(entry)])).toEqual([[false, true]]);
  expect(schedulesOf(scene.record.journal)).toEqual([
    { id: 'pay', generation: 1, attempt: 0, dueMs: scene.nowMs + 500, parkedFor: 'till' },
  ]);
});

test('its schedule makes it due again; another one does not', () => {
  const scene = parked();
  expect(scene.take([scene.fire('pay', 1, scene.nowMs + 499)]).duplicates).toBe(1);
  scene.take([scene.fire('pay', 1, scene.nowMs + 500)]);
  expect([scene.record.settled, scene.record.journal.every(isDue)]).toEqual([false, true]);
  expect(scene.startEffects()).toMatchObject([{ state: 'started', attempt: 1 }]);
  expect([entryOf(scene)?.parkedBy, entryOf(scene)?.notBeforeMs]).toEqual([undefined, undefined]);
});

test('it may start before its schedule, which then does nothing', () => {
  const scene = parked();
  expect(scene.startEffects()).toMatchObject([{ attempt: 1 }]);
  expect(scene.take([scene.fire('pay', 1, scene.nowMs + 500)]).duplicates).toBe(1);
  scene.take([scene.result({ outcome: 'done', output: 5 })]);
  expect(stateOf(scene)).toEqual(['paid', ['done 5']]);
});

test('what waits for room is left as it is', () => {
  const scene = new Scene(payer());
  scene.take([scene.event('pay')]);
  expect([scene.startEffects('node-a', { kind: 'wait' }), scene.record.journal.every(isDue)]).toEqual([[], true]);
});

test('a state that is left takes back its schedule, and nothing of it remains', () => {
  const scene = parked();
  const turn = scene.take([scene.event('leave')]);
  expect(turn.withdrawn).toMatchObject([{ generation: 1, attempt: 0, parkedFor: 'till' }]);
  expect([turn.stopped, scene.record.journal]).toEqual([[], []]);
});

test('a repetition that is parked until its receiver may have forgotten the key is an operator’s matter', () => {
  const scene = new Scene(payer({ dedupe: 'key', keyHorizonMs: 200_000, retry: { attempts: 1, backoffMs: 0 } }));
  scene.take([scene.event('pay')]);
  scene.startEffects();
  scene.take([scene.result({ outcome: 'failed', error: new Error('busy') })]);
  scene.take([scene.fire('pay', 1)]);
  scene.startEffects('node-a', { kind: 'park', by: 'budget', untilMs: scene.nowMs + 500 });
  scene.nowMs += 180_000;
  expect([scene.startEffects(), entryOf(scene)?.state, entryOf(scene)?.parkedBy]).toEqual([[], 'maybe', undefined]);
});

test('a result that comes late, while the next attempt is parked, leaves nothing of that behind', () => {
  const scene = new Scene(payer({ dedupe: 'query', lookup: run as never, retry: { attempts: 3, backoffMs: 0 } }));
  scene.take([scene.event('pay')]);
  scene.startEffects();
  scene.take([scene.result({ outcome: 'maybe' })]);
  scene.startEffects();
  scene.take([scene.fire('pay', 1, entryOf(scene)?.deadlineMs)]);
  scene.take([scene.fire('pay', 1, entryOf(scene)?.notBeforeMs ?? 0)]);
  scene.startEffects('node-a', { kind: 'park', by: 'breaker', untilMs: scene.nowMs + 500 });
  expect(entryOf(scene)).toMatchObject({ phase: 'lookup', parkedBy: 'breaker' });

  const turn = scene.take([scene.result({ outcome: 'done', output: { happened: false } })]);

  expect(scene.record.journal.map((entry) => [isDue(entry), isParked(entry), entry.parkedBy])).toEqual([
    [true, false, undefined],
  ]);
  expect(turn.withdrawn).toMatchObject([{ parkedFor: 'notebook/pay' }]);
});
