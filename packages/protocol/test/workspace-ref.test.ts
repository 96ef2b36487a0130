import { describe, expect, test } from 'vitest';
import {
  type AgentKey,
  type AgentRecord,
  type WorkspaceRef,
  chunksOf,
  decodeRecord,
  encode,
  encodeRecord,
  packNames,
  readEffectResult,
  standsOn,
} from '../src/mod.ts';

const key = 'clerk.ada' as AgentKey;
const name = (digit: string): string => digit.repeat(64);

const ref: WorkspaceRef = {
  manifestBytes: 12,
  names: packNames([name('a')]),
  check: Uint8Array.of(1, 2),
  files: 1,
  sizeBytes: 5,
  before: packNames([name('b')]),
};

function record(fields: Partial<AgentRecord>): AgentRecord {
  return {
    format: 1,
    incarnation: 1,
    inbox: 'i',
    machineVersion: 1,
    lifecycle: { name: 'asleep', sinceMs: 1 },
    lease: { holder: '', epoch: 1 },
    cursor: 1,
    cursorMs: 1,
    snapshot: new Uint8Array(),
    commit: 'c',
    turns: 1,
    bornMs: 1,
    updatedMs: 1,
    generation: 0,
    timers: [],
    outbox: [],
    maybe: [],
    settled: true,
    peers: new Map(),
    seen: [],
    early: [],
    replies: [],
    journal: [],
    ...fields,
  };
}

describe('a record with a workspace', () => {
  test('keeps it, in a format that older code refuses', () => {
    const stored = decodeRecord(key, encodeRecord(record({ workspace: ref })));

    expect(stored.workspace).toEqual(ref);
    expect(stored.format).toBe(3);
  });

  test('without one is of the format that it was', () => {
    expect(decodeRecord(key, encodeRecord(record({}))).format).toBe(1);
  });

  test('names the chunks of its manifest and of the one before', () => {
    expect(chunksOf(record({ workspace: ref }))).toEqual([name('a'), name('b')]);
  });

  test.each([
    ['that is cut', { ...ref, names: ref.names.subarray(1) }],
    ['without a chunk', { ...ref, names: new Uint8Array() }],
    ['without a length', { ...ref, manifestBytes: -1 }],
    ['without a check', { ...ref, check: 'x' }],
    ['without a count', { ...ref, files: 1.5 }],
    ['that is none', 7],
  ])('%s is damaged', (_, workspace) => {
    expect(() => decodeRecord(key, encodeRecord(record({ workspace: workspace as WorkspaceRef })))).toThrow(
      /workspace/,
    );
  });
});

test('a result with files that are none is no result', () => {
  const result = { v: 1, id: 'a', generation: 1, attempt: 1, outcome: 'done', files: { ref: { ...ref, names: 'x' } } };

  expect(() => readEffectResult(encode(result))).toThrow(/workspace/);
});

test('files stand on those that they began with, and on no others', () => {
  expect(standsOn({ ref }, undefined)).toBe(true);
  expect(standsOn({ ref, base: ref.check }, ref)).toBe(true);
  expect(standsOn({ ref }, ref)).toBe(false);
  expect(standsOn({ ref, base: ref.check }, undefined)).toBe(false);
  expect(standsOn({ ref, base: Uint8Array.of(1, 3) }, ref)).toBe(false);
});
