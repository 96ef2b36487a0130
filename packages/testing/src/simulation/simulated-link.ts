/**
 * One node's connection in a simulation: every operation is two steps, the request's arrival at the
 * server and the answer's at the node, and faults may touch either.
 */
import type { Clock, Random } from '@wakebus/placement-node';
import { type Link, NO_ANSWER, type Operation, type Way } from '../memory/environment.ts';
import { Prng } from './prng.ts';
import type { LinkContext } from './link-context.ts';
import { simulatedClock } from './simulated-clock.ts';
import { Actor, Lane, type Task } from './task.ts';

/** A way keeps requests in order, and separately their answers. */
interface SimulatedWay extends Way {
  readonly there: Lane;
  readonly back: Lane;
}

/** Uses of the ports in one step that no sound program has. */
const MOST_USES = 100_000;

/** What is sent to a stream without waiting for an answer: nobody takes it while there is no leader. */
const NEEDS_LEADER: ReadonlySet<string> = new Set(['ack', 'nak', 'working', 'append later']);

type Settle<T> = (read: () => T) => void;

export class SimulatedLink implements Link {
  readonly name: string;
  readonly actor: Actor;
  readonly clock: Clock;
  readonly random: Random;
  /** What this node's wall clock is ahead, in milliseconds. */
  wallOffsetMs = 0;
  /** When the node was stopped, in virtual milliseconds; undefined while it runs. */
  stoppedAtMs: number | undefined;
  readonly #context: LinkContext;
  readonly #ways = new Map<string, SimulatedWay>();
  /** Uses of this link in the present step. */
  #uses = 0;
  #usedInStep = -1;
  readonly #onReconnect = new Set<() => void>();
  readonly #onDisconnect = new Set<() => void>();
  #connected = true;
  /** How long the node stood still the last time, in milliseconds. */
  #lastStopMs = 0;

  constructor(context: LinkContext, name: string, life: number) {
    this.name = name;
    this.#context = context;
    this.actor = new Actor(name);
    const prng = new Prng(context.seed, `${name} ${life}`);
    this.random = { id: () => prng.id(), fraction: () => prng.fraction() };
    this.clock = simulatedClock(context, this, prng.below(1_000_000));
  }

  get stock(): number {
    return this.#context.stock;
  }

  toServer(name: string): Way {
    return this.#way(`to ${name}`, this.#context.server);
  }

  toNode(name: string): Way {
    return this.#way(`from ${name}`, this.actor);
  }

  isConnected(): boolean {
    return this.#connected;
  }

  stoppedForMs(): number {
    return this.stoppedAtMs === undefined ? 0 : this.#context.scheduler.nowMs - this.stoppedAtMs;
  }

  onReconnect(callback: () => void): () => void {
    this.#onReconnect.add(callback);
    return () => this.#onReconnect.delete(callback);
  }

  onDisconnect(callback: () => void): () => void {
    this.#onDisconnect.add(callback);
    return () => this.#onDisconnect.delete(callback);
  }

  /** The server has noticed that the connection is gone. */
  disconnect(): void {
    this.#connected = false;
    for (const callback of this.#onDisconnect) callback();
  }

  /** The node has connected again. */
  reconnect(): void {
    this.#connected = true;
    this.#context.scheduler.post({
      actor: this.actor,
      label: 'reconnected',
      run: () => {
        for (const callback of this.#onReconnect) callback();
      },
    });
  }

  /** The node stands still, or goes on. */
  setStopped(stopped: boolean): void {
    const { nowMs } = this.#context.scheduler;
    if (!stopped) this.#lastStopMs = this.stoppedForMs();
    this.stoppedAtMs = stopped ? nowMs : undefined;
  }

  call<T>(operation: Operation<T>): Promise<T> {
    this.use();
    return new Promise<T>((resolve, reject) => {
      let settled = false;
      const settle: Settle<T> = (read) => {
        if (settled) return;
        settled = true;
        try {
          resolve(read());
        } catch (error) {
          reject(error);
        }
      };
      this.#request(operation, settle);
    });
  }

