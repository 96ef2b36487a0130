/**
 * The audit: a slow walk over all records that finds what is owed and forgotten.
 *
 * The backstop, not the mechanism: whatever is owed is also an unacknowledged message or a schedule.
 * What it finds points at a fault, so each find is logged.
 */
import { isPaused, isRunnable, schedulesOf } from '@wakebus/core';
import { type AgentKey, type AgentRecord, decodeRecord, isCanonicalKey } from '@wakebus/protocol';
import type { NodeContext } from './node-context.ts';
import { mustDrain } from './park.ts';
import type { ClockTimer } from './ports/clock.ts';

/** Records looked at in one step. */
const PAGE = 200;
/** Between two steps, in milliseconds: 200 records a second walk a million in an hour and a half, at a cost that no one feels. */
const EVERY_MS = 1_000;
/** What was owed and forgotten: messages to hand over, a started effect, messages that stood aside, a timer. */
type FindKind = 'hand-over' | 'effect' | 'held' | 'timer';

const WHY: Readonly<Record<FindKind, string>> = {
  'hand-over': 'what it sent may not have been handed over',
  effect: 'the placement node that ran one of its effects is gone',
  held: 'messages that stood aside wait for it',
  timer: 'one of its timers is overdue',
};

/** What the audit asks of the sessions. */
export interface AuditSink {
  has(key: AgentKey): boolean;
  isFirst(key: AgentKey): boolean;
  ring(key: AgentKey): void;
  /** Puts an agent of this node to sleep. @returns when it is. */
  rest(key: AgentKey): Promise<void>;
}

export class Audit {
  readonly #context: NodeContext;
  readonly #sink: AuditSink;
  #nextRevision = 1;
  #timer: ClockTimer | undefined;
  #isStopped = false;
  /** Agents with one, in the walk that is under way. */
  #overdueSoFar = 0;
  #overdue = 0;

  constructor(context: NodeContext, sink: AuditSink) {
    this.#context = context;
    this.#sink = sink;
  }

  /** Agents of this node whose timers are overdue, as the walk that is under way, or the one before, has found. */
  get overdueTimers(): number {
    return Math.max(this.#overdue, this.#overdueSoFar);
  }

  start(): void {
    if (this.#isStopped) return;
    this.#timer = this.#context.ports.clock.setTimer(EVERY_MS, () => void this.#step().finally(() => this.start()));
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async #step(): Promise<void> {
    if (!this.#context.membership.mayAct()) return;
    try {
      const { values, nextRevision } = await this.#context.ports.agents.scan(this.#nextRevision, PAGE);
      this.#nextRevision = nextRevision ?? 1;
      for (const { key, bytes } of values) if (isCanonicalKey(key)) this.#look(key, bytes);
      if (nextRevision !== undefined) return;
      this.#overdue = this.#overdueSoFar;
      this.#overdueSoFar = 0;
    } catch (thrown) {
      this.#context.log.warn('the audit could not read on', { error: String(thrown) });
    }
  }

  #look(key: AgentKey, bytes: Uint8Array): void {
    const isHere = this.#sink.has(key);
    if (!isHere && !this.#sink.isFirst(key)) return;
    const { log, telemetry } = this.#context;
    telemetry.auditedRecords.add(1);
    const kind = this.#findOwed(key, bytes, isHere);
    if (kind === undefined) return;
    telemetry.auditFinds.add(1, { kind });
    log.warn(`the audit wakes an agent: ${WHY[kind]}`, { agent: key, kind });
    // One that is awake arms its timers anew when it wakes again.
    if (isHere) void this.#sink.rest(key).then(() => this.#sink.ring(key));
    else this.#sink.ring(key);
  }

  #findOwed(key: AgentKey, bytes: Uint8Array, isHere: boolean): FindKind | undefined {
    let record: AgentRecord;
    try {
      record = decodeRecord(key, bytes);
    } catch {
      return undefined; // Its next message finds that out, and keeps the evidence.
    }
    const { limits, membership, ports } = this.#context;
    const nowMs = ports.clock.wallMs();
    const { holder } = record.lease;
    if (nowMs - record.updatedMs < limits.overdueMs) return undefined;
    if (!isHere) {
      if (holder !== '' && membership.isLiving(holder)) return undefined;
      if (!record.settled) return 'hand-over';
      if (record.journal.some(({ state, node = '' }) => state === 'started' && !membership.hasLease(node)))
        return 'effect';
      if (mustDrain(record)) return 'held';
    }
    // What has fired waits in the mailbox of one that takes no events.
    if (isHere && !isRunnable(record)) return undefined;
    if (!hasOverdueTimer(record, nowMs, limits.overdueMs)) return undefined;
    this.#overdueSoFar += 1;
    return 'timer';
  }
}

/** Whether a timer is due for so long that its schedule must be lost. */
export function hasOverdueTimer(record: AgentRecord, nowMs: number, overdueMs: number): boolean {
  const timers = record.timers.filter((timer) => !isPaused(timer));
  return [...timers, ...schedulesOf(record.journal)].some(({ dueMs }) => nowMs - dueMs > overdueMs);
}
