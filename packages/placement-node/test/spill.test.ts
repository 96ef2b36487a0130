/** Snapshots that outgrow their record: in chunks, whole or not at all, shared from turn to turn, collected. */
import { headers } from '@nats-io/transport-node';
import { type AgentRecord, chunksOf, encodeRecord, namesOf } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import { NatsBlobStore } from '../src/nats/nats-blob-store.ts';
import { Link } from '../src/nats/link.ts';
import { dataSubject, objectStream } from '../src/nats/object-layout.ts';
import { natsPorts } from '../src/mod.ts';
import { type Collection, collectChunks } from '../src/objects/collect.ts';
import { listAgent } from './support/agents.ts';
import { type TestDeployment, useServer } from './support/deployment.ts';
import { eventually } from './support/eventually.ts';

const deploy = useServer();

/** Text of some length that nothing compresses and no two of which are alike. */
function page(sizeBytes: number, seed: number): string {
  let state = seed;
  const next = (): number => (state = Math.imul(state, 48_271) >>> 0) >>> 24;
  return Buffer.from(Uint8Array.from({ length: (sizeBytes * 3) / 4 }, next)).toString('base64');
}

const PAGE_BYTES = 150_000;
const pages = [1, 2, 3, 4, 5, 6].map((seed) => page(PAGE_BYTES, seed));

/** The agent `list/a`, asleep, with six pages: 900 KB. */
async function withPages(bus: TestDeployment): Promise<void> {
  const node = await bus.startNode();
  for (const item of pages) await bus.list('a').call({ type: 'add', item });
  await bus.list('a').call({ type: 'rest', item: 'last' });
  await eventually(() => expect(node.status().sessions).toBe(0));
  await bus.drained();
}

function namesIn({ chunks }: AgentRecord): string[] {
  return namesOf(chunks?.names ?? new Uint8Array());
}

async function overwriteChunk(bus: TestDeployment, name: string, bytes: Uint8Array): Promise<void> {
  const rollup = headers();
  rollup.set('Nats-Rollup', 'sub');
  const subject = dataSubject(bus.layout.objectsBucket, name);
  await bus.connection.request(subject, bytes, { headers: rollup, timeout: 5_000 });
}

async function loseChunk(bus: TestDeployment, name: string): Promise<void> {
  const filter = dataSubject(bus.layout.objectsBucket, name);
  await (await bus.manager()).streams.purge(objectStream(bus.layout.objectsBucket), { filter });
}

async function readChunk(bus: TestDeployment, name: string): Promise<Uint8Array> {
  const { chunks } = natsPorts(bus.connection, bus.layout);
  return (await chunks.get(name)) as Uint8Array;
}

async function quarantined(bus: TestDeployment, code: string): Promise<void> {
  await eventually(async () => expect((await bus.record('a')).lifecycle).toMatchObject({ name: 'quarantined', code }));
}

describe('a snapshot over the size', () => {
  test('stands in chunks, its record stays small, and the agent wakes with all of it', async () => {
    const bus = await deploy();
    await withPages(bus);

    const stored = await bus.bytes('a');
    expect(stored.length).toBeLessThan(4_000);
    // As code that knows no workspaces reads it.
    expect((await bus.record('a')).format).toBe(2);
    expect((await bus.inspect('a')).sizes.snapshotBytes).toBeGreaterThan(6 * PAGE_BYTES);
    await bus.list('a').call({ type: 'add', item: 'one more' });
    await bus.stopNodes();
    await bus.startNode();
    expect(await bus.list('a').call({ type: 'add', item: 'and another' })).toBe(9);
  });

  test('is written again only where it has changed', async () => {
    const bus = await deploy();
    await withPages(bus);
    const before = namesIn(await bus.record('a'));

    await bus.list('a').call({ type: 'rest', item: 'small' });
    await bus.drained();

    const record = await bus.record('a');
    const added = namesIn(record).filter((name) => !before.includes(name));
    expect(before.length).toBeGreaterThan(3);
    expect(added.length).toBeLessThanOrEqual(2);
    expect(namesOf(record.chunks?.before ?? new Uint8Array())).toEqual(
      before.filter((name) => !namesIn(record).includes(name)),
    );
  });

  test('comes back into the record when it has become small, and a node that knows no chunks can read it', async () => {
    const bus = await deploy();
    await bus.startNode({ limits: { spillBytes: 2_000 } });
    await bus.list('a').call({ type: 'grow', bytes: 10_000 });
    const { chunks } = await bus.record('a');
    await bus.list('a').call({ type: 'grow', bytes: 10 });
    const small = await bus.record('a');
    await bus.list('a').call({ type: 'add', item: 1 });

    expect(chunksOf(small)).toEqual(namesOf(chunks?.names ?? new Uint8Array()));
    expect((await bus.record('a')).format).toBe(1);
    expect(await bus.items('a')).toEqual([1]);
  });
});

