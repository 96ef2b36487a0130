/**
 * The contract of {@link RecordStore}: compare-and-set, expiry, watching.
 */
import type { PutOutcome, RecordStore, StoredValue } from '@wakebus/placement-node';
import { describe, expect, test } from 'vitest';
import { type MakeFixture, bytes, over, text, until } from './fixture.ts';

/** Declares the suite for one adapter. */
export function recordStoreContract(adapter: string, makeFixture: MakeFixture): void {
  describe(`${adapter}: a record store`, () => {
    describe('compares and sets', () => {
      compares(makeFixture);
      separates(makeFixture);
      removes(makeFixture);
    });
    describe('lists', () => {
      lists(makeFixture);
    });
    describe('expires', () => {
      expires(makeFixture);
    });
    describe('is watched', () => {
      isWatched(makeFixture);
      watchesChanges(makeFixture);
    });
  });
}

const KEY = 'greeter.ann';
const OTHER = 'greeter.bob';

function revisionOf(outcome: PutOutcome): number {
  expect(outcome).toMatchObject({ kind: 'stored' });
  return (outcome as { revision: number }).revision;
}

async function readText(store: RecordStore, key: string): Promise<string | undefined> {
  return text((await store.get(key)).bytes);
}

function compares(makeFixture: MakeFixture): void {
  test(
    'a key that was never written is absent, at revision 0',
    over(makeFixture, async ({ ports: { agents } }) => {
      expect(await agents.get(KEY)).toEqual({ bytes: undefined, revision: 0 });
      expect(await agents.getFresh(KEY)).toEqual({ bytes: undefined, revision: 0 });
    }),
  );

  test(
    'a write at the expected revision is stored, and its revision is the next to expect',
    over(makeFixture, async ({ ports: { agents } }) => {
      const first = revisionOf(await agents.put(KEY, bytes('1'), 0));
      const second = revisionOf(await agents.put(KEY, bytes('2'), first));
      expect(second).toBeGreaterThan(first);
      expect(await agents.get(KEY)).toMatchObject({ revision: second });
      expect(text((await agents.getFresh(KEY)).bytes)).toBe('2');
    }),
  );

  test(
    'a write at any other revision is refused and changes nothing',
    over(makeFixture, async ({ ports: { agents } }) => {
      const revision = revisionOf(await agents.put(KEY, bytes('1'), 0));
      for (const wrong of [0, revision - 1, revision + 1]) {
        expect(await agents.put(KEY, bytes('wrong'), wrong)).toEqual({ kind: 'conflict' });
      }
      expect(await readText(agents, KEY)).toBe('1');
    }),
  );

  test(
    'a write that was applied is refused when it is repeated',
    over(makeFixture, async ({ ports: { agents } }) => {
      revisionOf(await agents.put(KEY, bytes('1'), 0));
      expect(await agents.put(KEY, bytes('1'), 0)).toEqual({ kind: 'conflict' });
    }),
  );
}

function separates(makeFixture: MakeFixture): void {
  test(
    'of many writes at one revision, one is stored',
    over(makeFixture, async ({ ports: { agents } }) => {
      const revision = revisionOf(await agents.put(KEY, bytes('0'), 0));
      const attempts = Array.from({ length: 20 }, (_, i) => agents.put(KEY, bytes(String(i)), revision));
      const kinds = (await Promise.all(attempts)).map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind === 'stored')).toHaveLength(1);
    }),
  );

  test(
    'keys do not disturb each other, and neither do stores',
    over(makeFixture, async ({ ports: { agents, registry } }) => {
      const revision = revisionOf(await agents.put(KEY, bytes('1'), 0));
      revisionOf(await agents.put(OTHER, bytes('2'), 0));
      revisionOf(await registry.put(KEY, bytes('3'), 0));
      revisionOf(await agents.put(KEY, bytes('4'), revision));
      expect(await readText(agents, OTHER)).toBe('2');
    }),
  );

  test(
    'an empty value is not an absent one',
    over(makeFixture, async ({ ports: { agents } }) => {
      revisionOf(await agents.put(KEY, new Uint8Array(0), 0));
      expect((await agents.get(KEY)).bytes).toHaveLength(0);
      expect((await agents.getFresh(KEY)).bytes).toHaveLength(0);
    }),
  );
}

