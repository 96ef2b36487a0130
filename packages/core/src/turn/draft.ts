/**
 * A turn in the making: the fields of the next record, and what must happen once it is committed.
 *
 * Nothing in a draft has any effect by itself. It is thrown away whole when its commit is lost.
 */
import {
  type AgentEvent,
  type AgentKey,
  type AttemptEntry,
  EVENT_LIMIT_BYTES,
  type EarlyMessage,
  type GateState,
  type Headers,
  type HistoryEvent,
  type JournalEntry,
  type OutboxEntry,
  type PeerEntry,
  type RecordLifecycle,
  type ReplyBody,
  type ReplyEntry,
  type TimerEntry,
  WakebusError,
  type WorkspaceRef,
  encode,
} from '@wakebus/protocol';
import type { ActorName, AgentSnapshot } from '../family/family.ts';
import { OPEN_GATE } from '../gate/gate.ts';
import type { Answers } from '../gate/judge.ts';
import type { GateNote } from './at-gate.ts';
import type { Inbound } from './inbound.ts';
import type { AgentMemory } from './memory.ts';
import { isPaused } from './paused-timers.ts';
import type { Answered } from '../program/question.ts';
import type { ProgramQuestion } from '../program/runner.ts';
import type { TimerOutput } from '../outputs.ts';

/** What is armed, besides its name and its time. */
type ArmedTimer = Pick<TimerOutput, 'actor' | 'to'> & Pick<TimerEntry, 'event' | 'schedule' | 'sleep' | 'delayMs'>;

/** An answer to publish after the commit. */
export interface PendingReply {
  readonly subject: string;
  readonly body: Uint8Array;
}

/** A message that is given up: written to the dead letters before the commit that passes it. */
export interface PendingDeadLetter {
  readonly inbound: Inbound;
  readonly code: string;
  readonly message: string;
  readonly attempts: number;
}

/** What a turn is told from outside: time and names come in, they are never asked for. */
export interface TurnEnvironment {
  readonly nowMs: number;
  readonly nodeId: string;
  /** Of the session: one above the epoch that the claim found. */
  readonly epoch: number;
  /** Trace context to put on what the turn sends. */
  readonly trace?: Headers;
  /** The messages stood aside: whatever has removed the agent came after them, so they give no birth to another. */
  readonly isLate?: boolean;
  /** What rules of the gate have answered that had to be asked, by sequence and rule. */
  readonly answers?: ReadonlyMap<number, Answers>;
  /** What the agent's program has answered, in the order of the turn's questions. */
  readonly answered?: readonly Answered[];
}

/** Answers are kept until so long after their deadline, in milliseconds: time for one more question after a crash. */
const REPLY_GRACE_MS = 60_000;
/** Answers kept. 32 covers every caller that is still waiting, without outweighing a small record. */
const REPLIES_KEPT = 32;
/** Answers over this size, in bytes, are sent and not kept. */
const REPLY_KEPT_BYTES = 4096;

/** An answer as it travels. One that no server would carry becomes an error that says so. */
function encodeReply(body: ReplyBody): Uint8Array {
  const bytes = encode(body);
  if (bytes.length <= EVENT_LIMIT_BYTES) return bytes;
  const error = new WakebusError('EVENT_TOO_LARGE', { sizeBytes: bytes.length, limitBytes: EVENT_LIMIT_BYTES });
  return encode({ ok: false, error: error.toJSON() });
}

