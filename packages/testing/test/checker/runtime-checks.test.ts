/** Each check fails on a history made up to be bad, and on nothing else. */
import { type AgentKey, type AgentRecord, agentKey, wireMessageId } from '@wakebus/protocol';
import {
  type AgentHistory,
  type ClientOperation,
  type RunHistory,
  checkAnswers,
  checkConsumed,
  checkLifecycles,
  checkStanding,
  checkTakeovers,
  checkTimers,
  checkTold,
} from '@wakebus/testing';
import { describe, expect, test } from 'vitest';

const ann = agentKey('greeter', 'ann');
const END_MS = 10_000;

type Changes = Partial<Omit<AgentRecord, 'lifecycle'>> & { readonly lifecycle?: Partial<AgentRecord['lifecycle']> };

/** A record whose own turn took some events. */
function record(commit: string, events: readonly object[], changes: Changes = {}): AgentRecord {
  const { lifecycle, ...rest } = changes;
  return {
    incarnation: 1,
    lease: { holder: 'n1', epoch: 1 },
    timers: [],
    early: [],
    commit,
    last: { commit, events },
    ...rest,
    lifecycle: { name: 'awake', sinceMs: 0, ...lifecycle },
  } as unknown as AgentRecord;
}

/** Records, written a second after each other. */
function history(...records: readonly AgentRecord[]): RunHistory {
  const writes = records.map((written, i) => ({ revision: i + 1, by: 'n1', atMs: 1_000 * (i + 1), record: written }));
  const agent: AgentHistory = { key: ann, writes, record: records.at(-1), deadLetters: [] };
  return {
    agents: new Map<AgentKey, AgentHistory>([[ann, agent]]),
    operations: [],
    endMs: END_MS,
    missed: [],
    living: new Set(),
  };
}

function timer(dueMs: number, generation = 1): AgentRecord['timers'][number] {
  return { id: 'bell', generation, dueMs, event: { type: 'rung' } };
}

const rung = { type: 'rung', from: 'timer bell' };

describe('timers', () => {
  test.each([
    ['fires when it is due', [record('1', [], { timers: [timer(2_000)] }), record('2', [rung])], []],
    [
      'fires too early',
      [record('1', [], { timers: [timer(2_500)] }), record('2', [rung])],
      ['greeter.ann, revision 2: the timer bell fired 500 ms before its time'],
    ],
    [
      'fires without having been armed',
      [record('1', []), record('2', [rung])],
      ['greeter.ann, revision 2: the timer bell fired and was not armed'],
    ],
    [
      'fires twice',
      [record('1', [], { timers: [timer(1_500)] }), record('2', [rung]), record('3', [rung])],
      ['greeter.ann, revision 3: the timer bell fired and was not armed'],
    ],
    [
      'is due before the end and does not fire',
      [record('1', [], { timers: [timer(4_000)] })],
      ['greeter.ann: the timer bell was due 6000 ms before the end and has not fired'],
    ],
    ['is due after the end', [record('1', [], { timers: [timer(END_MS + 1)] })], []],
    [
      'is named by a turn that an earlier commit has made',
      [record('1', [], { timers: [timer(1_500)] }), record('2', [rung]), { ...record('2', [rung]), commit: '3' }],
      [],
    ],
  ])('one that %s', (_name, records, violations) => {
    expect(checkTimers(history(...records))).toEqual(violations);
  });
});

describe('the lifecycle', () => {
  const at = (name: AgentRecord['lifecycle']['name'], incarnation = 1): AgentRecord =>
    record(name, [], { lifecycle: { name }, incarnation });

  test.each([
    ['awake', 'asleep'],
    ['asleep', 'awake'],
    ['awake', 'backoff'],
    ['backoff', 'awake'],
    ['awake', 'suspended'],
    ['awake', 'failed'],
    ['suspended', 'awake'],
    ['awake', 'completed'],
    ['asleep', 'quarantined'],
    ['completed', 'removed'],
  ] as const)('goes from %s to %s', (from, to) => {
    expect(checkLifecycles(history(at(from), at(to)))).toEqual([]);
  });

  test.each([
    ['completed', 'awake'],
    ['completed', 'asleep'],
    ['completed', 'failed'],
  ] as const)('does not go from %s to %s', (from, to) => {
    expect(checkLifecycles(history(at(from), at(to)))).toEqual([
      `greeter.ann, revision 2 by n1: its lifecycle goes from ${from} to ${to}`,
    ]);
  });

  test('leads out of a removal only into another life', () => {
    expect(checkLifecycles(history(at('removed'), at('awake', 2)))).toEqual([]);
    expect(checkLifecycles(history(at('removed'), at('awake')))).toEqual([
      'greeter.ann, revision 2 by n1: it was removed, and is awake in the same life',
    ]);
  });
});