function removes(makeFixture: MakeFixture): void {
  test(
    'a removed key is absent, and the next create expects the revision of the removal',
    over(makeFixture, async ({ ports: { agents } }) => {
      const revision = revisionOf(await agents.put(KEY, bytes('1'), 0));
      const removal = revisionOf(await agents.remove(KEY, revision));
      expect(await agents.get(KEY)).toEqual({ bytes: undefined, revision: removal });
      expect(await agents.getFresh(KEY)).toEqual({ bytes: undefined, revision: removal });
      expect(await agents.put(KEY, bytes('2'), 0)).toEqual({ kind: 'conflict' });
      revisionOf(await agents.put(KEY, bytes('2'), removal));
      expect(await readText(agents, KEY)).toBe('2');
    }),
  );

  test(
    'a removal at another revision is refused',
    over(makeFixture, async ({ ports: { agents } }) => {
      const revision = revisionOf(await agents.put(KEY, bytes('1'), 0));
      expect(await agents.remove(KEY, revision + 1)).toEqual({ kind: 'conflict' });
      expect(await readText(agents, KEY)).toBe('1');
    }),
  );
}

function lists(makeFixture: MakeFixture): void {
  test(
    'the keys that match, without removed ones',
    over(makeFixture, async ({ ports: { agents } }) => {
      expect(await agents.keys('>')).toEqual([]);
      await agents.put('greeter.ann', bytes('1'), 0);
      await agents.put('greeter.bob', bytes('1'), 0);
      await agents.put('robot.ann', bytes('1'), 0);
      const revision = revisionOf(await agents.put('greeter.gone', bytes('1'), 0));
      await agents.remove('greeter.gone', revision);
      expect(new Set(await agents.keys('>'))).toEqual(new Set(['greeter.ann', 'greeter.bob', 'robot.ann']));
      expect(new Set(await agents.keys('greeter.*'))).toEqual(new Set(['greeter.ann', 'greeter.bob']));
      expect(await agents.keys('robot.ann')).toEqual(['robot.ann']);
    }),
  );

  test(
    'many keys, each once',
    over(makeFixture, async ({ ports: { agents } }) => {
      const keys = Array.from({ length: 1_500 }, (_, i) => `greeter.a${i}`);
      await Promise.all(keys.map((key) => agents.put(key, bytes('1'), 0)));
      expect((await agents.keys('>')).toSorted()).toEqual(keys.toSorted());
    }),
  );
}

function expires(makeFixture: MakeFixture): void {
  test(
    'a key with a time to live disappears, and the next create expects what it left behind',
    over(makeFixture, async (fixture) => {
      const { leases } = fixture.ports;
      const revision = revisionOf(await leases.put('n1', bytes('1'), 0, { ttlMs: 1_000 }));
      await until(fixture, 'it has expired', async () => (await leases.get('n1')).bytes === undefined);
      const marker = await leases.getFresh('n1');
      expect(marker.revision).toBeGreaterThan(revision);
      expect(await leases.keys('>')).toEqual([]);
      expect(await leases.put('n1', bytes('2'), revision, { ttlMs: 60_000 })).toEqual({ kind: 'conflict' });
      expect(await leases.put('n1', bytes('2'), 0, { ttlMs: 60_000 })).toEqual({ kind: 'conflict' });
      revisionOf(await leases.put('n1', bytes('2'), marker.revision, { ttlMs: 60_000 }));
    }),
  );

  test(
    'a key that is renewed in time stays',
    over(makeFixture, async (fixture) => {
      const { leases } = fixture.ports;
      let revision = revisionOf(await leases.put('n1', bytes('1'), 0, { ttlMs: 1_500 }));
      for (let i = 0; i < 6; i += 1) {
        await fixture.advance(500);
        revision = revisionOf(await leases.put('n1', bytes('1'), revision, { ttlMs: 1_500 }));
      }
      expect(await readText(leases, 'n1')).toBe('1');
    }),
  );

  test(
    'a write without a time to live makes the key permanent',
    over(makeFixture, async (fixture) => {
      const { leases } = fixture.ports;
      const revision = revisionOf(await leases.put('n1', bytes('1'), 0, { ttlMs: 1_000 }));
      revisionOf(await leases.put('n1', bytes('2'), revision));
      await leases.put('n2', bytes('1'), 0, { ttlMs: 1_500 });
      await until(fixture, 'another key has expired', async () => (await leases.get('n2')).bytes === undefined);
      expect(await readText(leases, 'n1')).toBe('2');
    }),
  );
}

