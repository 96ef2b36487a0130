/** Ports that do as they are told, and a clock that moves when it is told to. */
import type { BucketValue, ClientClock, ClientPorts, PlainMessage, PublishOutcome } from '@wakebus/client';
import { Layout } from '@wakebus/protocol';

/** A clock that stands still. */
class FakeClock implements ClientClock {
  #nowMs = 0;
  readonly #timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): { cancel(): void } {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  /** Moves on, firing what comes due in its order and letting what waits for it run. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (await settle(); ; await settle()) {
      const [next] = [...this.#timers].filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
    }
    this.#nowMs = untilMs;
  }
}

/** Lets every promise that can go on do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

type Appended = {
  readonly subject: string;
  readonly messageId: string;
  readonly headers: Readonly<Record<string, string>>;
};

const emptyLog: ClientPorts['held'] = {
  read: () => Promise.resolve([]),
  get: () => Promise.resolve(undefined),
  subjects: () => Promise.resolve(new Map()),
};

/** What the world does, to be changed while a test runs. */
export interface FakeWorld {
  readonly clock: FakeClock;
  readonly ports: ClientPorts;
  readonly appended: Appended[];
  /** Answers to the next publishes; the last one repeats. */
  outcomes: PublishOutcome[];
  fill: number;
  fillReads: number;
  record: Uint8Array | undefined;
  recordReads: number;
  /** Delivers a plain message. */
  deliver(message: PlainMessage): void;
}

export function fakeWorld(): FakeWorld {
  const listeners = new Set<(message: PlainMessage) => void>();
  const appended: Appended[] = [];
  const clock = new FakeClock();
  const bucket = {
    get: (): Promise<BucketValue> => {
      world.recordReads += 1;
      return Promise.resolve({ bytes: world.record, revision: 1 });
    },
    keys: () => Promise.resolve([]),
  };
  const world: FakeWorld = {
    clock,
    appended,
    outcomes: [{ kind: 'stored', seq: 1, duplicate: false }],
    fill: 0,
    fillReads: 0,
    record: undefined,
    recordReads: 0,
    deliver: (message) => {
      for (const listener of listeners) listener(message);
    },
    ports: {
      layout: new Layout(),
      clock,
      random: { id: () => 'sessionnamesession' },
      messenger: {
        subscribe: (_subject, onMessage) => {
          listeners.add(onMessage);
          return { stop: () => listeners.delete(onMessage) };
        },
      },
      inboxes: [
        {
          append: (subject, _data, { messageId, headers }) => {
            appended.push({ subject, messageId, headers });
            const [next] = world.outcomes;
            if (world.outcomes.length > 1) world.outcomes.shift();
            return Promise.resolve(next as PublishOutcome);
          },
          info: () => {
            world.fillReads += 1;
            return Promise.resolve({ fill: world.fill });
          },
          subjects: () => Promise.resolve(new Map()),
        },
      ],
      history: { read: () => Promise.resolve([]), info: () => Promise.resolve({ lastSeq: 0 }) },
      held: emptyLog,
      deadLetters: emptyLog,
      audit: {
        ...emptyLog,
        append: () => Promise.resolve({ kind: 'stored', seq: 1, duplicate: false }),
        info: () => Promise.resolve({ fill: 0, lastSeq: 0 }),
      },
      incidents: { read: () => Promise.resolve([]), info: () => Promise.resolve({ lastSeq: 0 }) },
      agents: { ...bucket, getFresh: bucket.get },
      snapshots: {
        ...bucket,
        getFresh: bucket.get,
        put: () => Promise.resolve({ kind: 'stored' }),
        remove: () => Promise.resolve({ kind: 'stored' }),
      },
      leases: bucket,
      registry: bucket,
    },
  };
  return world;
}
