/**
 * The contract of {@link BlobStore}.
 *
 * It has a fixture of its own: some adapters know nothing of a deployment.
 */
import { createHash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { type BlobStore, type ListedChunk, MAX_CHUNK_BYTES } from '@wakebus/placement-node';
import { isWakebusError } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import { bytes, text } from './fixture.ts';

/** A store with nothing in it. */
export interface BlobStoreFixture {
  readonly store: BlobStore;
  /** The same store as another process has it. @param refreshAfterMs - For it. @default as always */
  readonly another: (refreshAfterMs?: number) => Promise<BlobStore>;
  /** Puts other bytes where those of a chunk are stored, behind the adapter's back. */
  readonly overwrite: (hash: string, stored: Uint8Array) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Runs a test over a store of its own, and ends it whatever happens. */
type Over = (run: (fixture: BlobStoreFixture) => Promise<void>) => () => Promise<void>;

/** Declares the suite for one adapter. @param makeFixture - Called for each test. */
export function blobStoreContract(adapter: string, makeFixture: () => Promise<BlobStoreFixture>): void {
  const over: Over = (run) => async () => {
    const fixture = await makeFixture();
    try {
      await run(fixture);
    } finally {
      await fixture.close();
    }
  };
  describe(`${adapter}: a blob store`, () => {
    keeping(over);
    refusing(over);
    listing(over);
    renewing(over);
  });
}

function keeping(over: Over): void {
  test(
    'gives back what was put, under its sha256',
    over(async ({ store }) => {
      const hash = await store.put(bytes('hello'));
      expect(hash).toBe(sha256('hello'));
      expect(text(await store.get(hash))).toBe('hello');
    }),
  );

  test(
    'knows nothing of other hashes',
    over(async ({ store }) => {
      expect(await store.get('0'.repeat(64))).toBeUndefined();
    }),
  );

  test(
    'takes the same chunk again, from several at once',
    over(async ({ store, another }) => {
      const other = await another();
      const hashes = await Promise.all([store, other, store].map((each) => each.put(bytes('hello'))));
      expect(new Set(hashes).size).toBe(1);
      expect(text(await other.get(hashes[0] as string))).toBe('hello');
      expect(await all(store)).toHaveLength(1);
    }),
  );

  test.each([
    ['of the largest size, which no compression makes smaller', noise(MAX_CHUNK_BYTES)],
    ['of the largest size, which compression makes small', new Uint8Array(MAX_CHUNK_BYTES).fill(7)],
    ['with nothing in them', new Uint8Array()],
    ['that look like a compressed one', Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3)],
  ])('keeps chunks %s', (_, chunk) =>
    over(async ({ store }) => {
      const got = await store.get(await store.put(chunk));
      expect(got).toHaveLength(chunk.length);
      expect(sha256(got ?? 'nothing')).toBe(sha256(chunk));
    })(),
  );
}

function refusing(over: Over): void {
  test.each([
    ['a flipped byte', (stored: Uint8Array): Uint8Array => stored.with(9, (stored[9] as number) ^ 1)],
    ['its end missing', (stored: Uint8Array): Uint8Array => stored.slice(0, -3)],
    ['nothing left', (): Uint8Array => new Uint8Array()],
    ['a frame that holds more than a chunk may', (): Uint8Array => BOMB],
  ])('refuses a chunk with %s', (_, damage) =>
    over(async ({ store, overwrite }) => {
      const chunk = noise(5_000);
      const hash = await store.put(chunk);
      await overwrite(hash, damage(chunk));
      expect(await codeOf(store.get(hash))).toBe('CHUNK_DAMAGED');
    })(),
  );
}

function listing(over: Over): void {
  test(
    'lists what it has, with size and age',
    over(async ({ store }) => {
      const hashes = [await store.put(bytes('one')), await store.put(bytes('three'))];
      const listed = await all(store);
      const sizes = new Map(listed.map(({ hash, sizeBytes }) => [hash, sizeBytes]));
      expect(sizes).toEqual(new Map(hashes.map((hash, i) => [hash, [3, 5][i]])));
      // Stores that date by whole seconds may be one behind.
      for (const { ageMs } of listed) expect([ageMs > -2_000, ageMs < 600_000]).toEqual([true, true]);
    }),
  );

  test(
    'removes what it has listed, and what is gone already',
    over(async ({ store }) => {
      const kept = await store.put(bytes('kept'));
      const gone = await store.put(bytes('gone'));
      const listed = (await all(store)).find(({ hash }) => hash === gone) as ListedChunk;
      expect(await store.remove(listed)).toBe(true);
      expect(await store.get(gone)).toBeUndefined();
      expect((await all(store)).map(({ hash }) => hash)).toEqual([kept]);
      expect(await store.remove(listed)).toBe(true);
    }),
  );
}

/** A writer may count on what is there already: nobody collects it in between. */
function renewing(over: Over): void {
  test(
    'writes nothing for a chunk that is there and young',
    over(async ({ store, another }) => {
      await store.put(bytes('hello'));
      const [before] = await all(store);
      await (await another()).put(bytes('hello'));
      expect((await all(store)).map(({ version }) => version)).toEqual([before?.version]);
    }),
  );

  test(
    'spares a chunk that was put again since it was listed',
    over(async ({ store, another }) => {
      const hash = await store.put(bytes('hello'));
      const [listed] = (await all(store)) as [ListedChunk];
      const later = await another(0);
      await later.put(bytes('hello'));
      expect(await store.remove(listed)).toBe(false);
      expect(text(await later.get(hash))).toBe('hello');
      expect(await all(store)).toHaveLength(1);
    }),
  );

  test(
    'takes a chunk anew that was removed',
    over(async ({ store }) => {
      const hash = await store.put(bytes('hello'));
      const [listed] = (await all(store)) as [ListedChunk];
      await store.remove(listed);
      await store.put(bytes('hello'));
      expect(text(await store.get(hash))).toBe('hello');
    }),
  );
}

/** A frame of more than a chunk. */
const BOMB = zstdCompressSync(new Uint8Array(2 * MAX_CHUNK_BYTES));

/** Bytes that look random and are the same each time. */
function noise(sizeBytes: number): Uint8Array {
  let state = 1;
  return new Uint8Array(sizeBytes).map(() => (state = Math.imul(state, 48_271) >>> 0) >>> 24);
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

async function all(store: BlobStore): Promise<ListedChunk[]> {
  const listed: ListedChunk[] = [];
  for await (const chunk of store.list()) listed.push(chunk);
  return listed;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (thrown) {
    return isWakebusError(thrown) ? thrown.code : String(thrown);
  }
}
