import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RECORD_FORMAT, agentKey, decode, decodeRecord, encode, encodeRecord } from '../src/mod.ts';
import { aRecord, key } from './a-record.ts';
import { failing } from './failing.ts';

const full = aRecord({
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
    expect(decodeRecord(key, encodeRecord(aRecord()))).toEqual(aRecord());
  });

  test('is the same bytes in every commit, whether its lists are packed one by one or as a whole', () => {
    const first = encodeRecord(full).slice();
    for (let again = 0; again < 3; again += 1) expect(encodeRecord(full)).toEqual(first);
    const longer = { ...full, outbox: [...full.outbox, ...full.outbox] };
    expect(decodeRecord(key, encodeRecord(longer))).toEqual(longer);
  });

  test('of a sleeping agent is little more than its snapshot', () => {
    expect(encodeRecord(aRecord()).length).toBeLessThan(250);
  });

  test('of a newer format is refused and left asleep', () => {
    const bytes = encode({ ...(decode(encodeRecord(aRecord())) as object), format: RECORD_FORMAT + 1 });
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
