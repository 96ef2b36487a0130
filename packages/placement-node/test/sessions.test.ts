/** The sessions of a node whose lease comes and goes. */
import { Layout, agentKey } from '@wakebus/protocol';
import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../src/limits.ts';
import { Sessions } from '../src/sessions.ts';

const layout = new Layout({ partitions: 1 });
const KEYS = [1, 2, 3].map((number) => agentKey('list', `a${number}`));
/** No sound round of the table asks so often. */
const MOST_LOOKS = 1_000;

/** Agents that may be woken at once here. */
const WAKES = 2;

const silent = (): Promise<never> => new Promise(() => {});

/** A table of sessions whose lease is what the test says, and whose storage answers as the test says. */
class Scene {
  /** What the next looks at the lease find; after those, the last one. */
  lease: readonly boolean[] = [true];
  looks = 0;
  /** Agents whose record was asked for. */
  readonly asked: string[] = [];
  readonly sessions: Sessions;
  /** What a look at a record comes to. */
  storage: () => Promise<never> = silent;
  #timers: Array<{ readonly delayMs: number; readonly callback: () => void }> = [];

  constructor() {
    const clock = {
      wallMs: () => 0,
      monotonicMs: () => 0,
      setTimer: (delayMs: number, callback: () => void) => (
        this.#timers.push({ delayMs, callback }),
        { cancel: () => {} }
      ),
    };
    const context = {
      layout,
      nodeId: 'me',
      log: { warn: () => {} },
      limits: { ...DEFAULT_LIMITS, maxWakesInFlight: WAKES },
      sabotage: {},
      membership: { mayAct: () => this.#look() },
      disabledTypes: { has: () => false },
      effects: { resources: { look: () => {} } },
      telemetry: {
        observe: () => {},
        start: () => ({ end: () => {} }),
        below: () => ({ set: () => {}, end: () => {} }),
      },
      ports: {
        clock,
        messenger: { subscribe: () => ({ stop: () => {} }) },
        agents: { getFresh: (key: string) => (this.asked.push(key), this.storage()) },
        inboxes: [{ last: () => this.storage(), read: () => this.storage(), info: () => this.storage() }],
      },
    };
    this.sessions = new Sessions(context as never, { runOf: () => ({ run: 0 }), firstFor: () => 'me' });
    this.sessions.listen();
  }

  /** The table is looked after, as it is every two seconds. */
  tend(): void {
    this.#fire(({ delayMs }) => delayMs >= 1_000);
  }

  /** Short waits are over. */
  wait(): void {
    this.#fire(({ delayMs }) => delayMs < 1_000);
  }

  #fire(isDue: (timer: { readonly delayMs: number }) => boolean): void {
    const due = this.#timers.filter(isDue);
    this.#timers = this.#timers.filter((timer) => !isDue(timer));
    for (const { callback } of due) callback();
  }

  #look(): boolean {
    this.looks += 1;
    if (this.looks > MOST_LOOKS) throw new Error('this never ends');
    return this.lease.length === 1 ? this.lease[0] === true : this.lease.slice(this.looks - 1)[0] !== false;
  }
}

test('a lease that ends while lost agents are taken up again loses them once, and not for ever', () => {
  const scene = new Scene();
  scene.lease = [false];
  for (const key of KEYS) scene.sessions.ring(key);
  expect(scene.sessions.count).toBe(0);
  // There when the round begins, and over as the first agent is to be woken.
  scene.looks = 0;
  scene.lease = [true, true, false, false, false, false];
  scene.tend();
  expect(scene.looks).toBeLessThan(2 + 2 * KEYS.length);
  scene.lease = [true];
  scene.tend();
  expect(scene.sessions.count).toBe(KEYS.length);
});

test('as many agents are woken at once as may be; the others wait in line', async () => {
  const scene = new Scene();
  for (const key of KEYS) scene.sessions.ring(key);
  await new Promise((resolve) => setImmediate(resolve));
  expect(scene.asked).toEqual(KEYS.slice(0, WAKES));
  expect(scene.sessions.count).toBe(KEYS.length);
});

test('an agent whose wake has failed keeps its place in line for a while: storage in trouble is asked by few', async () => {
  const scene = new Scene();
  scene.storage = () => Promise.reject(new Error('503'));
  for (const key of KEYS) scene.sessions.ring(key);
  await new Promise((resolve) => setImmediate(resolve));
  expect(scene.asked).toEqual(KEYS.slice(0, WAKES));
  scene.storage = silent;
  scene.wait();
  await new Promise((resolve) => setImmediate(resolve));
  expect(scene.asked).toEqual(KEYS);
});
