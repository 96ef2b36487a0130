/** Who lives, and for how long this node may act, by a clock that the test moves. */
import { Layout, encode } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import { type Member, Membership } from '../src/membership.ts';
import type { PlainMessage, PutOutcome, StoredValue } from '../src/mod.ts';

const layout = new Layout();
/** A key lives for 10 s, and its node acts for 8 of them. */
const LEASE_TTL_MS = 10_000;
const STOP_BEFORE_MS = 2_000;
/** A heart beats every 300 ms; a node is silent after four. */
const BEAT_EVERY_MS = 300;
const SILENT_AFTER_MS = 1_200;

interface Timer {
  atMs: number;
  readonly callback: () => void;
}

/** A node's view: its leases bucket, the heartbeats that it hears, and its clock. */
class Scene {
  nowMs = 0;
  changes = 0;
  lease: StoredValue = { bytes: undefined, revision: 0 };
  /** How the store answers a renewal; by default as it should. */
  answer: (() => PutOutcome) | undefined;
  readonly ttls: Array<number | undefined> = [];
  readonly membership: Membership;
  #timers: Timer[] = [];
  #onBeat: (message: PlainMessage) => void = () => {};
  #onLease: (key: string, value: StoredValue) => void = () => {};

  constructor() {
    const clock = {
      wallMs: () => this.nowMs,
      monotonicMs: () => this.nowMs,
      setTimer: (delayMs: number, callback: () => void) => {
        const timer = { atMs: this.nowMs + delayMs, callback };
        this.#timers.push(timer);
        return { cancel: () => (this.#timers = this.#timers.filter((each) => each !== timer)) };
      },
    };
    const messenger = {
      publish: () => {},
      request: async () => undefined,
      subscribe: (_subject: string, onMessage: (message: PlainMessage) => void) => {
        this.#onBeat = onMessage;
        return { stop: () => {} };
      },
    };
    const leases = {
      put: async (_key: string, bytes: Uint8Array, expected: number, options?: { ttlMs?: number }) =>
        this.#put(bytes, expected, options?.ttlMs),
      getFresh: async () => this.lease,
      remove: async () => ({ kind: 'stored', revision: 0 }),
      watch: async (_filter: string, onChange: (key: string, value: StoredValue) => void) => {
        this.#onLease = onChange;
        return { stop: () => {} };
      },
    };
    const self: Member = { nodeId: 'me', pool: 'default', types: { list: 1 }, state: 'active', startedMs: 0 };
    this.membership = new Membership({ layout, clock, messenger, leases } as never, self, () => (this.changes += 1));
  }

  /** Moves the clock on, in small steps, so that what is due happens when it is. */
  async pass(ms: number): Promise<void> {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      this.nowMs = Math.min(endMs, this.nowMs + 50);
      const due = this.#timers.filter(({ atMs }) => atMs <= this.nowMs);
      this.#timers = this.#timers.filter(({ atMs }) => atMs > this.nowMs);
      for (const { callback } of due) callback();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  hears(nodeId: string, state: Member['state'] = 'active'): void {
    this.#onBeat({ subject: '', headers: {}, data: encode({ nodeId, state }), respond: () => {} });
  }

  sees(nodeId: string, more: Partial<Member> | undefined = {}): void {
    const member = { nodeId, pool: 'default', types: { list: 1 }, state: 'active', startedMs: 0, ...more };
    this.#onLease(nodeId, { bytes: encode(member), revision: 1 });
  }

  losesKeyOf(nodeId: string): void {
    this.#onLease(nodeId, { bytes: undefined, revision: 2 });
  }

  get others(): string[] {
    return this.membership
      .active()
      .map(({ nodeId }) => nodeId)
      .filter((nodeId) => nodeId !== 'me');
  }

  #put(bytes: Uint8Array, expected: number, ttlMs: number | undefined): PutOutcome {
    if (this.answer !== undefined) return this.answer();
    if (expected !== this.lease.revision) return { kind: 'conflict' };
    this.ttls.push(ttlMs);
    this.lease = { bytes, revision: expected + 1 };
    return { kind: 'stored', revision: this.lease.revision };
  }
}

async function joined(): Promise<Scene> {
  const scene = new Scene();
  await scene.membership.join();
  return scene;
}

describe('a node', () => {
  test('may act from its first renewal on, and for as long as renewals are confirmed', async () => {
    const scene = new Scene();
    expect(scene.membership.mayAct()).toBe(false);

    await scene.membership.join();
    await scene.pass(60_000);

    expect(scene.membership.mayAct()).toBe(true);
    expect(new Set(scene.ttls)).toEqual(new Set([LEASE_TTL_MS]));
  });

  test('that cannot renew stops by its own clock, well before its key runs out', async () => {
    const scene = await joined();
    scene.answer = () => ({ kind: 'unknown', cause: undefined });

    await scene.pass(LEASE_TTL_MS - STOP_BEFORE_MS - 50);
    expect(scene.membership.mayAct()).toBe(true);
    await scene.pass(50);

    expect(scene.membership.mayAct()).toBe(false);
  });

  test('acts again once its key is its own again, and says so', async () => {
    const scene = await joined();
    scene.answer = () => ({ kind: 'unknown', cause: undefined });
    await scene.pass(30_000);
    scene.lease = { bytes: undefined, revision: 7 };
    scene.answer = undefined;
    const before = scene.changes;

    await scene.pass(3_000);

    expect([scene.membership.mayAct(), scene.changes > before]).toEqual([true, true]);
  });

  test('whose renewal was applied without an answer goes on at the new revision', async () => {
    const scene = await joined();
    scene.answer = () => {
      scene.lease = { bytes: scene.lease.bytes, revision: scene.lease.revision + 1 };
      scene.answer = undefined;
      return { kind: 'unknown', cause: undefined };
    };

    await scene.pass(LEASE_TTL_MS);

    expect(scene.membership.mayAct()).toBe(true);
  });

  test('may not act any more when it has left', async () => {
    const scene = await joined();

    await scene.membership.leave();

    expect(scene.membership.mayAct()).toBe(false);
  });
});

describe('another node', () => {
  test('is a member from the moment when its key is seen, while its heart beats', async () => {
    const scene = await joined();
    scene.sees('other');
    for (let i = 0; i < 20; i += 1) {
      scene.hears('other');
      await scene.pass(BEAT_EVERY_MS);
    }

    expect(scene.others).toEqual(['other']);
  });

  test('that falls silent is passed over long before its key runs out, and is back with its next beat', async () => {
    const scene = await joined();
    scene.sees('other');
    const before = scene.changes;

    await scene.pass(SILENT_AFTER_MS + BEAT_EVERY_MS);
    expect([scene.others, scene.changes]).toEqual([[], before + 1]);
    scene.hears('other');

    expect([scene.others, scene.changes]).toEqual([['other'], before + 2]);
  });

  test('that does not answer a request is passed over at once', async () => {
    const scene = await joined();
    scene.sees('other');

    scene.membership.suspect('other');

    expect(scene.others).toEqual([]);
  });

  test('that drains takes no work, and still holds what it holds', async () => {
    const scene = await joined();
    scene.sees('other');

    scene.hears('other', 'draining');

    expect([scene.others, scene.membership.isLiving('other')]).toEqual([[], true]);
  });

  test('whose key is gone is no member, whatever it says', async () => {
    const scene = await joined();
    scene.sees('other');

    scene.losesKeyOf('other');
    scene.hears('other');

    expect([scene.others, scene.membership.isLiving('other')]).toEqual([[], false]);
  });

  test('that was never seen is not living: a holder of long ago', async () => {
    const scene = await joined();

    expect(scene.membership.isLiving('somebody')).toBe(false);
  });
});
