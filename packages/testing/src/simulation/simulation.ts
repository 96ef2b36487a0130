/**
 * A whole deployment in one thread: a memory server, nodes that reach it through simulated links, a
 * virtual clock, and faults. The same seed gives the same steps.
 *
 * What runs in the nodes is the caller's: the real runtime, started over `node.ports`. Whatever it
 * does may wait only for ports; real timers, sockets and threads are not seen here.
 */
import type { Layout } from '@wakebus/protocol';
import type { ServerEnvironment } from '../memory/environment.ts';
import { MemoryServer, type MemoryServerOptions } from '../memory/memory-server.ts';
import { Disasters } from './disasters.ts';
import { type FaultBounds, type FaultRates, Faults } from './faults.ts';
import { Prng } from './prng.ts';
import { Scheduler, type StopReason } from './scheduler.ts';
import type { LinkContext, OnRequest } from './link-context.ts';
import { SimulatedNode, type StartNode } from './simulated-node.ts';
import { Actor } from './task.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly layout: Layout;
  /** Probabilities of faults. @default none */
  readonly faults?: FaultRates;
  readonly bounds?: Partial<FaultBounds>;
  readonly server?: MemoryServerOptions;
  /** Messages that a consumption asks for at once. @default 16 – few, so that a backlog spills to other nodes */
  readonly stock?: number;
  /** How long an operation waits for its answer, in milliseconds. @default 2,000 */
  readonly timeoutMs?: number;
  /** Virtual time of a step, in microseconds. @default 20 – a round trip then takes as long as on one machine */
  readonly stepUs?: number;
  /** Wall time at the start, in milliseconds since the epoch. @default 2026-01-01 */
  readonly epochMs?: number;
}

export interface RunOptions {
  /** Ends the run so much later, in virtual milliseconds. */
  readonly forMs?: number;
  /** Ends the run at a virtual time, in milliseconds since the start. */
  readonly untilMs?: number;
  /** Ends the run after so many more steps. @default 10,000,000 – so that no test runs for ever */
  readonly maxSteps?: number;
  /** Asked before each step; true ends the run. */
  readonly until?: () => boolean;
  /** Ends the run when no message waits and nothing has changed for so long, in virtual milliseconds; `true` is 20,000: longer than a lease and an acknowledgement wait. */
  readonly untilQuiet?: boolean | number;
}

export interface RunResult {
  readonly reason: StopReason | 'quiet';
  readonly steps: number;
  readonly nowMs: number;
}

const DEFAULT_QUIET_MS = 20_000;
const DEFAULT_MAX_STEPS = 10_000_000;
const DEFAULT_EPOCH_MS = Date.UTC(2026, 0, 1);
/** Time that a simulation without a condition may take, in virtual milliseconds: a month. */
const LONGEST_MS = 31 * 24 * 60 * 60 * 1000;

export class Simulation {
  readonly seed: number;
  readonly layout: Layout;
  readonly server: MemoryServer;
  readonly faults: Faults;
  readonly scheduler: Scheduler;
  readonly #context: LinkContext;
  readonly #nodes = new Map<string, SimulatedNode>();
  readonly #disasters: Disasters;

  constructor(options: SimulationOptions) {
    const { seed, layout, stock = 16, timeoutMs = 2_000, stepUs = 20, epochMs = DEFAULT_EPOCH_MS } = options;
    this.seed = seed;
    this.layout = layout;
    this.scheduler = new Scheduler(new Prng(seed, 'schedule'), stepUs);
    const prng = new Prng(seed, 'faults');
    this.faults = new Faults(prng, () => this.scheduler.steps, options.faults, options.bounds);
    this.#context = {
      seed,
      scheduler: this.scheduler,
      faults: this.faults,
      prng,
      server: new Actor('server'),
      stock,
      timeoutMs,
      epochMs,
      isLeaderless: false,
      onRequest: undefined,
    };
    this.server = new MemoryServer(layout, this.#serverEnvironment(), options.server);
    this.#disasters = new Disasters(this.#context, this.server, this.#nodes);
    this.scheduler.onStep = () => this.#disasters.look();
  }

  /** Virtual time since the start, in milliseconds. */
  get nowMs(): number {
    return this.scheduler.nowMs;
  }

