/**
 * The pure turn: some messages of one agent, in order, become one next record and a list of what must
 * happen once that record is committed.
 *
 * `takeTurn` never waits and never fails: a machine that throws ends the turn before the message that
 * it threw on, with the attempt counted, so that what came before commits with all its outputs.
 */
import {
  type AgentEvent,
  type AgentRecord,
  type HistoryEvent,
  type JournalEntry,
  type LastTurn,
  type OutboxEntry,
  type TimerEntry,
  type WakebusError,
} from '@wakebus/protocol';
import { encodeSnapshot } from '../snapshot-codec.ts';
import { applyRipe, takeRipe } from './agent-messages.ts';
import { applyInbound } from './apply.ts';
import { type GateNote, applyReady, closeGate, isInQuestion, tagsOf, takeReady } from './at-gate.ts';
import { giveUp, throwAway } from './give-up.ts';
import type { ProgramQuestion } from '../program/runner.ts';
import { StateNeeded, turnError } from './machine-step.ts';
import { type PendingDeadLetter, type PendingReply, TurnDraft, type TurnEnvironment } from './draft.ts';
import { type TurnFailure, fail } from './fail.ts';
import type { Inbound } from './inbound.ts';
import { type EffectSchedule, isDue, schedulesOf } from './journal.ts';
import { OVER, errorOf } from './life-end.ts';
import type { AgentMemory } from './memory.ts';
import { isRunnable } from './runnable.ts';
import { releaseQueued } from './schedules.ts';

/** Most events in one commit: beyond some hundreds the saving is gone and the loss of a conflict grows. */
export const MAX_TURN_EVENTS = 256;
/** Most bytes of events in one commit. */
export const MAX_TURN_BYTES: number = 512 * 1024;

/** What bounds a turn besides its size. */
export interface TurnLimits {
  readonly maxEvents: number;
  /** Asked before each event but the first: whether the turn has taken long enough. */
  readonly isOver: () => boolean;
  /** By sequence: messages that are not run but counted as failed, each with its error. Whoever ran them did not come back, or was stopped. */
  readonly poison?: ReadonlyMap<number, WakebusError>;
  /** Told of each message before the machine gets it: where a turn never ends, the last one is to blame. */
  readonly onBegin?: (inbound: Inbound) => void;
  /** The messages are thrown away, as an operator asks; their senders are told this. */
  readonly cleared?: WakebusError;
}

/** What a turn makes. Only `memory` is state; all else is owed once the commit is confirmed. */
export interface Turn {
  readonly memory: AgentMemory;
  /** Messages taken from the front of the list. */
  readonly consumed: number;
  readonly replies: readonly PendingReply[];
  readonly deadLetters: readonly PendingDeadLetter[];
  readonly emits: readonly AgentEvent[];
  readonly actions: ReadonlyArray<() => void>;
  /** New outbox entries; they stand in the record already. */
  readonly outbox: readonly OutboxEntry[];
  readonly armed: readonly TimerEntry[];
  /** Schedules of effects that are to be repeated later. */
  readonly scheduled: readonly EffectSchedule[];
  /** Schedules of effects that are to be taken back. */
  readonly withdrawn: readonly EffectSchedule[];
  /** Effects whose state was left: whoever runs them is told to stop. */
  readonly stopped: readonly JournalEntry[];
  /** Generations of timers whose schedules are to be taken back. */
  readonly cancelled: readonly number[];
  readonly history: readonly HistoryEvent[];
  readonly outputNames: readonly string[];
  readonly duplicates: number;
  /** Attempts of effects of which nobody knew how they ended. */
  readonly unknownEffects: number;
  /** What the gate has kept from the machine. */
  readonly gated: readonly GateNote[];
  /** The machine has neither taken an event nor wanted anything done: it was woken for nothing. */
  readonly isFutile: boolean;
  /** The machine asked to sleep now. */
  readonly sleep: boolean;
  /** The agent's program must be asked this, and the turn taken again with its answer: this one must not be committed. */
  readonly question?: ProgramQuestion;
  /** The machine threw on the message after those consumed; it is tried again at `retryMs`. */
  readonly failure?: TurnFailure;
}

/**
 * Takes one turn.
 *
 * @param memory - The agent as last committed.
 * @param inbounds - Its mailbox in sequence order, from the first message after the cursor.
 * @param env - Time, names and trace context.
 * @param backoff - 0 to 1, for full jitter.
 */
