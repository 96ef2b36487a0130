/**
 * The contract of {@link BlobStore}.
 */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type MakeFixture, bytes, over, text } from './fixture.ts';

/** Declares the suite for one adapter. */
export function blobStoreContract(adapter: string, makeFixture: MakeFixture): void {
  describe(`${adapter}: a blob store`, () => {
    test(
      'gives back what was put, under its sha256',
      over(makeFixture, async ({ ports: { chunks } }) => {
        const hash = await chunks.put(bytes('hello'));
        expect(hash).toBe(createHash('sha256').update('hello').digest('hex'));
        expect(text(await chunks.get(hash))).toBe('hello');
      }),
    );

    test(
      'knows nothing of other hashes',
      over(makeFixture, async ({ ports: { chunks } }) => {
        expect(await chunks.get('0'.repeat(64))).toBeUndefined();
      }),
    );

    test(
      'takes the same chunk again, from several at once',
      over(makeFixture, async (fixture) => {
        const other = await fixture.another();
        const stores = [fixture.ports.chunks, other.chunks, fixture.ports.chunks];
        const hashes = await Promise.all(stores.map((store) => store.put(bytes('hello'))));
        expect(new Set(hashes).size).toBe(1);
        expect(text(await other.chunks.get(hashes[0] as string))).toBe('hello');
      }),
    );

    test(
      'keeps chunks of half a megabyte, and empty ones',
      over(makeFixture, async ({ ports: { chunks } }) => {
        const large = new Uint8Array(512 * 1024).map((_, i) => i % 251);
        expect(await chunks.get(await chunks.put(large))).toEqual(large);
        expect(await chunks.get(await chunks.put(new Uint8Array(0)))).toHaveLength(0);
      }),
    );
  });
}
