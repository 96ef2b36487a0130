import { describe, expect, test } from 'vitest';
import { hashOf } from '../../src/objects/blob-codec.ts';
import { CHUNK_BYTES, cut } from '../../src/objects/cut.ts';

/** Bytes that look random and are the same each time. */
function noise(sizeBytes: number, seed: number = 1): Uint8Array {
  let state = seed;
  return new Uint8Array(sizeBytes).map(() => (state = Math.imul(state, 48_271) >>> 0) >>> 24);
}

function names(bytes: Uint8Array, chunkBytes?: number): string[] {
  return [...cut(bytes, chunkBytes)].map(hashOf);
}

/** Share of the second list that is not in the first. */
function newShare(before: readonly string[], after: readonly string[]): number {
  const known = new Set(before);
  return after.filter((name) => !known.has(name)).length / after.length;
}

describe('cutting by content', () => {
  test('keeps every byte in its place, whatever is cut', () => {
    for (const sizeBytes of [0, 1, 31, 32, 33, 63, 64, 65, 255, 256, 257, 5_000])
      for (const chunkBytes of [64, 128, 1_024]) {
        const bytes = noise(sizeBytes, sizeBytes + 1);
        expect(Buffer.concat([...cut(bytes, chunkBytes)])).toEqual(Buffer.from(bytes));
      }
  });

  test('gives chunks of 64 to 512 KB, but for the last one, and about the wanted length', () => {
    const lengths = [...cut(noise(16 * 1024 * 1024))].map(({ length }) => length);

    expect(Math.min(...lengths.slice(0, -1))).toBeGreaterThanOrEqual(64 * 1024);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(512 * 1024);
    const mean = (16 * 1024 * 1024) / lengths.length;
    expect([mean > CHUNK_BYTES * 0.8, mean < CHUNK_BYTES * 1.5]).toEqual([true, true]);
  });

  test('cuts what has no content to go by at the largest length', () => {
    expect([...cut(new Uint8Array(1_000), 64)].map(({ length }) => length)).toEqual([256, 256, 256, 232]);
  });

  test('names what follows a change as it was: bytes put in, taken out and replaced', () => {
    const bytes = noise(8 * 1024 * 1024);
    const at = 3_000_000;
    const changes = {
      in: Buffer.concat([bytes.subarray(0, at), noise(1_000, 7), bytes.subarray(at)]),
      out: Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1_000)]),
      other: Buffer.concat([bytes.subarray(0, at), noise(1_000, 7), bytes.subarray(at + 1_000)]),
    };

    for (const changed of Object.values(changes)) expect(newShare(names(bytes), names(changed))).toBeLessThan(0.06);
  });

  test('cuts everywhere as it did: other numbers would store everything once more', () => {
    expect([...cut(noise(4_000), 256)].map(({ length }) => length)).toMatchInlineSnapshot(`
      [
        295,
        377,
        286,
        309,
        345,
        275,
        340,
        264,
        277,
        313,
        344,
        325,
        250,
      ]
    `);
  });
});