export function takeTurn(
  memory: AgentMemory,
  inbounds: readonly Inbound[],
  env: TurnEnvironment,
  limits: TurnLimits,
  backoff: number,
): Turn {
  const draft = new TurnDraft(memory, env, backoff);
  // What only a gate looks at stays asleep.
  if (memory.isUndecoded === true) return takeAtGate(draft, inbounds, limits);
  draft.resumeTimers();
  if (takesUp(draft, inbounds[0])) draft.setLifecycle('awake');
  let consumed = 0;
  let failure: Turn['failure'];
  let bytes = 0;
  for (const inbound of inbounds) {
    bytes += inbound.sizeBytes;
    if (consumed > 0 && (consumed >= limits.maxEvents || bytes > MAX_TURN_BYTES || limits.isOver())) break;
    if (limits.cleared !== undefined) {
      throwAway(draft, inbound, limits.cleared);
      consumed += 1;
      continue;
    }
    if (consumed > 0 && isInQuestion(draft, inbound)) break;
    failure = attempt(draft, inbound, limits);
    if (failure !== undefined) break;
    consumed += 1;
    if (!isRunnable(draft) || draft.question !== undefined) break;
  }
  if (isRunnable(draft)) releaseQueued(draft);
  return sealTurn(draft, consumed, failure);
}

/** A turn of an agent whose state is still bytes: it ends before the first message that needs the machine. */
function takeAtGate(draft: TurnDraft, inbounds: readonly Inbound[], limits: TurnLimits): Turn {
  let consumed = 0;
  for (const inbound of inbounds.slice(0, limits.maxEvents)) {
    const isForGate = inbound.kind === 'event' || inbound.kind === 'message';
    if (
      !isForGate ||
      limits.cleared !== undefined ||
      limits.poison?.has(inbound.seq) === true ||
      draft.early.length > 0 ||
      (consumed > 0 && (limits.isOver() || isInQuestion(draft, inbound)))
    )
      break;
    try {
      applyInbound(draft, inbound);
    } catch (thrown) {
      if (thrown instanceof StateNeeded) break;
      throw thrown;
    }
    consumed += 1;
  }
  return sealTurn(draft, consumed, undefined);
}

/** Whether the agent takes up its work with a message. What an operator asks in the wait after a failure does not end that wait. */
function takesUp({ attempt: failing, lifecycle }: TurnDraft, first: Inbound | undefined): boolean {
  if (lifecycle.name === 'asleep' || lifecycle.name === 'paused') return true;
  const overtakes = first?.kind === 'control' && failing !== undefined && failing.seq < first.seq;
  return lifecycle.name === 'backoff' && !overtakes;
}

function attempt(draft: TurnDraft, inbound: Inbound, limits: TurnLimits): TurnFailure | undefined {
  const poison = limits.poison?.get(inbound.seq);
  if (poison !== undefined) return fail(draft, inbound, poison);
  try {
    limits.onBegin?.(inbound);
    applyInbound(draft, inbound);
  } catch (thrown) {
    return fail(draft, inbound, turnError(draft, inbound, thrown));
  }
  for (let ripe = takeRipe(draft); ripe !== undefined; ripe = takeRipe(draft)) attemptRipe(draft, ripe, limits);
  for (let ready = takeReady(draft); ready !== undefined; ready = takeReady(draft)) applyReady(draft, ready);
  return undefined;
}

/** Its turn in the mailbox is past: it cannot be retried in place, so what fails is given up at once. */
function attemptRipe(draft: TurnDraft, ripe: Inbound, limits: TurnLimits): void {
  const poison = limits.poison?.get(ripe.seq);
  if (poison !== undefined) return giveUp(draft, ripe, poison, 1);
  try {
    limits.onBegin?.(ripe);
    applyRipe(draft, ripe);
  } catch (thrown) {
    giveUp(draft, ripe, turnError(draft, ripe, thrown), 1);
  }
}

