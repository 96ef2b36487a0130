/**
 * The owner of running effects: this placement node, whatever becomes of the session that started them.
 *
 * An attempt runs once its start is committed. How it ended goes into the agent's inbox, and is tried until
 * it is stored; the agent may sleep or move meanwhile. Whoever has the agent may ask what runs here, and
 * have it stopped. What a result means is decided by the turn that takes it.
 */
import { type EffectSpec, type Resources, noActor } from '@wakebus/core';
import {
  type AgentKey,
  type JournalEntry,
  attribute,
  encode,
  isWakebusError,
  span,
  splitKey,
  wireMessageId,
} from '@wakebus/protocol';
import { type NodeContext, inboxOf } from '../node-context.ts';
import { readRequest } from '../node-request.ts';
import { type ClockTimer, delay, within } from '../ports/clock.ts';
import type { PlainMessage, Subscription } from '../ports/messenger.ts';
import type { RunningSpan } from '../telemetry/running-span.ts';
import type { AgentResources } from './agent-resources.ts';
import type { Verdict } from './circuit-breaker.ts';
import { type EffectFolder, withFiles } from './effect-folders.ts';
import type { EffectGates, Passage } from './effect-gates.ts';
import { type Outcome, encodeResult } from './effect-result.ts';
import type { EffectSlots } from './effect-slots.ts';

/** Between two tries to store a result, in milliseconds, doubling to the last. */
const RETRY_MS = [20, 50, 100, 250, 500, 1_000, 2_000] as const;

/** An attempt whose start is committed. */
export interface EffectRun {
  readonly key: AgentKey;
  readonly entry: JournalEntry;
  readonly spec: EffectSpec;
  /** It may run for so long, in milliseconds: its own limit, or less where it begins late. */
  readonly mostMs: number;
  readonly epoch: number;
  readonly passage: EffectPassage;
  /** Where it works, if it works on files. */
  readonly folder: EffectFolder | undefined;
}

/** Leave to run an attempt: a slot, and a place behind the gates. */
export interface EffectPassage extends Passage {
  /** Gives both back, once. */
  end(verdict: Verdict): void;
}

/** What a runner shares with the sessions of its node. */
export type RunnerContext = Omit<NodeContext, 'effects'>;

/** What effects need beside their code: leave to run, and what they hold. */
export interface EffectParts {
  readonly gates: EffectGates;
  readonly slots: EffectSlots;
  readonly resources: AgentResources;
}

/** Names an attempt among all of them. */
export interface AttemptName {
  readonly key: AgentKey;
  readonly generation: number;
  readonly attempt: number;
}

/** What another node asks. */
interface EffectRequest extends AttemptName {
  /** Stop it as well. */
  readonly isAbort: boolean;
}

interface Running {
  readonly run: EffectRun;
  readonly controller: AbortController;
  /** Resolves when user code has ended, or is not waited for any more. */
  readonly over: Promise<void>;
  /** Nobody wants to know any more how it ended. */
  isUnwanted: boolean;
}

export class EffectRunner {
  readonly gates: EffectGates;
  readonly slots: EffectSlots;
  readonly resources: AgentResources;
  readonly #context: RunnerContext;
  readonly #running = new Map<string, Running>();
  /** Attempts whose start is being committed: whoever reads it before this node has heard of it must not think that nobody runs it. */
  readonly #expected = new Set<string>();
  #subscription: Subscription | undefined;
  #waiters: Array<() => void> = [];
  #isDraining = false;
  #isClosed = false;

  constructor(context: RunnerContext, { gates, slots, resources }: EffectParts) {
    this.#context = context;
    this.gates = gates;
    this.slots = slots;
    this.resources = resources;
  }

  /** Attempts that run here, those among them whose result is not stored yet. */
  get count(): number {
    return this.#running.size;
  }

  /** Whether it takes no more: what is planned is left to another node. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Begins to answer other nodes. */
  listen(): void {
    const { layout, nodeId, ports } = this.#context;
    const subject = layout.nodeSubject(nodeId, 'effect');
    this.#subscription = ports.messenger.subscribe(subject, (message) => void this.#onRequest(message));
  }

  /** Whether an attempt runs here, or is about to. */
  isRunning(name: AttemptName): boolean {
    return this.#running.has(idOf(name)) || this.#expected.has(idOf(name));
  }

  /** Takes a slot for the next attempt of an effect that no gate keeps from starting. Before that is committed, so that it is expected here. @returns `undefined` when there is none. */
  admit(key: AgentKey, entry: JournalEntry): EffectPassage | undefined {
    if (!this.slots.hasRoom(key)) return undefined;
    this.slots.take(key);
    const passage = this.gates.pass(key, entry);
    const id = idOf({ key, generation: entry.generation, attempt: entry.attempt + 1 });
    this.#expected.add(id);
    let isOver = false;
    return {
      end: (verdict) => {
        if (isOver) return;
        isOver = true;
        this.#expected.delete(id);
        passage.end(verdict);
        this.slots.give();
      },
    };
  }

