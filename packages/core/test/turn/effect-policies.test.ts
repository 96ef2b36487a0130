/** What becomes of an effect of which nobody knows how it ended. */
import { expect, test } from 'vitest';
import { schedulesOf } from '../../src/mod.ts';
import { entryOf, payer, paying, run, stateOf } from './payer-scene.ts';
import { Scene, answers } from './scene.ts';

test('a deadline that passes without a word makes it unknown; one of an older attempt does nothing', () => {
  const scene = paying({ timeoutMs: 1_000 });
  expect(scene.take([scene.fire('pay', 1, scene.nowMs + 1)]).duplicates).toBe(1);
  scene.take([scene.fire('pay', 1, scene.nowMs + 6_000)]);
  expect(stateOf(scene)).toEqual(['unpaid', ['EFFECT_MAYBE']]);
});

test('nobody knows, policy "fail": the machine gets EFFECT_MAYBE, and nothing is run again', () => {
  const scene = paying();
  scene.take([scene.result({ outcome: 'maybe', error: 'its node is gone' })]);
  expect([stateOf(scene), scene.startEffects()]).toEqual([['unpaid', ['EFFECT_MAYBE']], []]);
  expect(entryOf(scene)).toMatchObject({ state: 'failed', error: { code: 'EFFECT_MAYBE' } });
});

test('policy "retry": it is run again under the same key, until its attempts are used up', () => {
  const scene = paying({ dedupe: 'key', keyHorizonMs: 1e9, retry: { attempts: 1, backoffMs: 0 } });
  scene.take([scene.result({ outcome: 'maybe' })]);
  scene.take([scene.fire('pay', 1)]);
  expect(scene.startEffects('node-b')).toMatchObject([
    { attempt: 2, runs: 2, key: 'notebook.one~1@1.0', node: 'node-b' },
  ]);
  scene.take([scene.result({ outcome: 'maybe' })]);
  expect(stateOf(scene)).toEqual(['unpaid', ['EFFECT_MAYBE']]);
});

test('policy "retry": not once the receiver may have forgotten the key', () => {
  const scene = paying({ dedupe: 'key', keyHorizonMs: 200_000, retry: { attempts: 1 } });
  scene.nowMs += 180_000;
  scene.take([scene.result({ outcome: 'maybe' })]);
  expect(entryOf(scene)).toMatchObject({ state: 'maybe', error: { message: /forgotten the key/ } });
});

test('a repetition that waited too long for its start is not started', () => {
  const scene = paying({ dedupe: 'key', keyHorizonMs: 200_000, retry: { attempts: 1, backoffMs: 0 } });
  scene.take([scene.result({ outcome: 'maybe' })]);
  scene.take([scene.fire('pay', 1)]);
  scene.nowMs += 180_000;
  expect([scene.startEffects(), entryOf(scene)?.state]).toEqual([[], 'maybe']);
});

test('policy "ask": it waits for an operator, whose word is the machine’s event', () => {
  for (const [as, value, expected] of [
    ['done', 9, ['paid', ['done 9']]],
    ['failed', 'not there', ['unpaid', ['EFFECT_FAILED']]],
  ] as const) {
    const scene = paying({ irreversible: true });
    scene.take([scene.result({ outcome: 'maybe', error: 'its node is gone' })]);
    scene.rehydrate();
    expect([entryOf(scene)?.error?.message, schedulesOf(scene.record.journal)]).toEqual(['its node is gone', []]);
    const turn = scene.take([scene.resolve({ id: 'pay', as, value }, '_INBOX.me')]);
    expect([answers(turn), stateOf(scene)]).toEqual([[['_INBOX.me', { ok: true }]], expected]);
  }
});

test('an operator may have it run again, and cannot resolve what is not unknown', () => {
  const scene = paying({ irreversible: true });
  const refused = scene.take([scene.resolve({ id: 'pay', as: 'retry' }, '_INBOX.me')]);
  expect(answers(refused)).toMatchObject([['_INBOX.me', { ok: false, error: { code: 'EFFECT_NOT_FOUND' } }]]);
  scene.take([scene.result({ outcome: 'maybe' })]);
  scene.take([scene.resolve({ id: 'pay', as: 'retry' }, '_INBOX.me')]);
  expect(scene.startEffects()).toMatchObject([{ attempt: 2, runs: 1 }]);
});

test('what waits for an operator is left alone while the agent is suspended', () => {
  const scene = paying({ irreversible: true });
  scene.take([scene.result({ outcome: 'maybe' })]);
  scene.take([scene.control('suspend')]);
  const turn = scene.take([scene.resolve({ id: 'pay', as: 'done' }, '_INBOX.me')]);
  expect(answers(turn)).toMatchObject([['_INBOX.me', { ok: false, error: { code: 'AGENT_REFUSED' } }]]);
  expect(entryOf(scene)?.state).toBe('maybe');
});

