/**
 * Runs one trace on a real server and on the model at the same time, and compares them after every
 * operation.
 *
 * The model's clock is moved to the real time that has passed. What either side does by itself (expiries,
 * fires, redeliveries, acknowledgements that nobody waits for) is awaited until both show the same. No
 * operation runs close to a time at which the model does something by itself: which comes first would be
 * chance. Where the machine was too slow for that the trace counts as unclear, and is run again.
 */
import type { ModelDeployment } from './model-side.ts';
import type { Moment } from './moment.ts';
import type { Trace, TraceOperation } from './operation.ts';
import { type Outcome, textOf } from './outcome.ts';
import { sleep } from './server-lane.ts';
import type { Side } from './side.ts';

/** Operations keep so far from what happens by itself, in milliseconds. */
const GUARD_MS = 120;
/** An operation that ended so shortly before such a time is unclear too, in milliseconds. */
const MARGIN_MS = 10;
/** How much later than its window the server may forget a message ID, in milliseconds: it looks from time to time. */
const FORGETS_LATE_MS = 500;
/** How long the sides may differ in what comes by itself, in milliseconds: expiries are up to 1.3 s late, a source that met a full stream up to 10 s. */
export const PATIENCE_MS = 12_000;
const POLL_MS = 5;
/** How much earlier than the model the server may do something, in milliseconds: their clocks are set one after the other. */
const EARLY_MS = 60;
/** Changes from before which a lagging replica may answer. */
const MOST_LAG = 64;

/** How outcomes begin, or look, as text. */
const STORED = '{"kind":"stored"';
const IN_FLIGHT = textOf({ kind: 'unknown', code: 10_164 });

/** Operations whose effect nobody waits for. */
const DEEP: ReadonlySet<TraceOperation['do']> = new Set(['ack', 'nak', 'wait', 'arm', 'restart', 'lose consumer']);

/** What differed, and where. */
export interface Difference {
  /** The operation after which it showed; the trace's length for its end state. */
  readonly at: number;
  readonly what: string;
  readonly server: string;
  readonly model: string;
}

export interface StepCounts {
  operations: number;
  /** Reads that a replica answered from an older state. */
  stale: number;
  /** Writes that were refused because another one was in flight. */
  inFlight: number;
}

export interface Setting {
  readonly replicas: 1 | 3;
  readonly duplicateWindowMs: number;
  readonly patienceMs: number;
}

/** The machine was too slow to tell what came first. */
export class UnclearError extends Error {}

export class LockStep {
  readonly #server: Side;
  readonly #model: Side;
  readonly #deployment: ModelDeployment;
  readonly #setting: Setting;
  readonly #startedMs: number = performance.now();
  readonly #epochMs: number;
  readonly #blackouts: Array<{ readonly fromMs: number; readonly toMs: number }> = [];
  readonly counts: StepCounts = { operations: 0, stale: 0, inFlight: 0 };

  /** @param epochMs - The model's time now. */
  constructor(server: Side, model: Side, deployment: ModelDeployment, setting: Setting, epochMs: number) {
    this.#server = server;
    this.#model = model;
    this.#deployment = deployment;
    this.#setting = setting;
    this.#epochMs = epochMs;
  }

  /** @returns the first difference. @throws {UnclearError} when the trace has to be run again. */
  async run(trace: Trace): Promise<Difference | undefined> {
    for (const [index, operation] of trace.entries()) {
      const difference = await this.#step(operation, index);
      if (difference !== undefined) return difference;
      this.counts.operations += 1;
    }
    return (await this.#settle(trace.length, true)) ?? (await this.#compareEnd(trace.length));
  }

  get #nowMs(): number {
    return this.#epochMs + performance.now() - this.#startedMs;
  }

