import { expect, test } from 'vitest';
import { Desk, MINUTE_MS, NOON_MS } from './desk.ts';
import { answers } from './scene.ts';

test('an interval comes at each of its times, each fire arming the next in the same turn', () => {
  const desk = new Desk();
  desk.plan({ everyMs: MINUTE_MS });
  expect(desk.due()).toBe(NOON_MS + MINUTE_MS);

  desk.runUntil(NOON_MS + 3.5 * MINUTE_MS);

  expect([desk.minutes, desk.due()]).toEqual([[1, 2, 3], NOON_MS + 4 * MINUTE_MS]);
});

test('an occurrence is taken once, however often its fire comes', () => {
  const desk = new Desk();
  desk.plan({ everyMs: MINUTE_MS });
  const [first] = desk.record.timers;
  desk.nowMs += MINUTE_MS;

  const turn = desk.take([desk.fire('s', first?.generation ?? 0), desk.fire('s', first?.generation ?? 0)]);

  expect([desk.minutes, turn.duplicates, turn.armed.length]).toEqual([[1], 1, 1]);
});

test('cron has seconds, and follows the clocks of its time zone', () => {
  const desk = new Desk();
  desk.nowMs = Date.UTC(2027, 2, 27, 12);
  desk.plan({ cron: '15 30 3 * * *', timeZone: 'Europe/Berlin' });

  desk.runUntil(Date.UTC(2027, 2, 29, 12));

  expect(desk.taken.map(({ atMs }) => new Date(atMs).toISOString())).toEqual([
    '2027-03-28T01:30:15.000Z',
    '2027-03-29T01:30:15.000Z',
  ]);
});

test('a time comes once, and leaves nothing behind', () => {
  const desk = new Desk();
  desk.plan({ atMs: NOON_MS + 5_000, missed: undefined });

  desk.runUntil(NOON_MS + MINUTE_MS);

  expect([desk.taken.length, desk.record.timers]).toEqual([1, []]);
});

test('what stands in an entry action every time keeps its phase; what is changed is replaced', () => {
  const desk = new Desk();
  desk.plan({ everyMs: MINUTE_MS });
  desk.nowMs += 20_000;

  const same = desk.plan({ everyMs: MINUTE_MS });
  expect([same.armed, desk.due()]).toEqual([[], NOON_MS + MINUTE_MS]);
  const other = desk.plan({ everyMs: 2 * MINUTE_MS });

  expect([other.cancelled, desk.due()]).toEqual([[1], NOON_MS + 20_000 + 2 * MINUTE_MS]);
});

test('a schedule that is dropped does not come, also not by a fire that is under way', () => {
  const desk = new Desk();
  desk.plan({ everyMs: MINUTE_MS });
  desk.nowMs += MINUTE_MS;

  const turn = desk.take([desk.event('drop'), desk.fire('s', 1)]);

  expect([desk.taken, turn.cancelled, desk.record.timers]).toEqual([[], [1], []]);
});

test('a machine may end its schedule in the turn of an occurrence', () => {
  const desk = new Desk();
  desk.plan({ everyMs: MINUTE_MS, event: { type: 'once' } });

  desk.runUntil(NOON_MS + 5 * MINUTE_MS);

  expect([desk.minutes, desk.record.timers]).toEqual([[1], []]);
});

test.each([
  ['skip', []],
  ['once', [[10, 9]]],
  ['all', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((minute) => [minute, 0])],
])('what was missed while everything was down: %s', (missed, expected) => {
  const desk = new Desk();
  desk.plan({ everyMs: MINUTE_MS, fromMs: NOON_MS + MINUTE_MS, missed });
  desk.runUntil(NOON_MS + MINUTE_MS, NOON_MS + 10.2 * MINUTE_MS);
  desk.runUntil(NOON_MS + 10.5 * MINUTE_MS);

  expect(desk.taken.map(({ atMs, missed: left }) => [(atMs - NOON_MS) / MINUTE_MS, left])).toEqual(expected);
  expect(desk.due()).toBe(NOON_MS + 11 * MINUTE_MS);
});

test('what was left out is counted with the next that comes', () => {
  const desk = new Desk();
  desk.plan({ everyMs: MINUTE_MS, fromMs: NOON_MS + MINUTE_MS });
  desk.runUntil(NOON_MS + MINUTE_MS, NOON_MS + 10.2 * MINUTE_MS);

  desk.runUntil(NOON_MS + 11 * MINUTE_MS);

  expect(desk.taken).toEqual([{ atMs: NOON_MS + 11 * MINUTE_MS, missed: 10 }]);
});