test('policy "compensate": it is undone under the same key, and the machine hears so', () => {
  const scene = paying({
    onMaybe: 'compensate',
    compensate: run,
    retry: { attempts: 1, backoffMs: 0 },
  });
  scene.take([scene.result({ outcome: 'maybe' })]);
  expect(scene.startEffects()).toMatchObject([{ phase: 'compensate', attempt: 2, runs: 1, key: 'notebook.one~1@1.0' }]);
  scene.take([scene.result({ outcome: 'failed', error: new Error('busy') })]);
  scene.take([scene.fire('pay', 1)]);
  scene.startEffects();
  scene.take([scene.result({ outcome: 'done' })]);
  expect(stateOf(scene)).toEqual(['unpaid', ['EFFECT_COMPENSATED']]);
});

test.each([
  { onMaybe: 'compensate', compensate: run },
  { dedupe: 'query', lookup: run as never },
] as const)('a result that comes before its lookup or compensation has begun is its result: %j', (options) => {
  const scene = paying(options);
  scene.take([scene.fire('pay', 1, entryOf(scene)?.deadlineMs)]);
  expect(entryOf(scene)).toMatchObject({ state: 'planned', attempt: 1, phaseFrom: 1 });
  scene.take([scene.result({ outcome: 'done', output: 5 })]);
  expect([stateOf(scene), scene.startEffects()]).toEqual([['paid', ['done 5']], []]);
});

test('a compensation that fails to the last is an operator’s matter', () => {
  const scene = paying({ onMaybe: 'compensate', compensate: run });
  scene.take([scene.result({ outcome: 'maybe' })]);
  scene.startEffects();
  scene.take([scene.result({ outcome: 'failed', error: new Error('broken') })]);
  expect(entryOf(scene)).toMatchObject({ state: 'maybe', error: { message: 'its compensation failed: broken' } });
});

test('a lookup that finds it is its result; one that does not lets it run again', () => {
  const scene = paying({ dedupe: 'query', lookup: run as never, retry: { attempts: 1, backoffMs: 0 } });
  scene.take([scene.result({ outcome: 'maybe' })]);
  expect(scene.startEffects()).toMatchObject([{ phase: 'lookup', attempt: 2, runs: 1 }]);
  scene.take([scene.result({ outcome: 'done', output: { happened: false } })]);
  const [again] = scene.startEffects();
  expect([again?.phase, again?.attempt, again?.runs]).toEqual([undefined, 3, 2]);
  scene.take([scene.result({ outcome: 'maybe' })]);
  scene.startEffects();
  scene.take([scene.result({ outcome: 'done', output: { happened: true, output: 'found' } })]);
  expect(stateOf(scene)).toEqual(['paid', ['done found']]);
});

test('a lookup that says no when the attempts are used up is the end; one that cannot tell leaves it to the policy', () => {
  const options = { dedupe: 'query', lookup: run as never, retry: { attempts: 0 } } as const;
  const scene = paying(options);
  scene.take([scene.result({ outcome: 'maybe' })]);
  scene.startEffects();
  scene.take([scene.result({ outcome: 'done', output: { happened: false } })]);
  expect(stateOf(scene)).toEqual(['unpaid', ['EFFECT_FAILED']]);

  const asked = paying({ ...options, onMaybe: 'ask' });
  asked.take([asked.result({ outcome: 'maybe' })]);
  asked.startEffects();
  asked.take([asked.result({ outcome: 'failed', error: new Error('no answer') })]);
  expect(entryOf(asked)).toMatchObject({ state: 'maybe', error: { message: 'its lookup failed: no answer' } });
});

test('an effect that a newer machine does not know is an operator’s matter', () => {
  const scene = new Scene(payer());
  scene.take([scene.event('pay')]);
  const { journal } = scene.record;
  scene.memory = {
    ...scene.memory,
    record: { ...scene.record, journal: journal.map((each) => ({ ...each, src: 'gone' })) },
  };
  expect([scene.startEffects(), entryOf(scene)?.state]).toEqual([[], 'maybe']);
});

test('a failure that comes late changes nothing about the repetition that is planned, nor its schedule', () => {
  const scene = paying({ dedupe: 'key', keyHorizonMs: 1e9 });
  const first = scene.take([scene.result({ outcome: 'maybe' })], {}, 1);
  const [generation, attempt] = [1, 1];
  expect(first.scheduled).toMatchObject([{ generation, attempt, dueMs: scene.nowMs + 1_000 }]);
  expect(first.withdrawn).toMatchObject([{ generation, attempt, node: 'node-a' }]);

  const late = scene.take([scene.result({ outcome: 'failed', error: 'late' })], {}, 0);
  expect([late.scheduled, late.withdrawn, entryOf(scene)?.notBeforeMs]).toEqual([[], [], scene.nowMs + 1_000]);
});
