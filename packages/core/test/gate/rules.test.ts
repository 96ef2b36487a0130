import { agentKey, addressOf } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import {
  type AgentRule,
  type EventRule,
  type GateAgent,
  type GateEvent,
  type Verdict,
  fits,
  onlyFrom,
  quietHours,
  quota,
  rateLimit,
  sample,
} from '../../src/mod.ts';
import { defineAgent } from '../../src/mod.ts';
import { createMachine } from 'xstate';
import { failing } from '../failing.ts';

function event(fields: Partial<GateEvent> = {}): GateEvent {
  return { event: { type: 'note' }, headers: {}, sizeBytes: 1, from: undefined, storedMs: 0, id: '1', ...fields };
}

function agent(fields: Partial<GateAgent> = {}): GateAgent {
  return {
    address: addressOf(agentKey('notebook', 'one')),
    nowMs: 0,
    lifecycle: 'asleep',
    state: 'open',
    tags: [],
    turns: 1,
    bornMs: 0,
    lastTurnMs: 0,
    takes: () => true,
    memory: undefined,
    waiting: () => [],
    ...fields,
  };
}

/** Puts one event after another to a rule that remembers. */
function flow(rule: AgentRule): (nowMs: number, fields?: Partial<GateEvent>) => Verdict | undefined {
  let memory: unknown;
  return (nowMs, fields) => {
    const verdict = rule.judge(event(fields), agent({ nowMs, memory }));
    memory = verdict?.remember ?? memory;
    return verdict;
  };
}

describe('fits', () => {
  const positive = {
    '~standard': {
      validate: (value: unknown) =>
        ((value as { amount: number }).amount > 0
          ? { value }
          : { issues: [{ message: 'must be positive', path: ['amount'] }] }) as unknown,
    },
  };

  test('drops what its schema refuses, in the words of the schema', () => {
    const rule: EventRule = fits({ pay: positive });

    expect(rule.judge(event({ event: { type: 'pay', amount: 0 } }))).toEqual({
      kind: 'drop',
      reason: 'amount: must be positive',
    });
    expect(rule.judge(event({ event: { type: 'pay', amount: 1 } }))).toBeUndefined();
  });

  test('lets in what it has no schema for, also under names that every object has', () => {
    expect(fits({ pay: positive }).judge(event({ event: { type: 'constructor' } }))).toBeUndefined();
  });
});

test.each([
  [['till/*'], 'till/one', true],
  [['till/*'], 'tills/one', false],
  [['till/one'], 'till/two', false],
  [['till/one'], undefined, false],
  [['outside'], undefined, true],
  [['outside'], 'till/one', false],
])('onlyFrom(%j) takes from %s: %s', (sources, from, isTaken) => {
  expect(onlyFrom(sources).judge(event({ from })) === undefined).toBe(isTaken);
});

test('sample lets in its share, and always answers the same of one event', () => {
  const rule = sample(0.25);
  const taken = (): string[] =>
    Array.from({ length: 4_000 }, (_, i) => `id-${i}`).filter((id) => rule.judge(event({ id })) === undefined);

  expect(taken().length).toBeGreaterThan(850);
  expect(taken().length).toBeLessThan(1_150);
  expect(taken()).toEqual(taken());
});