  send(way: Way, label: string, atServer: () => void): void {
    this.use();
    const { faults, scheduler } = this.#context;
    if (this.actor.state === 'gone' || !this.#connected || faults.hits('requestLost')) return;
    if (this.#context.isLeaderless && NEEDS_LEADER.has(label)) return;
    const task: Task = { actor: this.#context.server, carrier: this.actor, label, run: atServer };
    if (faults.hits('delayed')) scheduler.postAfter(this.#someDelayMs(), task);
    else scheduler.postTo((way as SimulatedWay).there, task);
  }

  deliver(way: Way, label: string, atNode: () => void): void {
    const { faults, scheduler } = this.#context;
    if (!this.#connected) return;
    const task: Task = { actor: this.actor, carrier: this.actor, label, run: atNode };
    if (label === 'plain message' && faults.hits('delayed')) scheduler.postAfter(this.#someDelayMs(), task);
    else scheduler.postTo((way as SimulatedWay).there, task);
  }

  /** Counts a use of the ports. A step that never ends would hang the whole process: microtasks leave no room for a timeout. */
  use(): void {
    const { scheduler } = this.#context;
    if (scheduler.steps !== this.#usedInStep) {
      this.#usedInStep = scheduler.steps;
      this.#uses = 0;
    }
    this.#uses += 1;
    if (this.#uses <= MOST_USES) return;
    const error = new Error(
      `Step ${scheduler.steps} never ends: node ${this.name} has used its ports ${MOST_USES} times in it`,
    );
    scheduler.fail(error);
    throw error;
  }

  #request<T>(operation: Operation<T>, settle: Settle<T>): void {
    const { faults, scheduler, server, timeoutMs } = this.#context;
    if (this.actor.state === 'gone') return;
    this.#context.onRequest?.(this.name, operation);
    const sentMs = scheduler.nowMs;
    const giveUp = (): void => this.#giveUpAfter(timeoutMs, operation, settle);
    if (!this.#connected || faults.hits('requestLost')) return giveUp();
    const task: Task = {
      actor: server,
      carrier: this.actor,
      label: operation.label,
      run: () => this.#serve(operation, settle, sentMs),
      onLost: giveUp,
    };
    if (operation.kind === 'write' && faults.hits('lateWrite')) {
      scheduler.postAfter(timeoutMs + this.#someDelayMs(), task);
      return giveUp();
    }
    if (faults.hits('delayed')) this.#postDelayed(task, giveUp);
    else if (operation.kind === 'write') scheduler.postTo((operation.way as SimulatedWay).there, task);
    else scheduler.post(task);
  }

  /** A delay may be longer than the caller waits. */
  #postDelayed(task: Task, giveUp: () => void): void {
    const delayMs = this.#someDelayMs();
    this.#context.scheduler.postAfter(delayMs, task);
    giveUp();
  }

  /** In the server: applies the operation and sends the answer. */
  #serve<T>(operation: Operation<T>, settle: Settle<T>, sentMs: number): void {
    const { faults, scheduler, timeoutMs } = this.#context;
    const read = this.#apply(operation);
    const giveUp = (): void => this.#giveUpAfter(timeoutMs, operation, settle);
    if (read === NO_ANSWER || !this.#connected || faults.hits('replyLost')) return giveUp();
    const task: Task = {
      actor: this.actor,
      carrier: this.actor,
      label: `${operation.label} answered`,
      run: () => settle(this.#cameTooLate(sentMs) ? operation.unanswered : read),
      onLost: giveUp,
    };
    if (faults.hits('replyLate')) this.#postDelayed(task, giveUp);
    else if (operation.kind === 'write') scheduler.postTo((operation.way as SimulatedWay).back, task);
    else scheduler.post(task);
  }

  /** What the server does, and what it answers. Without a leader that is an error at once, and nobody knows what the next one keeps. */
  #apply<T>(operation: Operation<T>): (() => T) | typeof NO_ANSWER {
    const { isLeaderless, prng } = this.#context;
    if (isLeaderless && (operation.kind !== 'write' || prng.chance(0.5))) return operation.unanswered;
    const answer = operation.atServer(this.#lagOf(operation));
    if (answer === NO_ANSWER) return NO_ANSWER;
    return isLeaderless ? operation.unanswered : () => answer;
  }

  /** A node that stood still finds its own timers due as well, and which comes first is chance. */
  #cameTooLate(sentMs: number): boolean {
    const { scheduler, timeoutMs, prng } = this.#context;
    return this.#lastStopMs > timeoutMs && scheduler.nowMs - sentMs >= this.#lastStopMs && prng.chance(0.5);
  }

  #lagOf({ kind }: Operation<unknown>): number {
    const { faults, prng } = this.#context;
    if (kind === 'write') return 0;
    return faults.hits(kind === 'read' ? 'staleRead' : 'staleFresh') ? 1 + prng.below(faults.bounds.staleDepth) : 0;
  }

  #giveUpAfter<T>(timeoutMs: number, operation: Operation<T>, settle: Settle<T>): void {
    this.#context.scheduler.postAfter(timeoutMs, {
      actor: this.actor,
      label: `${operation.label} unanswered`,
      run: () => settle(operation.unanswered),
    });
  }

  #someDelayMs(): number {
    return this.#context.prng.fraction() * this.#context.faults.bounds.delayMs;
  }

  #way(name: string, end: Actor): SimulatedWay {
    let way = this.#ways.get(name);
    if (way === undefined) {
      way = { name, there: new Lane(end, this.actor, name), back: new Lane(this.actor, this.actor, name) };
      this.#ways.set(name, way);
    }
    return way;
  }
}
