import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AgentRecord, RECORD_FORMAT, agentKey, decode, decodeRecord, encode, encodeRecord } from '../src/mod.ts';
import { failing } from './failing.ts';

const key = agentKey('order', '17');

function record(changes: Partial<AgentRecord> = {}): AgentRecord {
  return {
    format: 1,
    incarnation: 1,
    inbox: 'inbox-1',
    machineVersion: 1,
    lifecycle: { name: 'asleep', sinceMs: 5 },
    lease: { holder: '', epoch: 3 },
    cursor: 12,
    cursorMs: 3,
    snapshot: new Uint8Array([1, 2, 3]),
    commit: 'c-1',
    turns: 4,
    bornMs: 1,
    updatedMs: 5,
    generation: 2,
    timers: [],
    outbox: [],
    maybe: [],
    settled: true,
    peers: new Map(),
    seen: [],
    early: [],
    replies: [],
    journal: [],
    ...changes,
  };
}

const full = record({
  timers: [
    {
      id: 'xstate.after.1000.m.a',
      generation: 2,
      dueMs: 99,
      event: { type: 'xstate.after.1000.m.a', when: new Date(7) },
    },
  ],
  outbox: [
    {
      to: agentKey('log', 'x'),
      incarnation: 1,
      number: 1,
      previous: 0,
      id: '12.0',
      event: { type: 'note', big: 5n, list: new Set([1]) },
      atMs: 5,
    },
  ],
  peers: new Map([['log.x', { number: 1, atMs: 5 }]]),
  seen: [{ sinceMs: 0, plain: ['a'], ranges: [['n', [1, 4]]] }],
  replies: [{ id: 'm', seq: 12, body: encode({ ok: true }), untilMs: 9 }],
  attempt: { seq: 13, count: 1, reason: 'x', retryMs: 4 },
});

describe('a record', () => {
  test('comes back as it was', () => {
    expect(decodeRecord(key, encodeRecord(full))).toEqual(full);
    expect(decodeRecord(key, encodeRecord(record()))).toEqual(record());
  });

  test('of a sleeping agent is little more than its snapshot', () => {
    expect(encodeRecord(record()).length).toBeLessThan(250);
  });

  test('of a newer format is refused and left asleep', () => {
    const bytes = encode({ ...(decode(encodeRecord(record())) as object), format: RECORD_FORMAT + 1 });
    expect(failing('RECORD_NEWER', () => decodeRecord(key, bytes))).toMatchObject({
      address: 'order/17',
      format: RECORD_FORMAT + 1,
    });
  });

  test('that is truncated is refused, at whatever length', () => {
    const bytes = encodeRecord(full);
    for (let length = 0; length < bytes.length; length += 1)
      failing('RECORD_DAMAGED', () => decodeRecord(key, bytes.subarray(0, length)));
  });

  test('with something behind it is refused', () => {
    failing('RECORD_DAMAGED', () => decodeRecord(key, new Uint8Array([...encodeRecord(full), 0])));
  });

  test('of random bytes is refused by the typed error and no other', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        failing('RECORD_DAMAGED', () => decodeRecord(key, bytes));
      }),
    );
  });

  test.each([
    'format',
    'incarnation',
    'inbox',
    'machineVersion',
    'lifecycle',
    'lease',
    'cursor',
    'commit',
    'snapshot',
    'turns',
    'generation',
  ])('without its %s is refused', (field) => {
    const fields = decode(encodeRecord(full)) as Record<string, unknown>;
    delete fields[field];
    failing('RECORD_DAMAGED', () => decodeRecord(key, encode(fields)));
  });

  test.each([
    ['lifecycle', null],
    ['lease', 'node-1'],
    ['snapshot', 'text'],
    ['cursor', '12'],
    ['peers', 7],
    ['peers', [7]],
    ['seen', 'none'],
    ['timers', 'none'],
    ['outbox', { 0: 'x' }],
  ])('whose %s is %j is refused', (field, value) => {
    const fields = { ...(decode(encodeRecord(full)) as object), [field]: value };
    failing('RECORD_DAMAGED', () => decodeRecord(key, encode(fields)));
  });

  test.each([[[]], ['text'], [7], [null], [undefined]])('that is %j is refused', (value) => {
    failing('RECORD_DAMAGED', () => decodeRecord(key, encode(value)));
  });
});
