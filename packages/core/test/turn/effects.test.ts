import { expect, test } from 'vitest';
import { fromPromise, setup } from 'xstate';
import { defineAgent, isDue, schedulesOf } from '../../src/mod.ts';
import { entryOf, payer, paying, run, stateOf } from './payer-scene.ts';
import { Scene } from './scene.ts';

test('an invoke is planned in the turn’s own commit, with its key and input, and owed', () => {
  const scene = new Scene(payer());
  const turn = scene.take([scene.event('pay', { n: 7 })]);

  expect(scene.record.journal).toEqual([
    {
      id: 'pay',
      generation: 1,
      key: 'notebook.one~1@1.0',
      src: 'pay',
      target: 'notebook/pay',
      input: { n: 7 },
      state: 'planned',
      attempt: 0,
      runs: 0,
      plannedMs: scene.nowMs,
    },
  ]);
  expect([scene.record.settled, turn.outputNames, scene.record.journal.every(isDue)]).toEqual([
    false,
    ['effect pay'],
    true,
  ]);
});

test('its start says who runs it and until when, and hydration starts nothing', () => {
  const scene = paying({ timeoutMs: 3_000 });
  scene.rehydrate();

  expect(scene.startEffects()).toEqual([]);
  expect(entryOf(scene)).toMatchObject({ state: 'started', attempt: 1, runs: 1, node: 'node-a' });
  expect(schedulesOf(scene.record.journal)).toEqual([
    { id: 'pay', generation: 1, attempt: 1, dueMs: scene.nowMs + 8_000, node: 'node-a' },
  ]);
});

test.each([false, true])('its result is an event of the machine (after a sleep: %s)', (sleeps) => {
  const scene = paying();
  if (sleeps) scene.rehydrate();
  const turn = scene.take([scene.result({ outcome: 'done', output: 5 })]);

  expect(stateOf(scene)).toEqual(['paid', ['done 5']]);
  expect([
    turn.withdrawn.map(({ generation }) => generation),
    turn.history.map(({ type, from }) => [type, from]),
  ]).toEqual([[1], [['xstate.done.actor.pay', 'done.actor.pay']]]);
  expect(entryOf(scene)).toEqual({
    id: 'pay',
    generation: 1,
    key: 'notebook.one~1@1.0',
    src: 'pay',
    target: 'notebook/pay',
    state: 'done',
    attempt: 1,
    runs: 1,
    plannedMs: scene.nowMs,
    firstMs: scene.nowMs,
    node: 'node-a',
    endedMs: scene.nowMs,
  });
});

test('a result comes once, whatever is delivered again', () => {
  const scene = paying();
  const result = scene.result({ outcome: 'done', output: 5 });
  scene.take([result]);
  const repeated = scene.take([scene.again(result)]);

  expect([repeated.duplicates, repeated.deadLetters, stateOf(scene)]).toEqual([1, [], ['paid', ['done 5']]]);
});

test('the same events in one turn or in many give the same keys', () => {
  const keys = [1, 256].map((maxEvents) => {
    const scene = new Scene(payer());
    scene.takeAll([scene.event('pay'), scene.event('again'), scene.event('spawn')], { maxEvents });
    return scene.record.journal.map(({ key }) => key);
  });

  expect(keys[0]).toEqual(['notebook.one~1@2.1', 'notebook.one~1@3.0']);
  expect(keys[1]).toEqual(keys[0]);
});

test('a state that is left aborts its effect, and the late result is dropped', () => {
  const scene = paying();
  const late = scene.result({ outcome: 'done', output: 5 });
  const turn = scene.take([scene.event('leave')]);
  expect([
    turn.stopped.map(({ generation, node }) => [generation, node]),
    turn.withdrawn.map(({ generation }) => generation),
  ]).toEqual([[[1, 'node-a']], [1]]);
  expect(entryOf(scene)?.state).toBe('aborted');

  expect(scene.take([scene.again(late)]).duplicates).toBe(1);
  expect(stateOf(scene)).toEqual(['idle', []]);
});

