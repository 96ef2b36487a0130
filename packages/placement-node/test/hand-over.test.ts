/** What is owed for an input, and when its delivery may be acknowledged. */
import { type OutboxEntry, Layout, agentKey, decode } from '@wakebus/protocol';
import { describe, expect, test } from 'vitest';
import { HandOver } from '../src/hand-over.ts';
import type { AppendOutcome } from '../src/mod.ts';
import { DEFAULT_LIMITS } from '../src/limits.ts';
import type { NodeContext } from '../src/node-context.ts';
import { Telemetry } from '../src/telemetry.ts';
import { eventually } from './support/eventually.ts';

const ada = agentKey('list', 'ada');
const stored: AppendOutcome = { kind: 'stored', seq: 1, duplicate: false };

/** A node whose inbox and timers answer when, and how, a test says. */
class Scene {
  inboxAnswer: AppendOutcome = stored;
  timersAnswer: AppendOutcome = stored;
  readonly sent: string[] = [];
  readonly schedules: string[] = [];
  readonly purged: string[] = [];
  progress = 0;
  nowMs = 0;
  readonly #gates: Array<() => void> = [];
  #isHeldBack = false;
  readonly handOver: HandOver;

  constructor() {
    const layout = new Layout();
    const clock = {
      wallMs: () => this.nowMs,
      monotonicMs: () => this.nowMs,
      setTimer: (_delayMs: number, callback: () => void) => {
        setImmediate(callback);
        return { cancel: () => {} };
      },
    };
    const inbox = {
      append: async (subject: string, data: Uint8Array) => {
        const { number } = decode(data) as { number: number };
        if (this.#isHeldBack) await new Promise<void>((resolve) => this.#gates.push(resolve));
        if (this.inboxAnswer.kind === 'stored') this.sent.push(`${subject.split('.')[4]}#${number}`);
        return this.inboxAnswer;
      },
    };
    const timers = {
      append: async (subject: string) => {
        if (this.timersAnswer.kind === 'stored') this.schedules.push(subject.split('.').at(-1) ?? '');
        return this.timersAnswer;
      },
      purge: async (subject: string) => this.purged.push(subject.split('.').at(-1) ?? '') > 0,
    };
    const context = {
      layout,
      telemetry: new Telemetry(),
      limits: DEFAULT_LIMITS,
      membership: { mayAct: () => true },
      log: { info: () => {}, warn: () => {} },
      ports: { clock, inboxes: [inbox], timers: [timers] },
    } as unknown as NodeContext;
    this.handOver = new HandOver(context, ada, () => (this.progress += 1));
  }

  holdBack(): void {
    this.#isHeldBack = true;
  }

  /** Lets the next append go on. */
  async pass(): Promise<void> {
    await eventually(() => expect(this.#gates.length).toBeGreaterThan(0));
    this.#gates.shift()?.();
  }
}

function entry(input: number, to: string, number: number): OutboxEntry {
  return {
    to: agentKey('list', to),
    incarnation: 1,
    number,
    previous: number - 1,
    id: `${input}.0`,
    event: { type: 'add' },
    atMs: 0,
  };
}

describe('messages', () => {
  test('to one receiver leave one by one, in order; to several side by side', async () => {
    const scene = new Scene();
    scene.holdBack();

    scene.handOver.relay([entry(1, 'bob', 1), entry(2, 'bob', 2), entry(3, 'eve', 1)]);

    await scene.pass();
    await scene.pass();
    await eventually(() => expect(scene.sent).toEqual(['bob#1', 'eve#1']));
    await scene.pass();
    await eventually(() => expect(scene.sent).toEqual(['bob#1', 'eve#1', 'bob#2']));
  });

  test('make their input done when the last of them is stored, whatever others wait for', async () => {
    const scene = new Scene();
    scene.holdBack();
    scene.handOver.relay([entry(1, 'bob', 1), entry(2, 'bob', 2)]);
    expect([1, 2, 3].map((seq) => scene.handOver.isDone(seq))).toEqual([false, false, true]);

    await scene.pass();

    await eventually(() => expect(scene.progress).toBe(1));
    expect([1, 2].map((seq) => scene.handOver.isDone(seq))).toEqual([true, false]);
  });

  test('need a witness until all are stored: their own input may be acknowledged long since', async () => {
    const scene = new Scene();
    scene.holdBack();
    scene.handOver.relay([entry(1, 'bob', 1)]);
    expect([scene.handOver.isDone(9), scene.handOver.needsWitness]).toEqual([true, true]);

    await scene.pass();

    await eventually(() => expect(scene.handOver.needsWitness).toBe(false));
    expect(scene.handOver.isSettled).toBe(true);
  });

  test('are trimmed from the record once stored, and not before', async () => {
    const scene = new Scene();
    scene.holdBack();
    const outbox = [entry(1, 'bob', 1), entry(2, 'bob', 2)];
    const record = { outbox, journal: [], settled: false } as never as Parameters<HandOver['trim']>[0];
    scene.handOver.relay(outbox);
    expect(scene.handOver.trim(record)).toMatchObject({ outbox, settled: false });

    await scene.pass();

    await eventually(() => expect(scene.handOver.trim(record)).toMatchObject({ outbox: [outbox[1]], settled: false }));
    await scene.pass();
    // Asked twice, as a turn that is not committed does, it says the same.
    await eventually(() => expect(scene.handOver.trim(record)).toMatchObject({ outbox: [], settled: true }));
    expect(scene.handOver.trim(record)).toMatchObject({ outbox: [], settled: true });
  });
});

describe('a full inbox', () => {
  test('hands the duty to a schedule, so that nothing need stay unacknowledged', async () => {
    const scene = new Scene();
    scene.inboxAnswer = { kind: 'full' };

    scene.handOver.relay([entry(1, 'bob', 1)]);

    await eventually(() => expect(scene.progress).toBe(1));
    expect([scene.schedules, scene.handOver.isDone(1), scene.handOver.needsWitness]).toEqual([['relay'], true, false]);
    expect(scene.handOver.isSettled).toBe(false);
  });

  test('keeps the schedule ahead of its time, and takes it back when there is room', async () => {
    const scene = new Scene();
    scene.inboxAnswer = { kind: 'full' };
    scene.handOver.relay([entry(1, 'bob', 1)]);
    await eventually(() => expect(scene.schedules).toHaveLength(1));

    scene.nowMs = 25_000;
    await eventually(() => expect(scene.schedules).toHaveLength(2));
    expect(scene.handOver.isDone(1)).toBe(true);
    scene.inboxAnswer = stored;

    await scene.handOver.settled();
    expect([scene.sent, scene.purged]).toEqual([['bob#1'], ['relay']]);
  });

  test('whose schedule is near its time, or cannot be stored, keeps its deliveries', async () => {
    const scene = new Scene();
    scene.inboxAnswer = { kind: 'full' };
    scene.handOver.relay([entry(1, 'bob', 1)]);
    await eventually(() => expect(scene.schedules).toHaveLength(1));
    scene.timersAnswer = { kind: 'unknown', cause: undefined };

    scene.nowMs = 35_000;

    expect([scene.handOver.isDone(1), scene.handOver.needsWitness]).toEqual([false, true]);
  });
});

test('a timer that is not armed yet holds every input back', async () => {
  const scene = new Scene();
  scene.timersAnswer = { kind: 'unknown', cause: undefined };
  scene.handOver.arm([{ id: 'bell', generation: 4, dueMs: 10, event: { type: 'rung' } }]);
  expect([scene.handOver.isDone(1), scene.handOver.needsWitness]).toEqual([false, true]);

  scene.timersAnswer = stored;

  await scene.handOver.settled();
  expect([scene.schedules, scene.handOver.isDone(1), scene.progress]).toEqual([['4'], true, 1]);
});

test('what is closed owes for ever, and claims nothing', async () => {
  const scene = new Scene();
  scene.inboxAnswer = { kind: 'unknown', cause: undefined };
  scene.handOver.relay([entry(1, 'bob', 1)]);

  scene.handOver.close();
  scene.inboxAnswer = stored;
  await new Promise((resolve) => setImmediate(resolve));

  expect([scene.sent, scene.handOver.isSettled, scene.progress]).toEqual([[], false, 0]);
});
