import { isWakebusError } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import { readPubAck } from '../../src/nats/publish-outcome.ts';

const read = (answer: string): unknown => readPubAck(Buffer.from(answer), 100);
const refusal = (code: number, description = ''): string =>
  JSON.stringify({ error: { code: 400, err_code: code, description }, stream: 'S', seq: 0 });

describe('the answer to a publish', () => {
  test.each([
    ['{"stream":"S", "seq":7}', { kind: 'stored', seq: 7, duplicate: false }],
    ['{"stream":"S","seq":9007199254740991}', { kind: 'stored', seq: Number.MAX_SAFE_INTEGER, duplicate: false }],
    ['{"stream":"S", "domain":"hub", "seq":12}', { kind: 'stored', seq: 12, duplicate: false }],
    ['{"stream":"S", "seq":7,"duplicate": true}', { kind: 'stored', seq: 7, duplicate: true }],
    ['{"stream":"S", "seq":7,"duplicate": false}', { kind: 'stored', seq: 7, duplicate: false }],
    ['{"stream":"S","seq":7,"val":"1"}', { kind: 'stored', seq: 7, duplicate: false }],
    ['{"seq":7,"count":3}', { kind: 'stored', seq: 7, duplicate: false }],
  ])('%s is an acknowledgement', (answer, outcome) => {
    expect(read(answer)).toEqual(outcome);
  });

  test('10071 is a conflict', () => {
    expect(read(refusal(10_071, 'wrong last sequence: 3'))).toEqual({ kind: 'conflict' });
  });

  test.each([
    [10_077, 'maximum messages exceeded'],
    [10_077, 'maximum bytes exceeded'],
    [10_023, 'insufficient resources'],
    [10_047, 'insufficient storage resources available'],
    [10_002, 'resource limits exceeded for account'],
  ])('%i (%s) is full', (code, description) => {
    expect(read(refusal(code, description))).toEqual({ kind: 'full' });
  });

  test.each([
    [10_164, 'wrong last sequence'],
    [10_158, 'message with the same ID is in process'],
    [10_077, 'error opening msg block file'],
    [10_008, 'JetStream system temporarily unavailable'],
  ])('%i (%s) leaves open what became of it', (code, description) => {
    expect(read(refusal(code, description))).toMatchObject({ kind: 'unknown', cause: { errorCode: code } });
  });

  test('a message that no repetition can store is thrown', () => {
    expect(() => read(refusal(10_054, 'message size exceeds maximum allowed'))).toSatisfy((run: () => unknown) => {
      try {
        return run() === undefined;
      } catch (error) {
        return isWakebusError(error, 'EVENT_TOO_LARGE');
      }
    });
  });
});