describe('rateLimit', () => {
  test('lets in its limit at once, and then one whenever a part of the period is over', () => {
    const put = flow(rateLimit({ limit: 2, periodMs: 1_000 }));

    expect([0, 0, 0, 499, 500, 500, 5_000, 5_000, 5_000].map((nowMs) => put(nowMs)?.kind)).toEqual([
      'pass',
      'pass',
      'drop',
      'drop',
      'pass',
      'drop',
      'pass',
      'pass',
      'drop',
    ]);
  });

  test('keeps what is too much for later, each for a time of its own', () => {
    const put = flow(rateLimit({ limit: 1, periodMs: 1_000, over: 'defer' }));

    expect([put(0), put(0), put(0)]).toMatchObject([
      { kind: 'pass' },
      { kind: 'defer', untilMs: 1_000 },
      { kind: 'defer', untilMs: 2_000 },
    ]);
  });

  test('counts apart what it is told to, and forgets the longest unheard of', () => {
    const put = flow(rateLimit({ limit: 1, periodMs: 1_000_000, by: ({ from = '' }) => from }));
    const kinds = Array.from({ length: 66 }, (_, i) => put(i, { from: `till/${i}` })?.kind);

    expect(new Set(kinds)).toEqual(new Set(['pass']));
    expect(put(70, { from: 'till/65' })?.kind).toBe('drop');
    expect(put(71, { from: 'till/0' })?.kind).toBe('pass');
  });

  test('a clock that jumps back makes nothing of it', () => {
    const put = flow(rateLimit({ limit: 1, periodMs: 1_000 }));

    expect([put(10_000), put(0), put(10_500)].map((verdict) => verdict?.kind)).toEqual(['pass', 'drop', 'drop']);
  });
});

test('quota begins anew with each period', () => {
  const put = flow(quota({ limit: 2, periodMs: 1_000, over: 'defer' }));

  expect([100, 200, 300, 999, 1_000].map((nowMs) => put(nowMs))).toMatchObject([
    { kind: 'pass' },
    { kind: 'pass' },
    { kind: 'defer', untilMs: 1_000 },
    { kind: 'defer', untilMs: 1_000 },
    { kind: 'pass' },
  ]);
});

describe('quietHours', () => {
  const rule = quietHours({ from: '22:00', to: '07:00', timeZone: 'Europe/Berlin', except: ['alarm'] });
  const judgeAt = (iso: string, type = 'note'): Verdict | undefined =>
    rule.judge(event({ event: { type } }), agent({ nowMs: Date.parse(iso) }));

  test.each([
    ['before midnight', '2026-01-10T22:30:00+01:00', '2026-01-11T07:00:00+01:00'],
    ['after midnight', '2026-01-11T00:30:30+01:00', '2026-01-11T07:00:00+01:00'],
    ['over the night when summer time begins', '2026-03-28T23:00:00+01:00', '2026-03-29T07:00:00+02:00'],
    ['over the night when it ends', '2026-10-24T23:00:00+02:00', '2026-10-25T07:00:00+01:00'],
  ])('keeps events until the morning: %s', (_when, iso, untilIso) => {
    expect(judgeAt(iso)).toMatchObject({ kind: 'merge', untilMs: Date.parse(untilIso) });
  });

  test('has nothing against the day, nor against what may come at night', () => {
    expect(judgeAt('2026-01-10T07:00:00+01:00')).toBeUndefined();
    expect(judgeAt('2026-01-10T21:59:59+01:00')).toBeUndefined();
    expect(judgeAt('2026-01-10T23:00:00+01:00', 'alarm')).toBeUndefined();
  });

  test('refuses what is no time of day', () => {
    const define = (): unknown => quietHours({ from: '25:00', to: '07:00', timeZone: 'UTC' });

    expect(failing('INVALID_OPTION', define)).toMatchObject({ option: 'quietHours' });
  });
});

test.each([
  ['something else', 'write a list of rules'],
  [[{ name: 'two words', sees: 'event', judge: () => undefined }], 'needs a name'],
  [[sample(1), sample(1)], 'two rules are named "sample"'],
  [[{ name: 'blind', sees: 'nothing', judge: () => undefined }], 'must see "event" or "agent"'],
  [[{ name: 'mute', sees: 'event' }], 'has neither judge() nor ask()'],
])('a gate that is none is refused: %j', (gate, why) => {
  const define = (): unknown => defineAgent({ type: 'x', machine: createMachine({}), gate } as never);

  expect(failing('INVALID_OPTION', define)).toMatchObject({
    option: 'gate',
    why: expect.stringContaining(why) as string,
  });
});
