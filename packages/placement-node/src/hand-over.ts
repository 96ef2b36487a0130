/**
 * What a committed turn still owes: messages to relay, timers to arm, history to write. Effects are started
 * by `effects/session-effects.ts`; only their schedules are armed here.
 *
 * Everything here is in the record already, or can be made from it, so each piece may be repeated
 * after a crash; its receiver knows it by its ID. Only when all of it is stored may the deliveries
 * behind it be acknowledged.
 */
import { type EffectSchedule, isDue, isPaused, schedulesOf } from '@wakebus/core';
import {
  type AgentKey,
  type AgentMessage,
  type AgentRecord,
  type EffectResult,
  type HistoryEntry,
  type JournalEntry,
  type OutboxEntry,
  type TimerEntry,
  type TimerFire,
  WakebusError,
  addressOf,
  attribute,
  encodeToSend,
  isWakebusError,
  span,
  splitKey,
  wireMessageId,
} from '@wakebus/protocol';
import { incidentsOf } from './incidents.ts';
import { FIRE_TTL_MS, type NodeContext, inboxOf, timersOf } from './node-context.ts';
import { Patience, phaseTimeout } from './phase.ts';
import { delay } from './ports/clock.ts';
import type { AppendOptions, AppendOutcome, EventLog } from './ports/event-log.ts';
import { RelayGuard } from './relay-guard.ts';

/** Between two tries, in milliseconds, doubling to the last. */
const RETRY_MS = [20, 50, 100, 250, 500, 1_000, 2_000] as const;

/** What tells an agent's schedules apart. */
type ScheduleName = Pick<TimerEntry, 'generation'> & Partial<Pick<EffectSchedule, 'attempt' | 'node' | 'parkedFor'>>;

export class HandOver {
  /** How long an agent that is to sleep waits for this. */
  readonly patience: Patience;
  readonly #context: NodeContext;
  readonly #key: AgentKey;
  /** One chain a receiver: at most one message on its way to it. */
  readonly #chains = new Map<AgentKey, Promise<void>>();
  readonly #sent = new Set<string>();
  /** Messages that are not handed over yet, by the sequence of the input that caused them. */
  readonly #unsent = new Map<number, number>();
  readonly #onProgress: () => void;
  readonly #guard: RelayGuard;
  /** Timers and history that are not stored yet. */
  #unstored = 0;
  #waiters: Array<() => void> = [];
  #closed = false;

  /** @param onProgress - Called when all that one input, or all inputs, had caused has been handed over. */
  constructor(context: NodeContext, key: AgentKey, onProgress: () => void) {
    this.#context = context;
    this.#key = key;
    this.#onProgress = onProgress;
    this.#guard = new RelayGuard(context, key);
    this.patience = new Patience(context, key);
  }

  /** Whether nothing is owed. */
  get isSettled(): boolean {
    return this.#unstored === 0 && this.#unsent.size === 0;
  }

  /** Whether something is owed that keeps every delivery open. */
  get keepsAll(): boolean {
    return this.#unstored > 0;
  }