test('after a sleep too: the stub of an effect is found when its state is left', () => {
  const scene = paying();
  scene.rehydrate();
  expect(scene.take([scene.event('leave')]).stopped).toHaveLength(1);
});

test('an input that cannot be stored fails the event that gave it, with its path', () => {
  const scene = new Scene(payer());
  const turn = scene.take([scene.event('pay', { n: () => 1 })]);
  expect([turn.failure?.error.code, turn.failure?.error.facts, scene.record.journal]).toMatchObject([
    'VALUE_NOT_DURABLE',
    { path: 'input.n' },
    [],
  ]);
});

test('what is planned and left in one turn never was', () => {
  const scene = new Scene(payer());
  const turn = scene.take([scene.event('pay'), scene.event('leave')]);
  expect([turn.stopped, scene.record.journal, scene.record.settled]).toEqual([[], [], true]);
});

test('a state that is entered again has an effect of its own, and the first one’s result is not taken for it', () => {
  const scene = paying();
  const first = scene.result({ outcome: 'done', output: 'old' });
  scene.take([scene.event('again', { n: 8 })]);
  expect(scene.record.journal.map(({ generation, state }) => [generation, state])).toEqual([
    [1, 'aborted'],
    [2, 'planned'],
  ]);
  scene.startEffects();
  expect(scene.take([scene.again(first)]).duplicates).toBe(1);
  expect(scene.memory.snapshot?.value).toBe('paying');
  scene.take([scene.result({ outcome: 'done', output: 'new' })]);

  expect(stateOf(scene)).toEqual(['paid', ['done new']]);
});

test('what fails for good is an onError with the error that was thrown', () => {
  const scene = paying();
  scene.take([scene.result({ outcome: 'failed', error: new Error('no money') })]);
  expect(stateOf(scene)).toEqual(['unpaid', ['Error: no money']]);
  expect(entryOf(scene)?.error).toEqual({ code: 'EFFECT_FAILED', message: 'no money' });
});

test('what fails is repeated after a random wait that doubles, under the same key, and then is an onError', () => {
  const scene = paying({ dedupe: 'query', lookup: run as never, retry: { attempts: 2, backoffMs: 100 } });
  const waits: number[] = [];
  for (let i = 0; i < 2; i += 1) {
    const turn = scene.take([scene.result({ outcome: 'failed', error: new Error('busy') })], {}, 0.5);
    const [schedule] = turn.scheduled;
    waits.push((schedule?.dueMs ?? 0) - scene.nowMs);
    expect([scene.startEffects(), scene.record.settled]).toEqual([[], false]);
    scene.rehydrate();
    scene.nowMs = schedule?.dueMs ?? 0;
    expect(scene.take([scene.fire('pay', 1, scene.nowMs - 1)]).duplicates).toBe(1);
    scene.take([scene.fire('pay', 1)]);
    expect(scene.startEffects()).toMatchObject([{ attempt: i + 2, key: 'notebook.one~1@1.0' }]);
  }
  scene.take([scene.result({ outcome: 'failed', error: new Error('broke') })]);

  expect([waits, stateOf(scene)]).toEqual([
    [50, 100],
    ['unpaid', ['Error: broke']],
  ]);
});

test('a failure that would only repeat itself is not repeated', () => {
  const scene = paying({ dedupe: 'query', lookup: run as never });
  scene.take([scene.result({ outcome: 'failed', error: new Error('too large'), isFinal: true })]);
  expect(stateOf(scene)).toEqual(['unpaid', ['Error: too large']]);
});