/** The mutable middle of a turn. */
export class TurnDraft {
  readonly memory: AgentMemory;
  readonly env: TurnEnvironment;
  /** 0 to 1, for waits that are random. */
  readonly jitter: number;
  snapshot: AgentSnapshot | undefined;
  /** The life that the record told of is over: its chunks are not those of what comes. */
  hasEnded = false;
  cursor: number;
  cursorMs: number;
  incarnation: number;
  lifecycle: RecordLifecycle;
  generation: number;
  timers: readonly TimerEntry[];
  journal: readonly JournalEntry[];
  workspace: WorkspaceRef | undefined;
  early: readonly EarlyMessage[];
  attempt: AttemptEntry | undefined;
  gate: GateState;
  /** The state on which all that waits for another one has been judged. */
  judgedAt: AgentSnapshot | undefined;
  peers: ReadonlyMap<string, PeerEntry>;
  readonly outbox: OutboxEntry[] = [];
  readonly newReplies: ReplyEntry[] = [];
  readonly replies: PendingReply[] = [];
  readonly deadLetters: PendingDeadLetter[] = [];
  readonly emits: AgentEvent[] = [];
  readonly actions: Array<() => void> = [];
  readonly cancelled: number[] = [];
  readonly armed: TimerEntry[] = [];
  /** Effects as they stood when their state was left: whoever runs them is told. */
  readonly stopped: JournalEntry[] = [];
  /** Effects as they stood when an attempt was over: their schedules are taken back. */
  readonly withdrawn: JournalEntry[] = [];
  readonly history: HistoryEvent[] = [];
  readonly outputNames: string[] = [];
  readonly gated: GateNote[] = [];
  /** Whether the machine has done anything: taken an event, or wanted something done. */
  isStirred = false;
  duplicates = 0;
  /** Attempts of effects of which nobody knew how they ended. */
  unknownEffects = 0;
  sleep = false;
  /** What the agent's program must be asked first: the turn is worth nothing else. */
  question: ProgramQuestion | undefined;
  /** Put to the program so far. */
  questions = 0;
  /** What stands aside is to be thrown away. */
  clearsHeld = false;
  counted: { readonly seq: number; readonly outputs: number } = { seq: 0, outputs: 0 };

  constructor(memory: AgentMemory, env: TurnEnvironment, jitter: number) {
    const { record } = memory;
    this.memory = memory;
    this.env = env;
    this.jitter = jitter;
    this.snapshot = memory.snapshot;
    this.cursor = record.cursor;
    this.cursorMs = record.cursorMs;
    this.incarnation = record.incarnation;
    this.lifecycle = record.lifecycle;
    this.generation = record.generation;
    this.timers = record.timers;
    this.journal = record.journal;
    this.workspace = record.workspace;
    this.early = record.early;
    this.attempt = record.attempt;
    this.gate = record.gate ?? OPEN_GATE;
    this.judgedAt = memory.snapshot;
    this.peers = record.peers;
  }

  /**
   * Answers an event, now and to whoever asks again. Without an address and an ID there is nobody to ask.
   *
   * @param gated - Kept in place of the body.
   */
  reply(inbound: Inbound, body: ReplyBody, gated?: ReplyEntry['gated']): void {
    if (inbound.reply === undefined) return;
    const bytes = encodeReply(body);
    this.replies.push({ subject: inbound.reply.subject, body: bytes });
    if (inbound.messageId === undefined || bytes.length > REPLY_KEPT_BYTES) return;
    const untilMs = inbound.reply.deadlineMs + REPLY_GRACE_MS;
    const kept = gated === undefined ? { body: bytes } : { gated };
    this.newReplies.push({ id: inbound.messageId, seq: inbound.seq, ...kept, untilMs });
  }

  /** Adds a message to another agent, with its number in the chain to that receiver. */
  send(seq: number, index: number, to: AgentKey, event: AgentEvent): void {
    const { nowMs, trace } = this.env;
    const peer = this.peers.get(to);
    const number = (peer?.number ?? 0) + 1;
    // A chain starts anew after a silence longer than the horizon: the receiver may have forgotten it.
    const previous =
      peer !== undefined && nowMs - peer.atMs < this.memory.definition.dedupe.horizonMs ? peer.number : 0;
    this.peers = new Map(this.peers).set(to, { number, atMs: nowMs });
    this.outbox.push({
      to,
      incarnation: this.incarnation,
      number,
      previous,
      ...(previous > 0 && peer !== undefined && { previousMs: peer.atMs }),
      id: `${seq}.${index}`,
      event,
      atMs: nowMs,
      ...(trace !== undefined && { trace }),
    });
  }