  async #step(operation: TraceOperation, index: number): Promise<Difference | undefined> {
    const early = await this.#keepClear(index);
    if (early !== undefined) return early;
    if (operation.do === 'wait') await sleep(operation.ms);
    const untilMs = this.#clearUntilMs;
    const moment = { index, wallMs: Math.ceil(this.#nowMs) };
    const server = await this.#server.apply(operation, moment);
    if (operation.do !== 'wait' && this.#nowMs > untilMs - MARGIN_MS) throw new UnclearError();
    this.#deployment.advanceTo(this.#nowMs);
    const model = await this.#follow(operation, moment, server);
    this.#noteWindow(operation);
    if (textOf(server) !== textOf(model) && !(await this.#isStale(operation, server, moment)))
      return { at: index, what: 'outcome', server: textOf(server), model: textOf(model) };
    return this.#settle(index, DEEP.has(operation.do));
  }

  /** Waits until nothing is about to happen by itself. */
  async #keepClear(index: number): Promise<Difference | undefined> {
    for (;;) {
      const nowMs = this.#nowMs;
      const dueMs = this.#deployment.nextDueMs;
      const blackout = this.#blackouts.find(({ fromMs, toMs }) => fromMs < nowMs + GUARD_MS && nowMs < toMs);
      if (dueMs < nowMs + GUARD_MS) {
        await sleep(Math.max(0, dueMs - nowMs) + 1);
        const difference = await this.#settle(index, true);
        if (difference !== undefined) return difference;
      } else if (blackout !== undefined) {
        await sleep(blackout.toMs - nowMs);
      } else return undefined;
    }
  }

  get #clearUntilMs(): number {
    const nowMs = this.#nowMs;
    const blackouts = this.#blackouts.filter(({ fromMs }) => fromMs > nowMs).map(({ fromMs }) => fromMs);
    return Math.min(this.#deployment.nextDueMs, ...blackouts);
  }

  /** From when on a message ID is forgotten is not to be seen from outside. */
  #noteWindow(operation: TraceOperation): void {
    if (!('id' in operation) || operation.id === undefined) return;
    const fromMs = this.#nowMs + this.#setting.duplicateWindowMs - MARGIN_MS;
    this.#blackouts.push({ fromMs, toMs: fromMs + FORGETS_LATE_MS });
  }

  /** Runs an operation on the model, which takes the server's choice where there is one: who wins a race, and on replicas whether a refusal calls another write in flight. */
  async #follow(operation: TraceOperation, moment: Moment, server: Outcome): Promise<Outcome> {
    const outcomes = Array.isArray(server) ? (server as Outcome[]) : [server];
    const show = (write: number): void => {
      const shows = textOf(outcomes[write]) === IN_FLIGHT;
      this.#deployment.showsWritesInFlight = shows;
      if (shows) this.counts.inFlight += 1;
    };
    const winner = outcomes.findIndex((each) => textOf(each).startsWith(STORED));
    if (operation.do !== 'race') show(0);
    const outcome = await this.#model.apply(operation, {
      ...moment,
      choice: { winner: Math.max(0, winner), beforeWrite: show },
    });
    this.#deployment.showsWritesInFlight = false;
    return outcome;
  }

  /** Whether the model gives the same when it answers as a replica that lags behind. */
  async #isStale(operation: TraceOperation, server: Outcome, moment: Moment): Promise<boolean> {
    if (!isHint(operation)) return false;
    try {
      for (let lag = 1; lag <= MOST_LAG; lag += 1) {
        this.#deployment.lag = lag;
        if (textOf(await this.#model.apply(operation, moment)) !== textOf(server)) continue;
        this.counts.stale += 1;
        return true;
      }
      return false;
    } finally {
      this.#deployment.lag = 0;
    }
  }

  /** Waits until both sides show the same of what comes by itself. The server may be late, but not early. */
  async #settle(at: number, deep: boolean): Promise<Difference | undefined> {
    const untilMs = this.#nowMs + this.#setting.patienceMs;
    const what = deep ? 'what there is' : 'what has arrived';
    let before = { server: '', model: '', sinceMs: 0 };
    for (;;) {
      this.#deployment.advanceTo(this.#nowMs);
      const [server, model] = deep
        ? [textOf(await this.#server.holdings()), textOf(await this.#model.holdings())]
        : [textOf(this.#server.arrived()), textOf(this.#model.arrived())];
      const sinceMs = server === before.server ? before.sinceMs : this.#nowMs;
      const hasFollowed = before.model !== '' && model !== before.model && this.#nowMs - sinceMs > EARLY_MS;
      if (server === model)
        return hasFollowed ? { at, what: `${what}, early`, server, model: before.model } : undefined;
      if (this.#nowMs > untilMs) return { at, what, server, model };
      before = { server, model, sinceMs };
      await sleep(POLL_MS);
    }
  }

  /** All messages of all logs; and each watch has seen nothing that the model's did not see, in its order. */
  async #compareEnd(at: number): Promise<Difference | undefined> {
    const untilMs = this.#nowMs + this.#setting.patienceMs;
    for (;;) {
      this.#deployment.advanceTo(this.#nowMs);
      const [server, model] = [textOf(await this.#server.contents()), textOf(await this.#model.contents())];
      if (server === model) break;
      if (this.#setting.replicas === 1 || this.#nowMs > untilMs) return { at, what: 'end state', server, model };
      await sleep(POLL_MS);
    }
    const reports = this.#model.reports();
    const strange = this.#server.reports().findIndex((each, i) => !isSubsequence(each, reports[i] ?? []));
    if (strange < 0) return undefined;
    const [server, model] = [textOf(this.#server.reports()[strange]), textOf(reports[strange])];
    return { at, what: 'reports of a watch', server, model };
  }
}

/** Reads that any replica may answer. */
function isHint(operation: TraceOperation): boolean {
  const { do: name } = operation;
  return name === 'read' || name === 'scan' || name === 'get chunk' || (name === 'get record' && !operation.fresh);
}

function isSubsequence(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0;
  for (const each of part) {
    at = whole.indexOf(each, at) + 1;
    if (at === 0) return false;
  }
  return true;
}