describe('chunks that are not as they were', () => {
  test('in one byte put their agent into quarantine, whose message stays', async () => {
    const bus = await deploy();
    await withPages(bus);
    const [, name = ''] = namesIn(await bus.record('a'));
    const chunk = await readChunk(bus, name);
    await overwriteChunk(bus, name, chunk.with(1_000, (chunk[1_000] as number) ^ 1));

    await bus.list('a').send({ type: 'add', item: 'after' });

    await quarantined(bus, 'CHUNK_DAMAGED');
    expect(await bus.count(bus.layout.inboxStream(0))).toBe(1);
    expect(namesIn(await bus.record('a'))).toContain(name);
  });

  test('at all do, and once they are restored an operator lets the agent go on with all that it had', async () => {
    const bus = await deploy();
    await withPages(bus);
    const [name = ''] = namesIn(await bus.record('a'));
    const chunk = await readChunk(bus, name);
    await loseChunk(bus, name);
    await bus.list('a').send({ type: 'add', item: 'after' });
    await quarantined(bus, 'CHUNK_MISSING');
    await expect(bus.client.recover('list/a', { decision: 'keep' })).rejects.toThrow(/chunks of its state are gone/);

    await overwriteChunk(bus, name, chunk);
    await bus.stopNodes();
    await bus.startNode();
    await bus.client.recover('list/a', { decision: 'keep' });

    expect(await bus.list('a').call({ type: 'add', item: 'last' })).toBe(9);
    await bus.drained();
  });

  test('let the agent begin anew, if an operator says so, with what waited for it', async () => {
    const bus = await deploy();
    await withPages(bus);
    await overwriteChunk(bus, namesIn(await bus.record('a'))[0] as string, Buffer.from('something else'));
    await bus.list('a').send({ type: 'add', item: 'after' });
    await quarantined(bus, 'CHUNK_DAMAGED');

    await bus.client.recover('list/a', { decision: 'anew' });

    await eventually(async () => expect(await bus.items('a')).toEqual(['after']));
    expect(await bus.list('a').call({ type: 'tell' })).toEqual(['after']);
    await bus.drained();
  });

  test.each([
    ['cut', (names: Uint8Array) => names.slice(0, -40)],
    ['one name shorter', (names: Uint8Array) => names.slice(0, -32)],
    ['flipped in one bit', (names: Uint8Array) => names.with(40, (names[40] as number) ^ 1)],
  ])('by a manifest that is %s are not read at all', async (_, damage) => {
    const bus = await deploy();
    await withPages(bus);
    const record = await bus.record('a');
    const { chunks } = record as Required<AgentRecord>;
    if (chunks === undefined) throw new Error('it is not in chunks');
    await bus.overwrite('a', encodeRecord({ ...record, chunks: { ...chunks, names: damage(chunks.names) } }));

    await bus.list('a').send({ type: 'add', item: 'after' });

    await quarantined(bus, 'RECORD_DAMAGED');
  });
});

describe('collecting chunks', () => {
  /** Collects whatever is named nowhere, however young. */
  async function collect(bus: TestDeployment, dryRun: boolean = false): Promise<Collection> {
    const chunks = new NatsBlobStore(new Link(bus.connection, () => {}), bus.layout, 0);
    return collectChunks({ ...natsPorts(bus.connection, bus.layout), chunks }, { graceMs: 0, dryRun });
  }

  test('takes what the last two manifests do not name, says first what it would, and leaves the agent whole', async () => {
    const bus = await deploy();
    await withPages(bus);
    const needed = new Set(chunksOf(await bus.record('a')));

    const would = await collect(bus, true);
    const did = await collect(bus);

    expect(would).toEqual(did);
    expect(did.collected).toBeGreaterThan(5);
    expect(did).toMatchObject({ named: needed.size, chunks: did.collected + needed.size, young: 0, spared: 0 });
    expect(await collect(bus)).toMatchObject({ collected: 0, named: needed.size });
    expect(await bus.list('a').call({ type: 'add', item: 'after' })).toBe(8);
  });

  test('spares what a record mentions that nobody can read', async () => {
    const bus = await deploy();
    await withPages(bus);
    const names = chunksOf(await bus.record('a'));
    await bus.stopNodes();
    await bus.overwrite('a', (await bus.bytes('a')).with(0, 0xc1));

    const { named } = await collect(bus);

    expect(named).toBe(names.length);
  });

  test('takes nothing within the grace, and refuses one that is too short', async () => {
    const bus = await deploy();
    await withPages(bus);
    const ports = natsPorts(bus.connection, bus.layout);

    expect(await collectChunks(ports)).toMatchObject({ collected: 0, named: 0 });
    await expect(collectChunks(ports, { graceMs: 1_000 })).rejects.toThrow(/write at least 3600000 ms/);
  });
});

test('an isolated agent and one behind a gate have states in chunks like any other', async () => {
  const bus = await deploy();
  const node = await bus.startNode({
    limits: { spillBytes: 1_000 },
    agents: [listAgent({ gate: [{ name: 'no-mend', sees: 'event', judge: refuseMend }] })],
  });
  await bus.list('a').call({ type: 'grow', bytes: 20_000 });
  await bus.list('a').call({ type: 'rest', item: 1 });
  await eventually(() => expect(node.status().sessions).toBe(0));
  await bus.list('a').send({ type: 'mend' });
  await bus.drained();
  expect(await bus.list('a').call({ type: 'add', item: 2 })).toBe(2);
  await bus.drained();
});

function refuseMend({ event }: { event: { type: string } }): { kind: 'drop'; reason: string } | undefined {
  return event.type === 'mend' ? { kind: 'drop', reason: 'it is not wanted' } : undefined;
}