  /** A hash over every step so far. */
  get trace(): number {
    return this.scheduler.trace;
  }

  /** Hears of each request as it leaves a node. */
  set onRequest(onRequest: OnRequest | undefined) {
    this.#context.onRequest = onRequest;
  }

  get nodes(): readonly SimulatedNode[] {
    return [...this.#nodes.values()];
  }

  /**
   * The node of a name; made, and its program started, where there is none.
   *
   * @param start - Starts the program over `node.ports`; called again after each crash.
   */
  node(name: string, start?: StartNode): SimulatedNode {
    let node = this.#nodes.get(name);
    if (node === undefined) {
      node = new SimulatedNode(this.#context, this.server, name, start);
      this.#nodes.set(name, node);
    }
    return node;
  }

  /** Kills the server and starts it again after `awayMs`: what was under way is lost in part, what was stored is not. */
  restartServer(awayMs = 300): void {
    this.#disasters.restartServer(awayMs);
  }

  /** Does something at a virtual time, in milliseconds since the start. */
  at(ms: number, action: () => void): void {
    this.scheduler.postAfter(ms - this.nowMs, { actor: WORLD, label: 'planned', run: action });
  }

  /** Does something before a step. */
  atStep(step: number, action: () => void): void {
    this.#disasters.plan(step, action);
  }

  /** Wall time at the start, in milliseconds since the epoch. */
  get epochMs(): number {
    return this.#context.epochMs;
  }

  /** What befell whom, and when, in virtual milliseconds. */
  get disasters(): ReadonlyArray<{ readonly ms: number; readonly what: string }> {
    return this.#disasters.log;
  }

  /** What was planned for a step that the run has not reached. */
  get unmetPlans(): number {
    return this.#disasters.unmet;
  }

  /** Kills the node whose step runs now; it comes back as after any crash. For what an event does to a process. */
  crashRunning(): void {
    this.#disasters.crashRunning();
  }

  /** Ends all that is wrong: no more faults, everybody is back. What then stays wrong is a bug. */
  healAll(): void {
    this.faults.active = false;
    this.#disasters.end();
  }

  /** Runs steps until one of the given ends is reached. */
  async run(options: RunOptions = {}): Promise<RunResult> {
    const { untilQuiet = false, maxSteps = DEFAULT_MAX_STEPS } = options;
    const before = this.scheduler.steps;
    const quietMs = untilQuiet === true ? DEFAULT_QUIET_MS : untilQuiet;
    const isQuiet = (): boolean => quietMs !== false && this.server.isQuiet(quietMs);
    const ends = [
      options.untilMs ?? Infinity,
      options.forMs === undefined ? Infinity : this.nowMs + options.forMs,
      this.nowMs + LONGEST_MS,
    ];
    const reason = await this.scheduler.run({
      untilMs: Math.min(...ends),
      maxSteps: before + maxSteps,
      until: () => isQuiet() || options.until?.() === true,
    });
    return {
      reason: reason === 'condition' && isQuiet() ? 'quiet' : reason,
      steps: this.scheduler.steps - before,
      nowMs: this.nowMs,
    };
  }

  /** Runs a promise of a node to its end. @throws {Error} when the simulation comes to rest before it settles. */
  async settle<T>(promise: Promise<T>, options: RunOptions = {}): Promise<T> {
    let settled = false;
    promise.then(
      () => (settled = true),
      () => (settled = true),
    );
    const { reason } = await this.run({ ...options, until: () => settled });
    if (!settled) throw new Error(`The simulation stopped (${reason}) before the promise settled`);
    return promise;
  }

  #serverEnvironment(): ServerEnvironment {
    const { scheduler, prng, server, epochMs } = this.#context;
    const names = new Prng(this.seed, 'server names');
    return {
      nowMs: () => Math.floor(epochMs + scheduler.nowMs),
      after: (delayMs, label, run) => void scheduler.postAfter(delayMs, { actor: server, label, run }),
      hits: (fault) => this.faults.hits(fault),
      below: (limit) => prng.below(limit),
      id: () => names.id(),
    };
  }
}

/** Runs what is planned: neither a node nor the server, and never away. */
const WORLD = new Actor('world');