test('of all that was missed only the latest come, as many as were asked for', () => {
  const desk = new Desk();
  desk.plan({ cron: '0 * * * * *', missed: 'all', missedMost: 3 });

  desk.runUntil(NOON_MS + MINUTE_MS, NOON_MS + 60.2 * MINUTE_MS);
  desk.runUntil(NOON_MS + 61 * MINUTE_MS);

  expect(desk.taken).toEqual(
    [58, 59, 60, 61].map((m, i) => ({ atMs: NOON_MS + m * MINUTE_MS, missed: i === 0 ? 57 : 0 })),
  );
});

test('an occurrence is in time up to its grace', () => {
  const desk = new Desk();
  desk.plan({ everyMs: 10 * MINUTE_MS, fromMs: NOON_MS + MINUTE_MS, graceMs: 5_000 });

  desk.runUntil(NOON_MS + MINUTE_MS, NOON_MS + MINUTE_MS + 5_000);
  desk.runUntil(NOON_MS + 11 * MINUTE_MS, NOON_MS + 11 * MINUTE_MS + 5_001);

  expect(desk.minutes).toEqual([1]);
});

test('jitter moves every occurrence by the same time, which is each agent’s own', () => {
  const desk = new Desk();
  desk.plan({ everyMs: MINUTE_MS, jitterMs: 30_000 });
  const offsetMs = (desk.due() ?? 0) - NOON_MS - MINUTE_MS;
  expect(offsetMs).toBeGreaterThan(0);
  expect(offsetMs).toBeLessThanOrEqual(30_000);

  desk.runUntil(NOON_MS + 2 * MINUTE_MS + 30_000);

  expect([desk.minutes, (desk.due() ?? 0) - NOON_MS - 3 * MINUTE_MS]).toEqual([[1, 2], offsetMs]);
  desk.plan({ everyMs: MINUTE_MS, jitterMs: 30_000, fromMs: NOON_MS }, 'other');
  expect(((desk.due('other') ?? 0) - NOON_MS) % MINUTE_MS).not.toBe(offsetMs);
});

function busy(overlap: string): Desk {
  const desk = new Desk();
  desk.plan({ everyMs: MINUTE_MS, overlap, event: { type: 'run' } });
  desk.runUntil(NOON_MS + MINUTE_MS);
  desk.startEffects();
  desk.runUntil(NOON_MS + 3.5 * MINUTE_MS);
  return desk;
}

test('overlap skip: occurrences are left out while the one before runs', () => {
  const desk = busy('skip');
  expect([desk.minutes, desk.ended]).toEqual([[1], []]);

  desk.take([desk.result({ outcome: 'done' })]);
  desk.runUntil(NOON_MS + 4 * MINUTE_MS);

  expect(desk.taken.map(({ missed }) => missed)).toEqual([0, 2]);
  expect(desk.minutes).toEqual([1, 4]);
});

test('overlap queue: occurrences wait for the end of the one before, one after the other', () => {
  const desk = busy('queue');
  expect(desk.minutes).toEqual([1]);

  desk.take([desk.result({ outcome: 'done' })]);
  desk.runUntil(desk.nowMs);
  expect([desk.minutes, desk.memory.snapshot?.value]).toEqual([[1, 2], 'working']);
  desk.startEffects();
  desk.take([desk.result({ outcome: 'failed', error: new Error('no') })]);
  desk.runUntil(desk.nowMs);

  expect([desk.minutes, desk.record.timers.length]).toEqual([[1, 2, 3], 1]);
});

test('overlap queue: no occurrence passes those that wait, also in the turn that ends the one before', () => {
  const desk = busy('queue');
  const next = desk.record.timers.find(({ id }) => id === 's');
  desk.nowMs = next?.dueMs ?? 0;

  desk.take([desk.result({ outcome: 'done' }), desk.fire('s', next?.generation ?? 0)]);
  desk.runUntil(desk.nowMs);

  expect([desk.minutes, desk.record.timers.find(({ id }) => id === 's')?.schedule?.queued?.length]).toEqual([
    [1, 2],
    2,
  ]);
});

