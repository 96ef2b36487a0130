/**
 * One source as it runs: started, given its sink, started again when it fails, and looked at.
 *
 * Pauses between starts grow from one second to a minute; a run that has lasted for a minute begins anew.
 */
import { type Headers, WakebusError, isWakebusError } from '@wakebus/protocol';
import type { Bus } from './bus.ts';
import { type Pauses, pause } from './pauses.ts';
import { type Refusal, type Source, type SourceEvent, type SourceReceipt, type SourceSink } from './source.ts';
import { SourceState } from './source-state.ts';
import type { SourceTelemetry } from './telemetry.ts';

/** Where a source stands. `waiting`: the inbox takes nothing now; `restarting`: it has failed, and pauses. */
export type SourceStanding = 'starting' | 'running' | 'waiting' | 'restarting' | 'ended' | 'stopped';

/** A source as somebody sees it who looks. Times are milliseconds since the epoch. */
export interface SourceHealth {
  readonly name: string;
  readonly state: SourceStanding;
  readonly isHealthy: boolean;
  readonly sinceMs: number;
  readonly restarts: number;
  readonly stored: number;
  readonly duplicates: number;
  readonly refused: number;
  readonly lastEventMs?: number;
  /** What it failed with last, or what it waits for. */
  readonly error?: { readonly code: string; readonly message: string; readonly atMs: number };
  /** What the source says itself. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Where sources tell of their faults. */
export interface SourceLog {
  info?(text: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(text: string, facts?: Readonly<Record<string, unknown>>): void;
}

export interface RunningParts {
  readonly bus: Bus;
  readonly log: SourceLog;
  readonly telemetry: SourceTelemetry;
  readonly restartPauses: Pauses;
  readonly signal: AbortSignal;
}

/** A run that lasts for so long, in milliseconds, has come up: the next failure is the first one. */
const STEADY_MS = 60_000;
/** Between tries to store one event. */
const STORE_PAUSES: Pauses = { firstMs: 100, mostMs: 5_000 };

export class RunningSource {
  readonly source: Source;
  readonly #parts: RunningParts;
  #state: SourceStanding = 'starting';
  #sinceMs = Date.now();
  #restarts = 0;
  #stored = 0;
  #duplicates = 0;
  #refused = 0;
  /** Events that wait for the inbox. */
  #waiting = 0;
  #lastEventMs: number | undefined;
  #error: SourceHealth['error'];

  constructor(source: Source, parts: RunningParts) {
    this.source = source;
    this.#parts = parts;
  }

  health(): SourceHealth {
    const { source } = this;
    const state = this.#state === 'running' && this.#waiting > 0 ? 'waiting' : this.#state;
    return {
      name: source.name,
      state,
      isHealthy: state === 'running' || state === 'ended',
      sinceMs: this.#sinceMs,
      restarts: this.#restarts,
      stored: this.#stored,
      duplicates: this.#duplicates,
      refused: this.#refused,
      ...(this.#lastEventMs !== undefined && { lastEventMs: this.#lastEventMs }),
      ...(this.#error !== undefined && { error: this.#error }),
      ...(source.health !== undefined && { detail: source.health() }),
    };
  }

  /** Runs until the signal, or the source's own end. Never throws. */
  async run(): Promise<void> {
    const { signal, restartPauses } = this.#parts;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const startedMs = performance.now();
      if (await this.#runOnce()) break;
      if (performance.now() - startedMs >= STEADY_MS) failures = 0;
      await pause(restartPauses, failures, signal);
    }
    this.#become(signal.aborted ? 'stopped' : 'ended');
  }

  /** @returns whether it has come to its end. */
  async #runOnce(): Promise<boolean> {
    const { bus, log, signal, telemetry } = this.#parts;
    const { name } = this.source;
    this.#become('starting');
    // What belongs to this run ends with it, also where it fails.
    const run = new AbortController();
    try {
      const state = new SourceState(bus.bucket, name);
      await this.source.start(this.#sink(state, run), AbortSignal.any([signal, run.signal]));
      return true;
    } catch (thrown) {
      if (signal.aborted) return true;
      this.#note(thrown);
      this.#restarts += 1;
      telemetry.restarted(name);
      log.warn(`the source ${name} has failed, and is started again`, { source: name, ...this.#error });
      this.#become('restarting');
      return false;
    } finally {
      run.abort();
    }
  }

  #sink(state: SourceState, run: AbortController): SourceSink {
    const { bus, log, telemetry, signal } = this.#parts;
    const { name } = this.source;
    const ended = AbortSignal.any([signal, run.signal]);
    return {
      name,
      connection: bus.connection,
      prefix: bus.client.layout.prefix,
      state,
      ready: () => {
        this.#become('running');
        log.info?.(`the source ${name} reads`, { source: name });
      },
      send: (event, key, trace) => this.#send(event, key, trace, ended),
      refuse: (refusal) => this.#refuse(refusal, ended),
      ignored: () => telemetry.counted(name, 'ignored'),
      warn: (text, facts) => log.warn(text, { source: name, ...facts }),
    };
  }

  async #send(event: SourceEvent, key: string, trace: Headers | undefined, ended: AbortSignal): Promise<SourceReceipt> {
    const { bus, telemetry } = this.#parts;
    const { name } = this.source;
    const { duplicate } = await this.#untilStored(() => bus.send(name, event, key, trace), ended);
    telemetry.counted(name, duplicate ? 'duplicate' : 'stored');
    if (duplicate) this.#duplicates += 1;
    else this.#stored += 1;
    this.#lastEventMs = Date.now();
    return { duplicate };
  }

  async #refuse(refusal: Refusal, ended: AbortSignal): Promise<void> {
    const { bus, log, telemetry } = this.#parts;
    const { name } = this.source;
    await this.#untilStored(() => bus.giveUp(name, refusal), ended);
    this.#refused += 1;
    telemetry.counted(name, 'refused');
    const { key, why, attempts, from } = refusal;
    log.warn(`the source ${name} has given something up`, { source: name, key, why, attempts, from });
  }

  /** Tries until it is stored, or surely never will be. */
  async #untilStored<T>(store: () => Promise<T>, ended: AbortSignal): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await store();
      } catch (thrown) {
        if (!isWakebusError(thrown) || thrown.next === 'terminal') throw thrown;
        this.#note(thrown);
      }
      this.#waiting += 1;
      await pause(STORE_PAUSES, tries, ended);
      this.#waiting -= 1;
      if (ended.aborted)
        throw new WakebusError('SOURCE_FAILED', { source: this.source.name, why: 'it was stopped in between' });
    }
  }

  #note(thrown: unknown): void {
    const known = isWakebusError(thrown) ? thrown : undefined;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    const { code, message } = known ?? new WakebusError('SOURCE_FAILED', { source: this.source.name, why });
    this.#error = { code, message, atMs: Date.now() };
  }

  #become(state: SourceStanding): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#sinceMs = Date.now();
  }
}