/** A watch that keeps the last text of each key, and every change in short. */
async function watching(
  store: RecordStore,
  filter: string,
): Promise<{ now: Map<string, StoredValue>; log: string[]; stop(): void }> {
  const now = new Map<string, StoredValue>();
  const log: string[] = [];
  const watch = await store.watch(filter, (key, value) => {
    now.set(key, value);
    log.push(`${key}=${text(value.bytes) ?? '-'}`);
  });
  return { now, log, stop: () => watch.stop() };
}

function isWatched(makeFixture: MakeFixture): void {
  test(
    'the present values have come when the watch starts, the changes follow in order',
    over(makeFixture, async (fixture) => {
      const { registry } = fixture.ports;
      const revision = revisionOf(await registry.put('a', bytes('1'), 0));
      await registry.put('b', bytes('1'), 0);
      const { log } = await watching(registry, '>');
      expect(log).toEqual(['a=1', 'b=1']);
      const next = revisionOf(await registry.put('a', bytes('2'), revision));
      await until(fixture, 'the first change has come', () => log.length === 3);
      revisionOf(await registry.remove('a', next));
      await until(fixture, 'the second change has come', () => log.length === 4);
      expect(log.slice(2)).toEqual(['a=2', 'a=-']);
    }),
  );

  test(
    'a watch of nothing starts at once',
    over(makeFixture, async (fixture) => {
      const { registry } = fixture.ports;
      const { log } = await watching(registry, '>');
      expect(log).toEqual([]);
      await registry.put('a', bytes('1'), 0);
      await until(fixture, 'the change has come', () => log.length === 1);
    }),
  );

  test(
    'only keys that match, under the revisions that writers expect',
    over(makeFixture, async (fixture) => {
      const { agents } = fixture.ports;
      const { now, log } = await watching(agents, 'greeter.*');
      await agents.put('robot.ann', bytes('1'), 0);
      const revision = revisionOf(await agents.put('greeter.ann', bytes('1'), 0));
      await until(fixture, 'the change has come', () => log.length > 0);
      expect(log).toEqual(['greeter.ann=1']);
      expect(now.get('greeter.ann')?.revision).toBe(revision);
    }),
  );

  test(
    'nothing comes after a stop',
    over(makeFixture, async (fixture) => {
      const { registry } = fixture.ports;
      const stopped = await watching(registry, '>');
      const going = await watching(registry, '>');
      stopped.stop();
      await registry.put('a', bytes('1'), 0);
      await until(fixture, 'the other watch has seen it', () => going.log.length === 1);
      expect(stopped.log).toEqual([]);
    }),
  );
}

function watchesChanges(makeFixture: MakeFixture): void {
  test(
    'of changes in quick succession the last one comes, whatever becomes of the others',
    over(makeFixture, async (fixture) => {
      const { registry } = fixture.ports;
      const { now, log } = await watching(registry, '>');
      let revision = 0;
      for (let i = 0; i < 20; i += 1) revision = revisionOf(await registry.put('a', bytes(String(i)), revision));
      await until(fixture, 'the last one has come', () => now.get('a')?.revision === revision);
      const numbers = log.map((line) => Number(line.slice(2)));
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }),
  );

  test(
    'an expiry is a change',
    over(makeFixture, async (fixture) => {
      const { leases } = fixture.ports;
      const { now } = await watching(leases, '>');
      const revision = revisionOf(await leases.put('n1', bytes('1'), 0, { ttlMs: 1_000 }));
      await until(fixture, 'the expiry has come', () => now.has('n1') && now.get('n1')?.bytes === undefined);
      expect(now.get('n1')?.revision).toBeGreaterThan(revision);
    }),
  );
}