/** The turn that a draft has become. */
export function sealTurn(draft: TurnDraft, consumed: number, failure: Turn['failure']): Turn {
  const { memory, env } = draft;
  const old = memory.record;
  const over = OVER[draft.lifecycle.name];
  if (over !== undefined && draft.gate.waiting.length > 0) closeGate(draft, errorOf(over, draft));
  const tags = tagsOf(draft);
  // By the age of what it has taken, and not while older messages stand aside: a repetition may have waited for long.
  if (old.held === undefined) memory.seen.expire(Math.min(env.nowMs, draft.cursorMs));
  const scheduled = scheduledBy(draft);
  const isClearing = draft.clearsHeld && old.held !== undefined;
  const owes = draft.outbox.length + draft.armed.length + scheduled.length > 0 || draft.journal.some(isDue);
  const record: AgentRecord = {
    ...kept(draft),
    generation: draft.generation,
    timers: draft.timers,
    journal: draft.journal,
    early: draft.early,
    peers: draft.peers,
    lifecycle: draft.lifecycle,
    lease: { holder: env.nodeId, epoch: env.epoch },
    machineVersion: memory.definition.version,
    outbox: draft.outbox.length > 0 ? [...old.outbox, ...draft.outbox] : old.outbox,
    settled: old.settled && !owes,
    seen: memory.seen.toSeen(),
    replies: draft.keptReplies(),
    turns: old.turns + (consumed > 0 ? 1 : 0),
    updatedMs: env.nowMs,
    attempt: draft.attempt,
    ...(isClearing && { held: { ...old.held, clear: true } }),
    ...(draft.lifecycle.name !== 'quarantined' && { evidence: undefined }),
    ...(memory.definition.gate.length > 0 && { gate: draft.gate, tags }),
    ...(env.trace !== undefined && { trace: env.trace }),
    ...(consumed > 0 && { last: lastTurn(draft, old.turns + 1) }),
  };
  return {
    memory: { ...memory, record, snapshot: draft.snapshot },
    consumed,
    replies: draft.replies,
    deadLetters: draft.deadLetters,
    emits: draft.emits,
    actions: draft.actions,
    outbox: draft.outbox,
    armed: draft.armed,
    scheduled,
    stopped: draft.stopped,
    withdrawn: withdrawnBy(draft),
    cancelled: draft.cancelled,
    history: draft.history,
    outputNames: draft.outputNames,
    duplicates: draft.duplicates,
    unknownEffects: draft.unknownEffects,
    gated: draft.gated,
    isFutile: consumed > draft.gated.length && !draft.isStirred,
    sleep: draft.sleep,
    ...(failure !== undefined && { failure }),
    ...(draft.question !== undefined && { question: draft.question }),
  };
}

/** What of the record goes on, how far it has come, and whose life it tells of. */
function kept({ memory, hasEnded, cursor, cursorMs, incarnation, workspace }: TurnDraft): AgentRecord {
  const old = hasEnded ? { ...memory.record, chunks: undefined } : memory.record;
  return { ...old, cursor, cursorMs, incarnation, workspace };
}

const NO_SCHEDULES: readonly EffectSchedule[] = Object.freeze([]);

/** The schedules of effects that this turn has made. */
function scheduledBy({ journal, memory }: TurnDraft): readonly EffectSchedule[] {
  const before = memory.record.journal;
  return journal === before ? NO_SCHEDULES : schedulesOf(journal.filter((entry) => !before.includes(entry)));
}

/** The schedules of effects that need not stand any more. */
function withdrawnBy({ stopped, withdrawn }: TurnDraft): readonly EffectSchedule[] {
  return stopped.length + withdrawn.length === 0 ? NO_SCHEDULES : schedulesOf([...withdrawn, ...stopped]);
}

/** The turn in short, without payloads: it is rewritten with every commit. */
function lastTurn(draft: TurnDraft, turn: number): LastTurn {
  const { epoch, nodeId, nowMs } = draft.env;
  const events = draft.history.map(({ payload: _payload, ...event }) => event);
  return {
    events,
    state: draft.memory.isUndecoded === true ? draft.memory.record.last?.state : draft.snapshot?.value,
    outputs: draft.outputNames,
    atMs: nowMs,
    commit: '',
    turn,
    node: nodeId,
    epoch,
  };
}

/**
 * The memory with its snapshot as bytes, ready to be encoded and committed.
 *
 * @param changes - Fields of the record that only the commit knows.
 * @throws {WakebusError} `VALUE_NOT_DURABLE` when the context holds what cannot be stored.
 */
export function freeze(memory: AgentMemory, changes?: Partial<AgentRecord>): AgentMemory {
  const { key, definition, record, snapshot: state, seen } = memory;
  if (memory.packed !== undefined || memory.isUndecoded === true)
    return { ...memory, record: { ...record, ...changes } };
  const snapshot = state === undefined ? new Uint8Array() : encodeSnapshot(definition, state);
  // A state in memory is of this version, whatever the record was: a commit without a turn would else have it migrated again.
  const machineVersion = state === undefined ? record.machineVersion : definition.version;
  return { key, definition, record: { ...record, ...changes, snapshot, machineVersion }, snapshot: state, seen };
}
