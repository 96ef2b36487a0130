import { describe, expect, test } from 'vitest';
import {
  type AgentRecord,
  SNAPSHOT_LIMIT_BYTES,
  SeenIndex,
  type SnapshotChunks,
  asStored,
  chunksOf,
  decode,
  decodeRecord,
  encode,
  encodeRecord,
  hasSnapshot,
  namesOf,
  packNames,
} from '../src/mod.ts';
import { aRecord, key } from './a-record.ts';
import { failing } from './failing.ts';

const name = (digit: string): string => digit.repeat(64);

const chunks: SnapshotChunks = {
  sizeBytes: 5,
  names: packNames([name('a'), name('b')]),
  check: new Uint8Array(32),
  before: packNames([name('c')]),
};

function record(changes: Partial<AgentRecord> = {}): AgentRecord {
  return aRecord({ format: 2, snapshot: new Uint8Array(), chunks, ...changes });
}

describe('a record whose snapshot is in chunks', () => {
  test('comes back as it was, in a format that code without chunks refuses', () => {
    expect(decodeRecord(key, encodeRecord(record()))).toEqual(record());
    expect(decode(encodeRecord(record()))).toMatchObject({ format: 2 });
    expect(decode(encodeRecord(record({ chunks: undefined })))).toMatchObject({ format: 1 });
  });

  test('is stored without the bytes that are in the chunks, and with those that are not', () => {
    const bytes = new Uint8Array([1, 2, 3, 4, 5]);

    expect(asStored(record({ snapshot: bytes })).snapshot).toHaveLength(0);
    expect(asStored(record({ snapshot: bytes, chunks: undefined })).snapshot).toEqual(bytes);
    expect([hasSnapshot(record()), hasSnapshot(record({ chunks: undefined }))]).toEqual([true, false]);
  });

  test('needs those of its manifest, of the one before, and of its IDs', () => {
    const seen = [{ sinceMs: 1, plain: [], ranges: [], chunk: name('d') }];

    expect(chunksOf(record({ seen }))).toEqual([name('a'), name('b'), name('c'), name('d')]);
    expect(namesOf(chunks.names)).toEqual([name('a'), name('b')]);
  });

  test.each([
    ['no map', 7],
    ['without a size', { ...chunks, sizeBytes: undefined }],
    ['of a negative size', { ...chunks, sizeBytes: -1 }],
    ['of more than a snapshot may have', { ...chunks, sizeBytes: SNAPSHOT_LIMIT_BYTES + 1 }],
    ['with a name cut short', { ...chunks, names: chunks.names.slice(1) }],
    ['without names', { ...chunks, names: new Uint8Array() }],
    ['with a name before it cut short', { ...chunks, before: new Uint8Array(31) }],
    ['without a check', { ...chunks, check: 'none' }],
    ['that has names and no size', { ...chunks, sizeBytes: 0 }],
  ])('is refused with a manifest that is %s', (_, manifest) => {
    const fields = { ...(decode(encodeRecord(record())) as object), chunks: manifest };

    failing('RECORD_DAMAGED', () => decodeRecord(key, encode(fields)));
  });
});

test('IDs whose chunks are gone can be forgotten, and the others stay', () => {
  const index = new SeenIndex([{ sinceMs: 1, plain: [], ranges: [], chunk: name('d') }], 1_000);
  index.add('one', 500);

  index.forgetSpilled();

  expect(index.has('one')).toBe(true);
  expect(index.toSeen().map(({ chunk }) => chunk)).toEqual([undefined]);
});