describe('operators are told', () => {
  const failed = record('1', [], { journal: [], lifecycle: { name: 'failed', sinceMs: 7 } });
  const unsure = { state: 'maybe', plannedMs: 5, generation: 3, attempt: 2 } as AgentRecord['journal'][number];
  const told = (given: AgentRecord, ...ids: readonly string[]): readonly string[] =>
    checkTold({ ...history(given), told: new Set(ids) });

  test('of an agent that has failed, this time and not the last', () => {
    expect(told(failed, 'failed/greeter/ann/7')).toEqual([]);
    expect(told(failed, 'failed/greeter/ann/6')).toEqual(['greeter.ann: nobody was told of failed/greeter/ann/7']);
  });

  test('of an effect of which nobody knows', () => {
    const waiting = record('1', [], { journal: [unsure] });
    expect(told(waiting, 'maybe/greeter/ann/5-3-2')).toEqual([]);
    expect(told(waiting)).toEqual(['greeter.ann: nobody was told of maybe/greeter/ann/5-3-2']);
  });

  test('of a dead letter', () => {
    const { agents, ...run } = history(record('1', [], { journal: [] }));
    const letters = [{ seq: 4 }] as unknown as AgentHistory['deadLetters'];
    const agent = { ...(agents.get(ann) as AgentHistory), deadLetters: letters };
    const violations = (id: string): readonly string[] =>
      checkTold({ ...run, agents: new Map([[ann, agent]]), told: new Set([id]) });
    expect(violations('dead-lettered/greeter/ann/4-99')).toEqual([]);
    expect(violations('dead-lettered/greeter/ann/44-99')).toHaveLength(1);
  });

  test('of nothing that an operator has asked for', () => {
    const lifecycle = { name: 'suspended', code: 'SUSPENDED' } as const;
    expect(told(record('1', [], { journal: [], lifecycle }))).toEqual([]);
  });
});

describe('an agent stands still', () => {
  const suspended = record('1', [], { lifecycle: { name: 'suspended', code: 'SUSPENDED', message: 'asked for' } });

  test('for a reason that the run allows, and for no other', () => {
    expect(checkStanding(history(suspended), new Set(['SUSPENDED']))).toEqual([]);
    expect(checkStanding(history(suspended))).toEqual([
      'greeter.ann, revision 1 by n1: it is suspended for no reason: SUSPENDED asked for',
    ]);
  });

  test('and nothing is left waiting for one that runs', () => {
    const held = record('1', [], { held: { cursor: 1, upTo: 5 } });
    const early = record('1', [], { early: [{ sender: 'greeter.bob', number: 4 } as AgentRecord['early'][number]] });
    expect(checkStanding(history(held))).toEqual(['greeter.ann: it runs, and what stood aside for it was not drained']);
    expect(checkStanding(history(early))).toEqual([
      'greeter.ann: message 4 of greeter.bob still waits for the one before',
    ]);
  });
});

test('a node that lives is not robbed of its agents', () => {
  const by = (holder: string, epoch: number): AgentRecord => record(`${epoch}`, [], { lease: { holder, epoch } });
  expect(checkTakeovers(history(by('n1', 1), by('', 1), by('n2', 2)))).toEqual([]);
  expect(checkTakeovers(history(by('n1', 1), by('n2', 2)))).toEqual([
    'greeter.ann, revision 2: n2 takes it from n1, which lives and did not give it up',
  ]);
});

describe('an operation', () => {
  const operation = (id: string, more: Partial<ClientOperation> = {}): ClientOperation => ({
    id,
    agent: ann,
    kind: 'add',
    outcome: 'ok',
    ...more,
  });
  const taken = (...ids: readonly string[]): AgentHistory => {
    const records = ids.map((id) => record(`commit ${id}`, [{ type: 'add', id }]));
    return history(...records).agents.get(ann) as AgentHistory;
  };

  test('is in one commit, or in the dead letters', () => {
    expect(checkConsumed(taken('a', 'b'), [operation('a'), operation('b')])).toEqual([]);
    expect(checkConsumed(taken('a'), [operation('a'), operation('b')])).toEqual([
      'greeter.ann: b was acknowledged and is missing',
    ]);
    const letter = {
      headers: { 'Nats-Msg-Id': wireMessageId(ann, 'b') },
    } as unknown as AgentHistory['deadLetters'][number];
    expect(checkConsumed({ ...taken('a'), deadLetters: [letter] }, [operation('a'), operation('b')])).toEqual([]);
  });

  test('is answered with its place, however often', () => {
    const answered = (...answers: readonly number[]): string[] =>
      checkAnswers({ ...history(record('1', [])), operations: [operation('b', { answers })] }, () => ['a', 'b']);
    expect(answered()).toEqual([]);
    expect(answered(2, 2)).toEqual([]);
    expect(answered(2, 1)).toEqual(['greeter.ann: b was answered with place 1, where a stands']);
    expect(answered(3)).toEqual(['greeter.ann: b was answered with place 3, where nothing stands']);
  });
});
