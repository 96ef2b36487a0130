/**
 * The scheduler: everything asynchronous in a simulation is a task here, and each step runs one of
 * those that are ready, chosen by the seed.
 *
 * Time is virtual. Each step costs a little of it, and it jumps to the next timer when nothing is
 * ready. How microtasks are kept apart is in `event-loop.ts`.
 */
import type { ClockTimer } from '@wakebus/placement-node';
import { runSteps } from './event-loop.ts';
import { type Prng, hashText } from './prng.ts';
import { ReadySet } from './ready-set.ts';
import type { Actor, Condemn, Entry, Lane, Task } from './task.ts';
import { TimerHeap, type Timed } from './timer-heap.ts';

interface TimedTask extends Timed {
  readonly task: Task;
  cancelled: boolean;
}

/** Why a run ended. */
export type StopReason = 'condition' | 'time' | 'steps' | 'idle';

export interface StepLimits {
  /** Virtual time not to be passed, in milliseconds. */
  readonly untilMs: number;
  readonly maxSteps: number;
  /** Asked before each step; true ends the run. */
  readonly until?: () => boolean;
}

export class Scheduler {
  readonly #stepUs: number;
  readonly #ready: ReadySet;
  readonly #timers = new TimerHeap<TimedTask>();
  readonly #labels = new Map<string, number>();
  #nowUs = 0;
  #order = 0;
  #steps = 0;
  #trace = 0;
  #onWork: (() => void) | undefined;
  #failure: Error | undefined;
  #running: Actor | undefined;
  /** Called before each step: where planned faults look whether it is their turn. */
  onStep: (() => void) | undefined;

  /** @param stepUs - Virtual time that a step takes, in microseconds. */
  constructor(prng: Prng, stepUs: number) {
    this.#ready = new ReadySet(prng);
    this.#stepUs = stepUs;
  }

  /** Virtual time since the start, in milliseconds. */
  get nowMs(): number {
    return this.#nowUs / 1000;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Whose step runs now, with all that follows from it before the next one. */
  get running(): Actor | undefined {
    return this.#running;
  }

  /** A hash over every step so far: what ran, when, and out of how many. */
  get trace(): number {
    return this.#trace >>> 0;
  }

  /** Mixes an outcome into the trace. */
  note(value: number): void {
    this.#trace = Math.imul(this.#trace ^ value, 0x01000193) ^ (this.#trace >>> 15);
  }

  /** Ends the run with an error after the step that runs now. */
  fail(error: Error): void {
    this.#failure ??= error;
  }

  /** Makes a task ready. */
  post(task: Task): void {
    this.#ready.push(task);
    this.#onWork?.();
  }

  /** Makes a task ready behind those that are in its lane. */
  postTo(lane: Lane, task: Task): void {
    this.#ready.pushTo(lane, task);
    this.#onWork?.();
  }

  /** Makes a task ready later. */
  postAfter(delayMs: number, task: Task): ClockTimer {
    const atUs = this.#nowUs + Math.max(0, Math.ceil(delayMs * 1000));
    const timed: TimedTask = { atUs, order: (this.#order += 1), task, cancelled: false };
    this.#timers.push(timed);
    return {
      cancel: () => {
        timed.cancelled = true;
      },
    };
  }

  /** Lets a paused actor go on: all that came up meanwhile is ready at once. */
  resume(actor: Actor): void {
    actor.state = 'running';
    const { parked } = actor;
    actor.parked = [];
    for (const entry of parked) this.relist(entry);
  }

  /** Whether nothing is ready now. */
  get isIdle(): boolean {
    this.#releaseDue();
    return this.#ready.size === 0;
  }

  /** Makes ready what was parked. */
  relist(entry: Entry): void {
    this.#ready.push(entry);
    this.#onWork?.();
  }

  /** Takes away the messages that a test condemns, ready or parked. */
  lose(condemn: Condemn, actors: Iterable<Actor>): void {
    this.#ready.lose(condemn);
    for (const actor of actors) actor.lose(condemn);
  }

  /** Runs steps until a limit. The promise settles in a turn of its own. */
  run(limits: StepLimits): Promise<StopReason> {
    return runSteps(() => this.#step(limits));
  }

  /** Calls back whenever something becomes ready: for callers who do not drive the steps themselves. */
  listen(onWork: (() => void) | undefined): void {
    this.#onWork = onWork;
  }

  /** One step, or the reason why there is none. */
  #step(limits: StepLimits): StopReason | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    if (limits.until?.() === true) return 'condition';
    if (this.#steps >= limits.maxSteps) return 'steps';
    this.onStep?.();
    for (;;) {
      this.#releaseDue();
      if (this.#ready.size === 0) {
        const idle = this.#jump(limits.untilMs);
        if (idle !== undefined) return idle;
        continue;
      }
      if (this.nowMs >= limits.untilMs) return 'time';
      if (this.#runOne()) return undefined;
    }
  }

  /** @returns whether a task ran: what is chosen may be parked or gone. */
  #runOne(): boolean {
    const task = this.#ready.draw();
    if (task === undefined) return false;
    this.#count(task);
    this.#running = task.actor;
    task.run();
    return true;
  }

  #count(task: Task): void {
    this.#steps += 1;
    this.#nowUs += this.#stepUs;
    let label = this.#labels.get(task.label);
    if (label === undefined) {
      label = hashText(task.label);
      this.#labels.set(task.label, label);
    }
    this.note(label + this.#ready.size);
    this.note(this.#nowUs);
  }

  #releaseDue(): void {
    for (
      let timed = this.#timers.peek();
      timed !== undefined && (timed.cancelled || timed.atUs <= this.#nowUs);
      timed = this.#timers.peek()
    ) {
      this.#timers.pop();
      if (!timed.cancelled) this.#ready.push(timed.task);
    }
  }

  /** Moves the time to the next timer. @returns a reason where that is not possible. */
  #jump(untilMs: number): StopReason | undefined {
    const next = this.#timers.peek();
    if (next === undefined && untilMs === Infinity) return 'idle';
    if (next === undefined || next.atUs > untilMs * 1000) {
      this.#nowUs = Math.max(this.#nowUs, Math.ceil(untilMs * 1000));
      return 'time';
    }
    this.#nowUs = next.atUs;
    return undefined;
  }
}