test('the result of an attempt that is not the current one is dropped', () => {
  const scene = paying({ dedupe: 'key', keyHorizonMs: 1e9, retry: { backoffMs: 0 } });
  scene.take([scene.result({ outcome: 'maybe' })]);
  scene.take([scene.fire('pay', 1)]);
  scene.startEffects();
  expect(scene.take([scene.result({ outcome: 'done', output: 'old', attempt: 1 })]).duplicates).toBe(1);
  scene.take([scene.result({ outcome: 'done', output: 'new' })]);
  expect(stateOf(scene)).toEqual(['paid', ['done new']]);
});

test('a result that comes after all is taken while its attempt is still the last one', () => {
  const scene = paying({ irreversible: true });
  scene.take([scene.result({ outcome: 'maybe' })]);
  expect(entryOf(scene)?.state).toBe('maybe');
  scene.take([scene.result({ outcome: 'done', output: 'late' })]);
  expect(stateOf(scene)).toEqual(['paid', ['done late']]);
});

test('a machine that throws on a result keeps it for the next try, and loses only that effect after the last', () => {
  const actors = { pay: fromPromise(run) };
  const machine = setup({ actors }).createMachine({
    id: 'strict',
    context: { words: [] },
    on: { pay: '.paying' },
    initial: 'idle',
    states: {
      idle: {},
      paying: {
        invoke: {
          id: 'pay',
          src: 'pay',
          onDone: {
            guard: () => {
              throw new Error('it burst');
            },
          },
        },
      },
    },
  });
  const scene = new Scene(defineAgent({ type: 'notebook', machine, retry: { attempts: 1, backoffMs: 0 } } as never));
  scene.take([scene.event('pay')]);
  scene.startEffects();
  const result = scene.result({ outcome: 'done' });
  expect([scene.take([result]).failure?.count, entryOf(scene)?.state]).toEqual([1, 'started']);
  const last = scene.take([result]);
  expect([last.deadLetters.map(({ code }) => code), entryOf(scene)]).toMatchObject([
    ['DEAD_LETTERED'],
    { state: 'failed', error: { code: 'DEAD_LETTERED' } },
  ]);
  expect(scene.memory.snapshot?.value).toBe('paying');
});

test('an error that no state takes is a dead letter, and the agent goes on', () => {
  const scene = new Scene(payer());
  scene.take([scene.event('spawn')]);
  scene.startEffects();
  const turn = scene.take([scene.result({ outcome: 'failed', error: new Error('alone') }), scene.event('pay')]);
  expect(turn.deadLetters.map(({ code, message }) => [code, message])).toEqual([
    ['EFFECT_FAILED', 'The effect "spare" of notebook/one failed: alone.'],
  ]);
  expect(stateOf(scene)).toEqual(['paying', []]);
});

test('a spawned effect is one, also after a sleep, and stopChild() aborts it', () => {
  const scene = new Scene(payer());
  scene.take([scene.event('spawn')]);
  scene.startEffects();
  scene.rehydrate();
  scene.take([scene.result({ outcome: 'done' })]);
  expect(scene.words).toEqual(['spare']);

  scene.take([scene.event('spawn')]);
  scene.startEffects();
  scene.rehydrate();
  expect(scene.take([scene.event('stop')]).stopped).toHaveLength(1);
});

test('a final state and a removal abort what runs', () => {
  for (const end of ['finish', 'remove'] as const) {
    const scene = paying();
    const turn = scene.take([end === 'remove' ? scene.control('remove') : scene.event('finish')]);
    expect([end, turn.stopped.length, entryOf(scene)?.state]).toEqual([end, 1, 'aborted']);
    expect(scene.take([scene.result({ outcome: 'done' })])).toMatchObject({ deadLetters: [], consumed: 1 });
  }
});

test('only the last few effects that are over stay in the journal', () => {
  const scene = new Scene(payer());
  for (let i = 0; i < 20; i += 1) {
    scene.take([scene.event('spawn')]);
    scene.startEffects();
    scene.take([scene.result({ outcome: 'done' })]);
  }
  scene.take([scene.event('pay')]);
  expect(scene.record.journal.map(({ generation }) => generation)).toEqual([17, 18, 19, 20, 21]);
});