  /**
   * Whether an input has nothing to do with what is still owed. Its delivery must not wait for the others:
   * in a full inbox each acknowledgement makes the room that the next message needs.
   */
  isDone(seq: number): boolean {
    return !this.keepsAll && (!this.#unsent.has(seq) || this.#guard.stands);
  }

  /** Whether what is owed would be forgotten if every delivery were acknowledged now and this node died. */
  get needsWitness(): boolean {
    return !this.isSettled && !this.#guard.stands;
  }

  /** Stops trying. What is left is found again in the record, by whoever claims the agent next. */
  close(): void {
    this.#closed = true;
    this.patience.reset();
  }

  /** Resolves when nothing is owed; never when this was closed before. */
  settled(): Promise<void> {
    return this.isSettled ? Promise.resolve() : new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Whether an agent that is to sleep need not wait: nothing is owed, or it has waited for long enough. If it must, `onChange` says when to ask again. */
  isWaitedFor(onChange: () => void): boolean {
    if (!this.isSettled && !this.patience.hasEnded(onChange)) {
      void this.settled().then(onChange);
      return false;
    }
    this.patience.reset();
    return true;
  }

  /** The record without what has been handed over. */
  trim(record: AgentRecord): AgentRecord {
    if (record.settled || (this.#sent.size === 0 && !this.isSettled)) return record;
    const outbox = record.outbox.filter((entry) => !this.#sent.has(outboxId(entry)));
    return { ...record, outbox, settled: this.isSettled && outbox.length === 0 && !record.journal.some(isDue) };
  }

  /** A record is committed: what is not in it need not be remembered any longer, and what it shows operators is told. */
  committed(record: AgentRecord): void {
    this.tellIncidents(record);
    if (this.#sent.size === 0) return;
    const left = new Set(record.outbox.map(outboxId));
    for (const id of this.#sent) if (!left.has(id)) this.#sent.delete(id);
  }

  /** Hands over again all that a record owes. */
  resume(record: AgentRecord): void {
    this.relay(record.outbox);
    this.arm(record.timers.filter((timer) => !isPaused(timer)));
    this.arm(schedulesOf(record.journal));
  }

  relay(entries: readonly OutboxEntry[]): void {
    for (const entry of entries) {
      const sent = this.#sendAfter(this.#chains.get(entry.to), entry);
      this.#chains.set(entry.to, sent);
      this.#owe(sent, inputOf(entry));
    }
  }

  /** Arms schedules: of timers, and of effects. One of the same name is replaced. */
  arm(
    timers: ReadonlyArray<(TimerEntry & { readonly [F in 'attempt' | 'node' | 'parkedFor']?: never }) | EffectSchedule>,
  ): void {
    const { layout } = this.#context;
    for (const timer of timers) {
      const fire: TimerFire = { v: 1, id: timer.id, generation: timer.generation, dueMs: timer.dueMs };
      const options: AppendOptions = {
        schedule: { atMs: timer.dueMs, target: layout.fireSubject(this.#key), ttlMs: FIRE_TTL_MS },
        ...(timer.trace !== undefined && { headers: timer.trace }),
      };
      this.#owe(
        this.#store(timersOf(this.#context, this.#key), this.#scheduleSubject(timer), encodeToSend(fire), options),
      );
    }
  }

  /** Each attempt has schedules of its own: one that is taken back late takes no other with it. */
  #scheduleSubject({ generation, attempt, node, parkedFor }: ScheduleName): string {
    const { layout } = this.#context;
    const token = attempt === undefined ? String(generation) : `${generation}-${attempt}`;
    if (parkedFor !== undefined) return layout.parkedSubject(this.#key, token, parkedFor);
    return node === undefined ? layout.timerSubject(this.#key, token) : layout.deadlineSubject(this.#key, token, node);
  }

  /** Takes schedules back. Best effort: a fire of an old generation is dropped anyway. */
  cancel(schedules: readonly ScheduleName[]): void {
    const log = timersOf(this.#context, this.#key);
    for (const schedule of schedules) void log.purge(this.#scheduleSubject(schedule));
  }

  /** Tells the agent that nobody knows how an attempt of an effect ended. */
  tell({ id, generation, attempt, key, trace }: JournalEntry, why: string): void {
    const result: EffectResult = { v: 1, id, generation, attempt, outcome: 'maybe', error: why };
    const subject = this.#context.layout.runtimeSubject(this.#key, 'effect');
    // An ID of its own: the result itself, should it still come, is no repetition of this.
    const messageId = wireMessageId(this.#key, `${key}#${attempt}?`);
    const options = { messageId, ...(trace !== undefined && { headers: trace }) };
    this.#owe(this.#store(inboxOf(this.#context, this.#key), subject, encodeToSend(result), options));
  }

  /** Tells operators what a record shows them, unless this node has done so. What it may not tell is owed for ever. */
  tellIncidents(record: AgentRecord): void {
    for (const incident of incidentsOf(this.#key, record)) {
      const told = this.#context.incidents.tell(incident);
      if (told !== undefined) this.#owe(told.catch(() => new Promise(() => {})));
    }
  }

  history(entry: HistoryEntry): void {
    const { history, log } = this.#context;
    const written = history?.write(this.#key, entry) ?? Promise.resolve();
    this.#owe(
      written.catch((thrown: unknown) =>
        log.warn('a commit has no history', { agent: this.#key, error: String(thrown) }),
      ),
    );
  }

  /** Owes work that may be repeated: it is tried until it is done, or can never be. */
  keep(work: () => Promise<void>): void {
    this.#owe(this.#untilDone(work));
  }

  async #untilDone(work: () => Promise<void>): Promise<void> {
    const { log, membership, ports } = this.#context;
    for (let round = 0; !this.#closed; round += 1) {
      try {
        if (membership.mayAct()) return await work();
      } catch (thrown) {
        if (!isWakebusError(thrown, 'UNAVAILABLE'))
          return log.warn('a snapshot is not kept', { agent: this.#key, error: String(thrown) });
      }
      await delay(ports.clock, RETRY_MS[Math.min(round, RETRY_MS.length - 1)] as number);
    }
    return new Promise(() => {});
  }

  /** @param input - Sequence of the input that caused it, for messages. */
  #owe(work: Promise<void>, input?: number): void {
    if (input === undefined) this.#unstored += 1;
    else this.#unsent.set(input, (this.#unsent.get(input) ?? 0) + 1);
    void work.then(() => this.#settle(input));
  }

  #settle(input: number | undefined): void {
    if (input === undefined) this.#unstored -= 1;
    else this.#countSent(input);
    if (!this.keepsAll && (input === undefined || !this.#unsent.has(input))) this.#onProgress();
    if (!this.isSettled) return;
    for (const resolve of this.#waiters) resolve();
    this.#waiters = [];
  }

  #countSent(input: number): void {
    const left = (this.#unsent.get(input) ?? 1) - 1;
    if (left > 0) this.#unsent.set(input, left);
    else this.#unsent.delete(input);
    if (this.#unsent.size === 0) this.#guard.release();
  }

  async #sendAfter(before: Promise<void> | undefined, entry: OutboxEntry): Promise<void> {
    await before;
    const { probes } = this.#context;
    if (probes?.beforeRelay !== undefined) await probes.beforeRelay(this.#key);
    await this.#send(entry);
    this.#sent.add(outboxId(entry));
  }

  async #send(entry: OutboxEntry): Promise<void> {
    const { layout, telemetry } = this.#context;
    const running = telemetry.start(span.relay, this.#key, [entry.trace]);
    const trace = running.carrier;
    const message: AgentMessage = {
      v: 1,
      sender: this.#key,
      incarnation: entry.incarnation,
      number: entry.number,
      previous: entry.previous,
      ...(entry.previousMs !== undefined && { previousMs: entry.previousMs }),
      atMs: entry.atMs,
      id: entry.id,
      event: entry.event,
    };
    const messageId = wireMessageId(entry.to, `${this.#key}~${entry.incarnation}#${entry.number}`);
    if (running.isRecording)
      running.set({
        [attribute.destination]: `agents.${splitKey(entry.to).type}.{id}.${entry.event.type}`,
        [attribute.messageId]: messageId,
      });
    await this.#store(
      inboxOf(this.#context, entry.to),
      layout.runtimeSubject(entry.to, 'message'),
      encodeToSend(message),
      {
        messageId,
        ...(trace !== undefined && { headers: trace }),
      },
    );
    running.end();
  }

  /** Appends until it is stored. A node that may not act waits until it may; a session that is gone owes for ever. */
  async #store(log: EventLog, subject: string, data: Uint8Array, options: AppendOptions): Promise<void> {
    const { clock } = this.#context.ports;
    let lateMs = clock.monotonicMs() + this.#context.limits.relayMs;
    for (let round = 0; !this.#closed; round += 1) {
      const kind = this.#context.membership.mayAct() ? await this.#append(log, subject, data, options) : 'unknown';
      if (kind === 'stored') return;
      if (kind === 'full' && (await this.#guard.arm())) this.#onProgress();
      if (clock.monotonicMs() >= lateMs) {
        this.#reportStall();
        lateMs = Infinity;
      }
      await delay(clock, RETRY_MS[Math.min(round, RETRY_MS.length - 1)] as number);
    }
    return new Promise(() => {});
  }

  /** What no log would ever take is tried again too: its limits may be raised. */
  async #append(
    log: EventLog,
    subject: string,
    data: Uint8Array,
    options: AppendOptions,
  ): Promise<AppendOutcome['kind']> {
    try {
      return (await log.append(subject, data, options)).kind;
    } catch (thrown) {
      this.#context.log.warn(String(thrown), { agent: this.#key, subject });
      return 'unknown';
    }
  }

  #reportStall(): void {
    phaseTimeout(this.#context, this.#key, 'relay');
    const error = new WakebusError('RELAY_STALLED', { address: addressOf(this.#key), entries: this.#unsent.size });
    this.#context.log.warn(error.message, { agent: this.#key, code: error.code });
  }
}

/** The sequence of the input that caused a message. */
function inputOf(entry: OutboxEntry): number {
  return Number.parseInt(entry.id, 10);
}

function outboxId(entry: OutboxEntry): string {
  return `${entry.to}~${entry.incarnation}#${entry.number}`;
}
