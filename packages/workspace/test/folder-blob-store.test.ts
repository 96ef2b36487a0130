import { mkdtemp, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ListedChunk } from '@wakebus/placement-node';
import { type BlobStoreFixture, blobStoreContract } from '@wakebus/testing/contracts';
import { describe, expect, test } from 'vitest';
import { FolderBlobStore } from '../src/mod.ts';

async function folderStores(): Promise<BlobStoreFixture & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'wakebus-chunks-'));
  return {
    folder,
    store: await FolderBlobStore.open(folder),
    another: (refreshAfterMs) => FolderBlobStore.open(folder, refreshAfterMs === undefined ? {} : { refreshAfterMs }),
    overwrite: (hash, stored) => writeFile(join(folder, hash.slice(0, 2), hash), stored),
    close: () => rm(folder, { recursive: true }),
  };
}

blobStoreContract('a folder', folderStores);

describe('a folder of chunks', () => {
  test('whose collector died in mid-removal still has the chunk, lists it, and takes it anew', async () => {
    const { close, folder, store } = await folderStores();
    const hash = await store.put(Buffer.from('hello'));
    const path = join(folder, hash.slice(0, 2), hash);
    await rename(path, `${path}.aside`);

    expect(Buffer.from((await store.get(hash)) ?? []).toString()).toBe('hello');
    const listed: ListedChunk[] = [];
    for await (const chunk of store.list()) listed.push(chunk);
    expect(listed.map((chunk) => chunk.hash)).toEqual([hash]);
    await store.put(Buffer.from('hello'));
    expect(await store.remove(listed[0] as ListedChunk)).toBe(false);
    expect(Buffer.from((await store.get(hash)) ?? []).toString()).toBe('hello');
    await close();
  });

  test('keeps nothing of writers that died, once they are an hour gone', async () => {
    const { close, folder } = await folderStores();
    const written = join(folder, 'writing', 'half-a-chunk');
    await writeFile(written, 'hal');
    await FolderBlobStore.open(folder);
    expect(await readdir(join(folder, 'writing'))).toEqual(['half-a-chunk']);

    const longAgo = new Date(Date.now() - 2 * 60 * 60 * 1000);
    await utimes(written, longAgo, longAgo);
    await FolderBlobStore.open(folder);

    expect(await readdir(join(folder, 'writing'))).toEqual([]);
    await close();
  });

  test('that cannot be written says so, and promises nothing', async () => {
    const { close, folder, store } = await folderStores();
    await close();
    await writeFile(folder, 'a file in its place');

    await expect(store.put(Buffer.from('hello'))).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    await expect(FolderBlobStore.open(folder)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await rm(folder);
  });
});
