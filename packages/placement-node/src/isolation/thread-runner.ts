/**
 * The threads of one isolated agent type: each has one turn in hand, and what comes meanwhile waits in
 * order. A thread that ends, or is ended, is replaced.
 */
import type { AnyAgentDefinition, Isolation } from '@wakebus/core';
import { type Layout, WakebusError } from '@wakebus/protocol';
import type { TurnRun, TurnRunner, TurnRunners } from '../ports/turn-runner.ts';
import { type ThreadAnswer, ThreadRefusal, TurnThread } from './turn-thread.ts';

/** A thread that could not be replaced is tried again after so long, in milliseconds. */
const RESTART_MS = 1_000;

/** A turn that no thread has even begun is given to so many of them. */
const MOST_THREADS = 3;

interface Waiting {
  readonly job: Uint8Array;
  readonly resolve: (run: TurnRun) => void;
  readonly reject: (error: WakebusError) => void;
  /** Threads that have been given it. */
  threads: number;
}

/** A place for a thread, and the turns whose actions wait for it. */
interface Slot {
  thread: TurnThread | undefined;
  isBusy: boolean;
  readonly acts: number[];
  timer: NodeJS.Timeout | undefined;
}

/** Runners whose turns are taken in threads. */
export const threadRunners: TurnRunners = {
  open: (definition, layout, log) => ThreadRunner.open(definition, layout, log),
};

class ThreadRunner implements TurnRunner {
  readonly #definition: AnyAgentDefinition;
  readonly #isolation: Isolation;
  readonly #layout: Layout;
  readonly #log: (message: string) => void;
  readonly #slots: Slot[] = [];
  readonly #waiting: Waiting[] = [];
  #lastId = 0;
  /** No thread could be started: nothing is waited for that may never come. */
  #isDown = false;
  #isClosed = false;

  private constructor(definition: AnyAgentDefinition, isolation: Isolation, layout: Layout, log: (m: string) => void) {
    this.#definition = definition;
    this.#isolation = isolation;
    this.#layout = layout;
    this.#log = log;
  }

  static async open(definition: AnyAgentDefinition, layout: Layout, log: (m: string) => void): Promise<ThreadRunner> {
    const { isolation, type } = definition;
    if (isolation === undefined)
      throw new WakebusError('INVALID_OPTION', { option: 'isolation', why: `"${type}" does not ask for it` });
    const runner = new ThreadRunner(definition, isolation, layout, log);
    try {
      await Promise.all(Array.from({ length: isolation.threads }, () => runner.#addSlot()));
    } catch (thrown) {
      runner.close();
      if (!(thrown instanceof ThreadRefusal)) throw thrown;
      const why = `the module ${isolation.module} cannot run "${type}": ${thrown.message}`;
      throw new WakebusError('INVALID_OPTION', { option: 'isolation.module', why }, { cause: thrown });
    }
    return runner;
  }

  take(job: Uint8Array): Promise<TurnRun> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject, threads: 0 });
      if (this.#isDown) this.#refuseAll();
      else this.#serve();
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const { thread, timer } of this.#slots) {
      clearTimeout(timer);
      thread?.stop('its placement node has ended');
    }
  }

  async #addSlot(): Promise<void> {
    const slot: Slot = { thread: undefined, isBusy: false, acts: [], timer: undefined };
    this.#slots.push(slot);
    await this.#fill(slot);
  }

  async #fill(slot: Slot): Promise<void> {
    const thread = await TurnThread.start(this.#definition, this.#isolation, this.#layout);
    if (this.#isClosed) return thread.stop('its placement node has ended');
    slot.thread = thread;
    this.#isDown = false;
    this.#serve();
  }

  /** Gives every free thread something to do. */
  #serve(): void {
    for (const slot of this.#slots) {
      if (this.#isClosed) return;
      if (slot.thread !== undefined && !slot.isBusy) this.#use(slot, slot.thread);
    }
  }

  #use(slot: Slot, thread: TurnThread): void {
    if (thread.hasEnded) return this.#replace(slot);
    const act = slot.acts.shift();
    if (act !== undefined) void this.#act(slot, thread, act);
    else if (this.#waiting.length > 0) void this.#turn(slot, thread, this.#waiting.shift() as Waiting);
  }

  async #turn(slot: Slot, thread: TurnThread, waiting: Waiting): Promise<void> {
    const id = (this.#lastId += 1);
    waiting.threads += 1;
    slot.isBusy = true;
    const answer = await thread.do({ kind: 'turn', id, job: waiting.job });
    slot.isBusy = false;
    if (this.#isClosed) return;
    if (answer.kind === 'taken')
      waiting.resolve({ kind: 'taken', result: answer.result, act: () => this.#queueAct(slot, thread, id) });
    else if (answer.kind === 'ended') this.#onEnded(waiting, answer);
    this.#serve();
  }

  #onEnded(waiting: Waiting, { seq, hasBegun, why }: Extract<ThreadAnswer, { kind: 'ended' }>): void {
    if (hasBegun) waiting.resolve({ kind: 'stopped', seq, why });
    else if (waiting.threads < MOST_THREADS) this.#waiting.unshift(waiting);
    else waiting.reject(this.#unavailable());
  }

  #queueAct(slot: Slot, thread: TurnThread, id: number): void {
    // Best effort: they have gone with their thread.
    if (slot.thread !== thread) return;
    slot.acts.push(id);
    this.#serve();
  }

  async #act(slot: Slot, thread: TurnThread, id: number): Promise<void> {
    slot.isBusy = true;
    const answer = await thread.do({ kind: 'act', id });
    slot.isBusy = false;
    if (this.#isClosed) return;
    const errors = answer.kind === 'acted' ? answer.errors : answer.kind === 'ended' ? [answer.why] : [];
    for (const error of errors)
      this.#log(`an action of an agent of type "${this.#definition.type}" failed after its commit: ${error}`);
    this.#serve();
  }

  #replace(slot: Slot): void {
    slot.thread = undefined;
    slot.acts.length = 0;
    this.#fill(slot).catch((thrown: unknown) => {
      if (this.#isClosed) return;
      this.#log(`no thread for agent type "${this.#definition.type}" could be started: ${String(thrown)}`);
      this.#isDown = !this.#slots.some(({ thread }) => thread !== undefined);
      if (this.#isDown) this.#refuseAll();
      slot.timer = setTimeout(() => this.#replace(slot), RESTART_MS).unref();
    });
  }

  #refuseAll(): void {
    for (const { reject } of this.#waiting.splice(0)) reject(this.#unavailable());
  }

  #unavailable(): WakebusError<'UNAVAILABLE'> {
    return new WakebusError('UNAVAILABLE', { what: `A thread for agent type "${this.#definition.type}"` });
  }
}
