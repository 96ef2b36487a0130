/**
 * What leaves after a turn: replies, messages, timers, history, aborts and custom actions, once the commit is confirmed.
 */
import type { AgentMemory, Turn } from '@wakebus/core';
import {
  type AgentKey,
  type AgentRecord,
  type HistoryEffect,
  type HistoryEntry,
  type HistoryEvent,
  type JournalEntry,
  type LastTurn,
  addressOf,
} from '@wakebus/protocol';
import type { HandOver } from './hand-over.ts';
import { announceEmits } from './live.ts';
import type { NodeContext } from './node-context.ts';
import { sourceOf } from './wake.ts';

/** Whose outputs they are, as its last commit left it. */
interface Committed {
  readonly key: AgentKey;
  readonly record: AgentRecord;
  readonly definition: AgentMemory['definition'];
  readonly handOver: HandOver;
}

/** What history says of a turn beside what the record does: it is known only while the turn is at hand. */
export type TurnFacts = Pick<HistoryEntry, 'cost' | 'tries' | 'effects' | 'wake'>;

/**
 * The facts of a turn.
 *
 * @param wake - The subject that woke the agent, with the first turn after that; else empty.
 */
export function factsOf(
  before: AgentRecord,
  after: AgentRecord,
  cost: NonNullable<HistoryEntry['cost']>,
  wake: string,
): TurnFacts {
  // Entries never change: what is new in the list is what this commit has to say.
  const isTouched = after.journal !== before.journal;
  const effects = isTouched ? after.journal.filter((entry) => !before.journal.includes(entry)).map(effectOf) : [];
  const tries = before.attempt?.count ?? 0;
  return {
    cost,
    ...(tries > 0 && { tries }),
    ...(effects.length > 0 && { effects }),
    ...(wake !== '' && { wake }),
  };
}

function effectOf({ id, key, state, attempt, node, firstMs, endedMs, error }: JournalEntry): HistoryEffect {
  return {
    id,
    key,
    state,
    attempt,
    ...(node !== undefined && { node }),
    ...(firstMs !== undefined && endedMs !== undefined && { tookMs: endedMs - firstMs }),
    ...(error !== undefined && { code: error.code }),
  };
}

/**
 * The gate: everything that leaves, leaves here, after the commit.
 *
 * @param facts - What history says of the turn beside what the record does.
 */
export function releaseOutputs(context: NodeContext, agent: Committed, turn: Turn, facts: TurnFacts): void {
  const { key, record, handOver } = agent;
  for (const { subject, body } of turn.replies) context.ports.messenger.publish(subject, body);
  announceEmits(context, key, turn.emits, record.turns);
  handOver.relay(turn.outbox);
  handOver.arm(turn.armed);
  handOver.arm(turn.scheduled);
  handOver.cancel(turn.cancelled.map((generation) => ({ generation })));
  handOver.cancel(turn.withdrawn);
  if (context.history !== undefined && turn.consumed > 0 && record.last !== undefined)
    handOver.history({ ...historyOf(record, record.last, turn.history), ...facts });
  for (const { attempt, generation, node = '' } of turn.stopped)
    void context.effects.ask(node, { key, generation, attempt }, true);
  for (const action of turn.actions) runAction(context, key, action);
  count(context, agent.definition.type, turn);
  if (facts.wake !== undefined && turn.isFutile)
    context.telemetry.falseWakes.add(1, { type: agent.definition.type, source: sourceOf(context, facts.wake) });
}

function count({ telemetry }: NodeContext, type: string, turn: Turn): void {
  for (const note of turn.gated) telemetry.gated.add(1, { type, ...note });
  telemetry.turns.add(1, { type });
  if (turn.duplicates > 0) telemetry.duplicates.add(turn.duplicates, { type });
  if (turn.deadLetters.length > 0) telemetry.deadLetters.add(turn.deadLetters.length, { type });
  if (turn.unknownEffects > 0) telemetry.unknownEffects.add(turn.unknownEffects, { type });
  if (turn.failure !== undefined) telemetry.retries.add(1, { type, what: 'turn' });
}

/** Custom actions are best effort: the commit stands, whatever they do. */
function runAction(context: NodeContext, key: AgentKey, action: () => void): void {
  try {
    action();
  } catch (thrown) {
    context.log.warn(`an action of ${addressOf(key)} threw after its commit`, { agent: key, error: String(thrown) });
  }
}

/** History of the last turn of a record. @param events - With payloads, while they are at hand. */
export function historyOf(record: AgentRecord, last: LastTurn, events: readonly HistoryEvent[]): HistoryEntry {
  const { state, outputs, atMs, commit, turn, node, epoch } = last;
  const traceparent = record.trace?.['traceparent'];
  return {
    v: 1,
    commit,
    turn,
    node,
    epoch,
    atMs,
    lifecycle: record.lifecycle.name,
    events,
    state,
    outputs,
    ...(traceparent !== undefined && { traceparent }),
  };
}