  /** Runs an attempt that was expected, unless somebody has had it stopped meanwhile. Its start must be committed. */
  start(run: EffectRun): void {
    const { generation, attempt } = run.entry;
    const id = idOf({ key: run.key, generation, attempt });
    if (!this.#expected.delete(id)) {
      void run.folder?.open.release();
      return run.passage.end('unknown');
    }
    const controller = new AbortController();
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    const running: Running = { run, controller, over, isUnwanted: false };
    this.#running.set(id, running);
    void this.#own(running, end).finally(() => {
      this.#running.delete(id);
      run.passage.end('unknown');
      if (this.#running.size > 0) return;
      for (const resolve of this.#waiters.splice(0)) resolve();
    });
  }

  /** Stops an attempt whose result nobody wants. @returns when its code has ended, or the time for that is over. */
  async abort(name: AttemptName): Promise<void> {
    this.#expected.delete(idOf(name));
    const running = this.#running.get(idOf(name));
    if (running === undefined) return;
    running.isUnwanted = true;
    running.controller.abort(new Error('the effect is not wanted any more'));
    await within(this.#context.ports.clock, running.over, this.#context.limits.releaseMs);
  }

  /** Asks the node of an attempt whether it runs there. @returns `undefined` when it did not answer. */
  async ask(nodeId: string, name: AttemptName, isAbort: boolean): Promise<boolean | undefined> {
    const { layout, limits, ports } = this.#context;
    if (nodeId === this.#context.nodeId) {
      if (isAbort) await this.abort(name);
      return this.isRunning(name);
    }
    const request: EffectRequest = { ...name, isAbort };
    const subject = layout.nodeSubject(nodeId, 'effect');
    const answer = await ports.messenger.request(subject, encode(request), 2 * limits.releaseMs);
    return answer === undefined ? undefined : answer[0] === 1;
  }

  /** Takes no more. */
  startDraining(): void {
    this.#isDraining = true;
  }

  /** Waits for what runs, in bounded time; then stops it, and says that nobody knows how it ended. */
  async drain(): Promise<void> {
    this.startDraining();
    const { limits, ports } = this.#context;
    if (this.count > 0) await within(ports.clock, this.#idle(), limits.drainMs);
    for (const { controller } of this.#running.values()) controller.abort(new LeftNode());
    if (this.count > 0) await within(ports.clock, this.#idle(), limits.releaseMs);
  }

  /** Stops at once, as a crash would: nothing is said of what ran. */
  close(): void {
    this.#isClosed = true;
    this.#subscription?.stop();
    for (const running of this.#running.values()) {
      running.isUnwanted = true;
      running.controller.abort(new Error('the placement node is closed'));
    }
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  async #own(running: Running, end: () => void): Promise<void> {
    const { ports, telemetry } = this.#context;
    const { key, entry } = running.run;
    const { type } = splitKey(key);
    const startedMs = ports.clock.monotonicMs();
    if (entry.runs > 1) telemetry.retries.add(1, { type, what: 'effect' });
    const traced = telemetry.start(span.effect, key, [entry.trace]);
    const outcome = await traced.within(() => this.#attempt(running));
    end();
    const verdict = verdictOf(running, outcome);
    const { probes } = this.#context;
    const named = running.isUnwanted ? 'aborted' : outcome.outcome;
    if (probes?.beforeResult !== undefined) await probes.beforeResult(key);
    traced.set({
      [attribute.effect]: entry.src,
      [attribute.effectKey]: entry.key,
      [attribute.attempt]: entry.attempt,
      [attribute.outcome]: named,
    });
    telemetry.effects.add(1, { type, outcome: named });
    telemetry.effectMs.record(ports.clock.monotonicMs() - startedMs, { type, outcome: named });
    await this.#store(running, outcome, traced);
    // Until it is stored, what it gave is in memory: it counts among those that run.
    running.run.passage.end(verdict);
    traced.end(outcome.outcome === 'done' ? undefined : { code: codeOf(outcome) });
  }

  /** Runs the author's code until it ends or its time is over. */
  async #attempt(running: Running): Promise<Outcome> {
    const { controller, run } = running;
    const { ports, probes, telemetry } = this.#context;
    const { clock } = ports;
    const { resources, leave } = this.resources.enter(run.key);
    let timer: ClockTimer | undefined;
    let hasEnded = false;
    const stopped = new Promise<Outcome>((resolve) => {
      const { signal } = controller;
      signal.addEventListener('abort', () => {
        if (signal.reason instanceof OutOfTime || signal.reason instanceof LeftNode || running.isUnwanted)
          resolve({ outcome: 'maybe', error: (signal.reason as Error).message });
      });
      timer = clock.setTimer(run.mostMs, () => {
        telemetry.timeouts.add(1, { type: splitKey(run.key).type, phase: 'effect' });
        controller.abort(new OutOfTime(run.mostMs));
      });
    });
    try {
      const output = await Promise.race([
        call(run, controller.signal, resources),
        stopped.then((outcome) => new Ended(outcome)),
      ]);
      if (output instanceof Ended) return output.outcome;
      hasEnded = true;
      if (run.folder === undefined) return { outcome: 'done', output };
      if (probes?.beforeSync !== undefined) await probes.beforeSync(run.key);
      return await Promise.race([withFiles(ports, run.folder, output, controller.signal), stopped]);
    } catch (error) {
      hasEnded = true;
      const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
      if (code === 'EFFECT_MAYBE') return { outcome: 'maybe', error: String(message) };
      return { outcome: 'failed', error, ...(run.spec.isFinal(error) && { isFinal: true }) };
    } finally {
      timer?.cancel();
      leave();
      void (hasEnded ? run.folder?.open.release() : run.folder?.open.discard());
    }
  }

  /** Appends the result until it is stored. A node that may not act waits until it may. */
  async #store(running: Running, outcome: Outcome, traced: RunningSpan): Promise<void> {
    const { layout, log, membership, ports } = this.#context;
    const { key, entry } = running.run;
    const { id, generation, attempt } = entry;
    const data = encodeResult({ v: 1, id, generation, attempt, ...outcome });
    const headers = traced.carrier;
    const options = {
      messageId: wireMessageId(key, `${entry.key}#${attempt}`),
      ...(headers !== undefined && { headers }),
    };
    for (let round = 0; !this.#isClosed && !running.isUnwanted; round += 1) {
      if (membership.mayAct()) {
        try {
          const stored = await inboxOf(this.#context, key).append(layout.runtimeSubject(key, 'effect'), data, options);
          if (stored.kind === 'stored') return;
        } catch (thrown) {
          log.warn(String(thrown), { agent: key, effect: id });
        }
      }
      await delay(ports.clock, RETRY_MS[Math.min(round, RETRY_MS.length - 1)] as number);
    }
  }

  async #onRequest(message: PlainMessage): Promise<void> {
    const request = readRequest(message.data) as Partial<EffectRequest>;
    if (typeof request.key !== 'string' || typeof request.generation !== 'number') return;
    const name = request as AttemptName;
    if (request.isAbort === true) await this.abort(name);
    message.respond(new Uint8Array([this.isRunning(name) ? 1 : 0]));
  }
}

class Ended {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    this.outcome = outcome;
  }
}

class OutOfTime extends Error {
  constructor(timeoutMs: number) {
    super(`it did not end within ${timeoutMs} ms`);
  }
}

class LeftNode extends Error {
  constructor() {
    super('its placement node was drained while it ran');
  }
}

/** What an attempt says of its target. One that was stopped says nothing. */
function verdictOf({ controller: { signal }, run }: Running, { outcome, error }: Outcome): Verdict {
  // What it has left cannot be kept: that says nothing against what it works on.
  if (outcome === 'done' || isWakebusError(error, 'WORKSPACE_REFUSED') || isWakebusError(error, 'WORKSPACE_TOO_LARGE'))
    return 'well';
  if (signal.aborted && !(signal.reason instanceof OutOfTime)) return 'unknown';
  return outcome === 'maybe' || run.spec.isTargetFault(error) ? 'unwell' : 'well';
}

/** What throws before it gives a promise has failed, as one that is rejected. */
async function call(
  { entry, spec, epoch, folder }: EffectRun,
  signal: AbortSignal,
  resources: Resources,
): Promise<unknown> {
  const args = {
    ...noActor(),
    input: entry.input,
    signal,
    idempotencyKey: entry.key,
    attempt: entry.phase === undefined ? entry.runs : entry.attempt - (entry.phaseFrom ?? 0),
    epoch,
    resources,
    workspace: folder?.open.path ?? '',
  };
  const code = entry.phase === undefined ? spec.run : spec[entry.phase];
  return code?.(args);
}

/** How an attempt that is not done is called: by a code, and never by what its error says. */
function codeOf({ error, outcome }: Outcome): string {
  if (isWakebusError(error)) return error.code;
  return outcome === 'maybe' ? 'EFFECT_MAYBE' : 'EFFECT_FAILED';
}

function idOf({ key, generation, attempt }: AttemptName): string {
  return `${key}~${generation}#${attempt}`;
}