test('overlap cancel-running: what runs is aborted, the machine hears of it, and the occurrence comes', () => {
  const desk = new Desk();
  desk.plan({ everyMs: MINUTE_MS, overlap: 'cancel-running', event: { type: 'run' } });
  desk.runUntil(NOON_MS + MINUTE_MS);
  const [old] = desk.startEffects();
  const due = desk.record.timers[0];
  desk.nowMs += MINUTE_MS;

  const turn = desk.take([desk.fire('s', due?.generation ?? 0)]);

  expect([desk.minutes, desk.ended]).toEqual([[1, 2], ['EFFECT_CANCELLED']]);
  expect(turn.stopped).toEqual([old]);
  const [next] = desk.startEffects();
  expect(next?.key).not.toBe(old?.key);
  const late = desk.take([desk.result({ outcome: 'done', generation: old?.generation ?? 0, attempt: 1 })]);
  expect([late.duplicates, desk.memory.snapshot?.value]).toEqual([1, 'working']);
});

test('an occurrence on which the machine throws is tried again, given up, and the schedule goes on', () => {
  const desk = new Desk();
  desk.plan({ everyMs: MINUTE_MS, event: { type: 'boom' } });
  desk.nowMs += MINUTE_MS;
  const fire = desk.fire('s', 1);
  const before = desk.record.timers;
  const failed = desk.take([fire]);
  expect([failed.failure?.count, desk.record.timers, failed.armed]).toEqual([1, before, []]);

  desk.nowMs += 2 * MINUTE_MS;
  const given = desk.take([fire]);

  expect(given.deadLetters.map(({ code }) => code)).toEqual(['DEAD_LETTERED']);
  expect(desk.due()).toBe(NOON_MS + 4 * MINUTE_MS);
});

test('an agent that completes keeps no appointments', () => {
  const desk = new Desk();
  desk.plan({ everyMs: MINUTE_MS });

  const turn = desk.take([desk.event('finish')]);

  expect([desk.record.timers, turn.cancelled]).toEqual([[], [1]]);
});

test('operators make, fire and remove schedules, and hear what became of it', () => {
  const desk = new Desk();
  const made = desk.ask('schedule', {
    id: 's',
    schedule: { cron: '0 0 13 * * *', missed: 'once', event: { type: 'tick' } },
  });
  expect(answers(desk.take([made]))).toEqual([['caller', { ok: true, value: { nextMs: NOON_MS + 60 * MINUTE_MS } }]]);
  expect(desk.memory.snapshot).toBe(undefined);

  const fired = desk.take([desk.ask('fire', { id: 's' })]);
  expect([answers(fired), desk.minutes, fired.cancelled]).toEqual([[['caller', { ok: true }]], [60], [1]]);
  expect(desk.due()).toBe(NOON_MS + 25 * 60 * MINUTE_MS);
  const removed = desk.take([desk.ask('unschedule', { id: 's' })]);
  expect([answers(removed), desk.record.timers]).toEqual([[['caller', { ok: true }]], []]);
  const again = desk.take([desk.ask('unschedule', { id: 's' })]);

  expect(answers(again)).toMatchObject([['caller', { ok: false, error: { code: 'TIMER_NOT_FOUND' } }]]);
});

test('a request that comes twice is one request, also after what it asked for has come', () => {
  const desk = new Desk();
  const made = desk.ask('schedule', { id: 's', schedule: { atMs: NOON_MS, event: { type: 'tick' } } });
  desk.take([made]);
  desk.runUntil(NOON_MS);

  desk.take([desk.again(made)]);

  expect([desk.taken.length, desk.record.timers]).toEqual([1, []]);
});

test.each([
  [{ cron: '61 * * * * *' }, 'INVALID_OPTION'],
  [{ cron: '0 0 0 30 2 *' }, 'INVALID_OPTION'],
  [{ cron: '0 0 * * * *', timeZone: 'Mars/Olympus' }, 'INVALID_OPTION'],
  [{ everyMs: 10 }, 'INVALID_OPTION'],
  [{ everyMs: MINUTE_MS, missed: undefined }, 'INVALID_OPTION'],
  [{ everyMs: MINUTE_MS, cron: '* * * * *' }, 'INVALID_OPTION'],
  [{ everyMs: MINUTE_MS, event: { type: 'xstate.init' } }, 'RESERVED_EVENT'],
])('refuses the schedule %o', (fields, code) => {
  const desk = new Desk();
  const asked = { id: 's', schedule: { missed: 'skip', event: { type: 'tick' }, ...fields } };

  expect(answers(desk.take([desk.ask('schedule', asked)]))).toMatchObject([['caller', { ok: false, error: { code } }]]);
  expect(desk.record.timers).toEqual([]);
});
