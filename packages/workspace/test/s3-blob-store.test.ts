import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { blobStoreContract } from '@wakebus/testing/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { S3BlobStore } from '../src/mod.ts';
import { type Moto, hasMoto, startMoto } from './moto.ts';

if (!hasMoto)
  process.stderr.write('SKIPPED: S3 is not tested here, for there is no moto_server; set MOTO_SERVER to one\n');

describe.skipIf(!hasMoto)('over a real S3 server', () => {
  let moto: Moto;
  let buckets = 0;
  beforeAll(async () => {
    moto = await startMoto();
  }, 60_000);
  afterAll(() => moto.stop());

  blobStoreContract('S3', async () => {
    const bucket = `chunks-${(buckets += 1)}`;
    await moto.makeBucket(bucket);
    const stores: S3BlobStore[] = [];
    const open = (refreshAfterMs?: number): S3BlobStore => {
      const more = refreshAfterMs === undefined ? {} : { refreshAfterMs };
      const store = new S3BlobStore({ bucket, client: moto.client, ...more });
      stores.push(store);
      return store;
    };
    return {
      store: open(),
      another: async (refreshAfterMs) => open(refreshAfterMs),
      overwrite: async (hash, stored) => {
        const client = new S3Client(moto.client);
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: `wakebus/chunks/${hash}`, Body: stored }));
        client.destroy();
      },
      close: async () => stores.forEach((store) => store.close()),
    };
  });

  test('a bucket that does not exist is no empty store', async () => {
    const store = new S3BlobStore({ bucket: 'nowhere', client: { ...moto.client, maxAttempts: 1 } });

    await expect(store.get('0'.repeat(64))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(store.put(Buffer.from('hello'))).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    store.close();
  });

  test('chunks put again and again stay one object, and each time another', async () => {
    await moto.makeBucket('again');
    const store = new S3BlobStore({ bucket: 'again', client: moto.client, refreshAfterMs: 0 });
    const versions = new Set<string>();
    for (let round = 0; round < 4; round += 1) {
      const hash = await store.put(Buffer.from('hello'));
      for await (const { version } of store.list()) versions.add(version);
      expect(Buffer.from((await store.get(hash)) ?? []).toString()).toBe('hello');
    }

    expect(versions.size).toBe(2);
    store.close();
  });
});
