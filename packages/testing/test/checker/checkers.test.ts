import { type AgentKey, type AgentRecord, agentKey } from '@wakebus/protocol';
import {
  type AgentHistory,
  type ClientOperation,
  type RunHistory,
  checkGrowth,
  checkList,
  checkOrder,
  checkPairs,
  checkPrefixes,
  checkRecords,
  checkTotal,
} from '@wakebus/testing';
import { describe, expect, test } from 'vitest';

const ann = agentKey('greeter', 'ann');

function record(changes: Partial<AgentRecord>): AgentRecord {
  return {
    incarnation: 1,
    lease: { holder: 'n1', epoch: 1 },
    cursor: 1,
    turns: 1,
    commit: 'c1',
    ...changes,
  } as AgentRecord;
}

function agent(...records: readonly AgentRecord[]): AgentHistory {
  const writes = records.map((written, i) => ({ revision: i + 1, by: 'n1', atMs: 0, record: written }));
  return { key: ann, writes, record: records.at(-1), deadLetters: [] };
}

function run(history: AgentHistory, operations: readonly ClientOperation[] = []): RunHistory {
  return {
    agents: new Map<AgentKey, AgentHistory>([[ann, history]]),
    operations,
    endMs: 0,
    missed: [],
    living: new Set(),
  };
}

function operation(id: string, outcome: ClientOperation['outcome'] = 'ok', client = 'c'): ClientOperation {
  return { id, agent: ann, kind: 'add', outcome, client };
}

describe('a list', () => {
  const expected = { required: new Set(['a', 'b']), allowed: new Set(['m']) };

  test.each([
    ['holds', ['a', 'b'], []],
    ['may hold what nobody knows the outcome of', ['a', 'm', 'b'], []],
    ['misses what was acknowledged', ['a'], ['greeter.ann: b was acknowledged and is missing']],
    ['has something twice', ['a', 'b', 'a'], ['greeter.ann: a was processed twice']],
    ['has what is allowed twice', ['a', 'b', 'm', 'm'], ['greeter.ann: m was processed twice']],
    ['has what nobody sent', ['a', 'b', 'z'], ['greeter.ann: z was processed, and nobody sent it']],
  ])('%s', (_name, list, violations) => {
    expect(checkList(ann, list, expected)).toEqual(violations);
  });

  test('may only grow at its end', () => {
    expect(checkGrowth(agent(), [[], ['a'], ['a', 'b']])).toEqual([]);
    expect(checkGrowth(agent(), [['a', 'b'], ['a']])).toHaveLength(1);
    expect(checkGrowth(agent(), [['a'], ['b', 'a']])).toHaveLength(1);
  });

  test('keeps the order in which one client had its operations acknowledged', () => {
    const operations = [operation('a'), operation('b'), operation('x', 'ok', 'other')];
    const check = (list: readonly string[]): string[] => checkOrder(run(agent(), operations), () => list);
    expect(check(['x', 'a', 'b'])).toEqual([]);
    expect(check(['a', 'x', 'b'])).toEqual([]);
    expect(check(['b', 'a', 'x'])).toHaveLength(1);
  });

  test('owes no order to an operation whose outcome nobody knows', () => {
    const operations = [operation('a', 'info'), operation('b')];
    expect(checkOrder(run(agent(), operations), () => ['b', 'a'])).toEqual([]);
  });
});

describe('between two agents', () => {
  const traffic = { from: 'a', to: 'b', sent: 3 };

  test.each([
    [[1, 2, 3], 0],
    [[1, 3, 2], 1],
    [[1, 2], 1],
    [[1, 1, 2, 3], 1],
    [[2, 3], 1],
  ])('%j', (received, violations) => {
    expect(checkPairs([{ ...traffic, received }])).toHaveLength(violations);
  });
});

describe('a record', () => {
  test.each([
    ['its epoch falls', record({}), record({ commit: 'c2', lease: { holder: 'n1', epoch: 0 } }), 1],
    ['its cursor falls', record({}), record({ commit: 'c2', cursor: 0 }), 1],
    ['its turns fall', record({}), record({ commit: 'c2', turns: 0 }), 1],
    ['its incarnation falls', record({}), record({ commit: 'c2', incarnation: 0 }), 1],
    [
      'another node claims under the same epoch',
      record({}),
      record({ commit: 'c2', lease: { holder: 'n2', epoch: 1 } }),
      1,
    ],
    [
      'another node claims under a higher epoch',
      record({}),
      record({ commit: 'c2', lease: { holder: 'n2', epoch: 2 } }),
      0,
    ],
    ['nobody holds it any more', record({}), record({ commit: 'c2', lease: { holder: '', epoch: 1 } }), 0],
    ['it is born again', record({ cursor: 9 }), record({ commit: 'c2', incarnation: 2, cursor: 1, turns: 0 }), 0],
    ['a commit is written twice', record({}), record({}), 1],
  ])('%s', (_name, before, after, violations) => {
    expect(checkRecords(run(agent(before, after)))).toHaveLength(violations);
  });
});

test('a total is neither made nor lost', () => {
  const parts = new Map([
    ['a', 10],
    ['b', -3],
  ]);
  expect(checkTotal('money', parts, 7)).toEqual([]);
  expect(checkTotal('money', parts, 8)).toEqual(['The total of money is 7, and was 8']);
});

test('nobody has got at any commit what the other had not paid', () => {
  const payer = { account: 'ann', paid: { bob: 5 }, got: {} };
  const payee = { account: 'bob', paid: {}, got: { ann: 5 } };
  const before = checkPrefixes([
    { ...payer, revision: 1 },
    { ...payee, revision: 2 },
  ]);
  const after = checkPrefixes([
    { ...payee, revision: 1 },
    { ...payer, revision: 2 },
  ]);
  expect(before).toEqual([]);
  expect(after).toEqual(['bob, revision 1: it has got 5 of ann, which has not paid so much']);
  // What nobody saw may have been the payment, unless the payer was seen after it.
  const unseen = [
    { ...payer, revision: 1, paid: {} },
    { ...payee, revision: 3 },
  ];
  expect(checkPrefixes(unseen, [2])).toEqual([]);
  expect(checkPrefixes(unseen, [4])).toEqual(['bob, revision 3: it has got 5 of ann, which has not paid so much']);
});
