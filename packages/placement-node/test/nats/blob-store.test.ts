import { jetstreamManager } from '@nats-io/jetstream';
import type { Layout } from '@wakebus/protocol';
import { type BlobStoreFixture, blobStoreContract } from '@wakebus/testing/contracts';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { Objm } from '@nats-io/obj';
import { describe, expect, test } from 'vitest';
import { NatsBlobStore } from '../../src/nats/nats-blob-store.ts';
import { Link } from '../../src/nats/link.ts';
import { dataSubject, infoSubject } from '../../src/nats/object-layout.ts';
import { hashOf } from '../../src/objects/blob-codec.ts';
import type { ListedChunk } from '../../src/ports/blob-store.ts';
import { natsScenes } from './nats-fixture.ts';

const openScene = natsScenes();

interface NatsBlobStores extends BlobStoreFixture {
  readonly bucket: string;
  readonly layout: Layout;
  readonly connection: NatsConnection;
}

async function natsBlobStores(): Promise<NatsBlobStores> {
  const { close, connect, connection, layout } = await openScene({ partitions: 1 });
  const open = (over: NatsConnection, refreshAfterMs?: number): NatsBlobStore =>
    new NatsBlobStore(new Link(over, () => {}), layout, refreshAfterMs);
  const rollup = headers();
  rollup.set('Nats-Rollup', 'sub');
  return {
    bucket: layout.objectsBucket,
    layout,
    connection,
    store: open(connection),
    another: async (refreshAfterMs) => open(await connect(), refreshAfterMs),
    overwrite: async (hash, stored) => {
      await connection.request(dataSubject(layout.objectsBucket, hash), stored, { headers: rollup, timeout: 5_000 });
    },
    close,
  };
}

blobStoreContract('NATS', natsBlobStores);

describe('chunks in a NATS object store', () => {
  test('are objects that any NATS client lists, reads and verifies', async () => {
    const { bucket, close, connection, store } = await natsBlobStores();
    const hash = await store.put(new TextEncoder().encode('a chunk that compression does not help'));

    const objects = await new Objm(connection).open(bucket);

    expect(await objects.list()).toMatchObject([{ name: hash, size: 38, chunks: 1 }]);
    expect(Buffer.from((await objects.getBlob(hash)) ?? []).toString()).toBe('a chunk that compression does not help');
    await close();
  });

  test('that an older deployment kept in a stream of its own are still read', async () => {
    const { close, connection, layout, store } = await natsBlobStores();
    const hash = hashOf(new TextEncoder().encode('from before'));
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: layout.formerChunksStream, subjects: [layout.formerChunkSubject('*')] });
    await connection.request(layout.formerChunkSubject(hash), 'from before');

    expect(new TextDecoder().decode(await store.get(hash))).toBe('from before');
    expect(await store.get('0'.repeat(64))).toBeUndefined();
    await close();
  });

  test('leave alone what others keep in the same bucket', async () => {
    const { bucket, close, connection, store } = await natsBlobStores();
    const objects = await new Objm(connection).open(bucket);
    await objects.putBlob({ name: 'a report.pdf' }, new Uint8Array(300_000));

    const listed: ListedChunk[] = [];
    for await (const chunk of store.list()) listed.push(chunk);

    expect(listed).toEqual([]);
    await close();
  });

  test('whose writer died before it told of them are listed all the same', async () => {
    const { bucket, close, connection, store } = await natsBlobStores();
    const hash = await store.put(new TextEncoder().encode('half put'));
    await connection.request(
      `$JS.API.STREAM.PURGE.OBJ_${bucket}`,
      JSON.stringify({ filter: infoSubject(bucket, hash) }),
    );

    const listed: ListedChunk[] = [];
    for await (const chunk of store.list()) listed.push(chunk);

    expect(listed).toMatchObject([{ hash, sizeBytes: 8 }]);
    expect(await store.remove(listed[0] as ListedChunk)).toBe(true);
    expect(await store.get(hash)).toBeUndefined();
    await close();
  });
});