  /** Arms a delayed event, replacing one with the same ID. Without an ID nothing can cancel it. */
  arm({ id, delayMs, sleep, event, actor, to }: Omit<TimerOutput, 'kind'>): void {
    const dueMs = this.env.nowMs + Math.max(0, delayMs);
    // What is left is known when the agent falls asleep; how long it was at first, only now.
    const pause = sleep === undefined ? undefined : { sleep, ...(sleep === 'restart' && { delayMs }) };
    this.armAt(id, dueMs, { event, actor, to, ...pause });
  }

  /** As {@link arm}, at a time. What a schedule brings starts a trace of its own: one that repeats for years is no chain. */
  armAt(id: string | undefined, dueMs: number, { actor, to, ...armed }: ArmedTimer): void {
    const { trace } = this.env;
    if (id !== undefined) this.cancel(id, actor);
    this.generation += 1;
    const timer: TimerEntry = {
      id: id ?? `#${this.generation}`,
      generation: this.generation,
      dueMs,
      ...armed,
      ...(actor !== undefined && { actor }),
      ...(to !== undefined && { to }),
      ...(trace !== undefined && armed.schedule === undefined && { trace }),
    };
    this.timers = [...this.timers, timer];
    this.armed.push(timer);
  }

  /** Lets the timers go on that stood still while the agent slept, under generations of their own. */
  resumeTimers(): void {
    for (const timer of this.timers.filter(isPaused)) {
      const { generation: _old, id, leftMs = 0, dueMs: _due, trace: _trace, ...rest } = timer;
      // Its schedule was taken back with the sleep, best effort: a fire of it is dropped.
      this.cancelTimer(timer);
      this.armAt(id, this.env.nowMs + leftMs, rest);
    }
  }

  cancel(id: string, actor?: ActorName): void {
    const timer = this.timers.find((candidate) => candidate.id === id && candidate.actor === actor);
    if (timer !== undefined) this.cancelTimer(timer);
  }

  cancelTimer(timer: TimerEntry): void {
    this.timers = this.timers.filter((candidate) => candidate !== timer);
    const fresh = this.armed.indexOf(timer);
    if (fresh >= 0) this.armed.splice(fresh, 1);
    else this.cancelled.push(timer.generation);
  }

  /** Where the outputs of one more step for an input start to count: their keys must differ. */
  indexOf(seq: number, outputs: number): number {
    const first = this.counted.seq === seq ? this.counted.outputs : 0;
    this.counted = { seq, outputs: first + outputs };
    return first;
  }

  /** Remembers all of it. @returns what puts it back, for several steps of which a later one throws. */
  checkpoint(): () => void {
    const before = Object.entries(this).map(([field, value]) => [field, Array.isArray(value) ? [...value] : value]);
    return () => void Object.assign(this, Object.fromEntries(before));
  }

  /** Takes back the schedule of a timer that was taken before it was due. */
  withdrawTimer({ generation }: TimerEntry): void {
    this.cancelled.push(generation);
  }

  /** All answers that stay in the record: the newest, those not yet expired. */
  keptReplies(): readonly ReplyEntry[] {
    const old = this.memory.record.replies;
    if (this.newReplies.length === 0 && (old.length === 0 || (old[0] as ReplyEntry).untilMs > this.env.nowMs))
      return old;
    return [...old, ...this.newReplies].filter((entry) => entry.untilMs > this.env.nowMs).slice(-REPLIES_KEPT);
  }

  /** Moves the cursor past a message. */
  pass(inbound: Inbound): void {
    this.cursor = inbound.seq;
    this.cursorMs = Math.max(this.cursorMs, inbound.storedMs);
  }

  /** Its life is over: nothing that is pending comes any more. */
  complete(): void {
    this.cancelAll();
    this.setLifecycle('completed');
  }

  /** Takes every timer back. */
  cancelAll(): void {
    for (const timer of this.timers) this.cancelTimer(timer);
  }

  setLifecycle(name: RecordLifecycle['name'], reason?: { readonly code: string; readonly message: string }): void {
    if (this.lifecycle.name === name && reason === undefined && this.lifecycle.code === undefined) return;
    this.lifecycle = {
      name,
      sinceMs: this.env.nowMs,
      ...(reason !== undefined && { code: reason.code, message: reason.message }),
    };
  }
}
