import { expect, test } from 'vitest';
import { Prng } from '../../src/simulation/prng.ts';
import { Scheduler } from '../../src/simulation/scheduler.ts';
import { Actor, Lane, type Task } from '../../src/simulation/task.ts';

const FOREVER = { untilMs: Infinity, maxSteps: Infinity };
const actor = new Actor('somebody');

function scheduler(seed = 1): Scheduler {
  return new Scheduler(new Prng(seed, 'schedule'), 20);
}

function task(run: () => void, of: Actor = actor): Task {
  return { actor: of, label: 'task', run };
}

test('every microtask of a step runs before the next step', async () => {
  const steps = scheduler();
  const log: string[] = [];
  const chain = async (name: string): Promise<void> => {
    for (let i = 0; i < 50; i += 1) await Promise.resolve();
    log.push(`${name} settled`);
  };
  for (const name of ['a', 'b', 'c']) {
    steps.post(
      task(() => {
        log.push(name);
        void chain(name);
      }),
    );
  }
  await steps.run(FOREVER);
  await new Promise((resolve) => setImmediate(resolve));
  expect(log).toHaveLength(6);
  for (let i = 0; i < 6; i += 2) expect(log[i + 1]).toBe(`${log[i]} settled`);
});

test('the seed decides what runs first', async () => {
  const orders = new Set<string>();
  for (let seed = 0; seed < 50; seed += 1) {
    const steps = scheduler(seed);
    let order = '';
    for (const name of 'abc') steps.post(task(() => void (order += name)));
    await steps.run(FOREVER);
    orders.add(order);
  }
  expect(orders.size).toBe(6);
});

test('a lane keeps its order, whatever the seed', async () => {
  for (let seed = 0; seed < 20; seed += 1) {
    const steps = scheduler(seed);
    const lane = new Lane(actor, actor, 'lane');
    const order: number[] = [];
    for (let i = 0; i < 10; i += 1) {
      steps.postTo(
        lane,
        task(() => void order.push(i)),
      );
      steps.post(task(() => {}));
    }
    await steps.run(FOREVER);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  }
});

test('time jumps to the next timer when nothing is ready, and timers fire in order', async () => {
  const steps = scheduler();
  const fired: Array<[name: string, atMs: number]> = [];
  for (const delayMs of [5_000, 10, 3_600_000]) {
    steps.postAfter(
      delayMs,
      task(() => void fired.push([`${delayMs}`, Math.floor(steps.nowMs)])),
    );
  }
  await steps.run(FOREVER);
  expect(fired).toEqual([
    ['10', 10],
    ['5000', 5_000],
    ['3600000', 3_600_000],
  ]);
});

test('time stops where a run is told to stop', async () => {
  const steps = scheduler();
  let fired = false;
  steps.postAfter(
    100,
    task(() => void (fired = true)),
  );
  expect(await steps.run({ ...FOREVER, untilMs: 99 })).toBe('time');
  expect([steps.nowMs, fired]).toEqual([99, false]);
  await steps.run({ ...FOREVER, untilMs: 101 });
  expect(fired).toBe(true);
});

test('a cancelled timer does not fire', async () => {
  const steps = scheduler();
  let fired = false;
  steps
    .postAfter(
      10,
      task(() => void (fired = true)),
    )
    .cancel();
  await steps.run({ ...FOREVER, untilMs: 100 });
  expect(fired).toBe(false);
});

test('what a paused actor should run waits for it, what a gone one should run vanishes', async () => {
  const [paused, gone] = [new Actor('paused'), new Actor('gone')];
  paused.state = 'paused';
  gone.state = 'gone';
  const steps = scheduler();
  const log: string[] = [];
  steps.post(task(() => void log.push('paused'), paused));
  steps.post(task(() => void log.push('gone'), gone));
  await steps.run(FOREVER);
  expect(log).toEqual([]);
  steps.resume(paused);
  await steps.run(FOREVER);
  expect(log).toEqual(['paused']);
});

test('an error of a task ends the run with it', async () => {
  const steps = scheduler();
  steps.post(
    task(() => {
      throw new Error('no');
    }),
  );
  await expect(steps.run(FOREVER)).rejects.toThrow('no');
});

test('a hundred thousand timers are taken in order', async () => {
  const steps = scheduler();
  const prng = new Prng(7);
  let [last, count] = [0, 0];
  for (let i = 0; i < 100_000; i += 1) {
    steps.postAfter(
      prng.fraction() * 1e9,
      task(() => {
        expect(steps.nowMs).toBeGreaterThanOrEqual(last);
        last = steps.nowMs;
        count += 1;
      }),
    );
  }
  await steps.run(FOREVER);
  expect(count).toBe(100_000);
});
