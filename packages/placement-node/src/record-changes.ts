/**
 * Changes to a record that no event makes: going to sleep, draining what was held, and what to say when
 * it has grown too large. Pure.
 */
import { type AgentMemory, pauseTimers } from '@wakebus/core';
import {
  type AgentRecord,
  RECORD_LIMIT_BYTES,
  type RecordLifecycle,
  WakebusError,
  addressOf,
  encode,
} from '@wakebus/protocol';

/** What a sleep or a pause changes: why it sleeps, where that is not by choice, and timers that stand still meanwhile. */
export function atRest(
  record: AgentRecord,
  nowMs: number,
  name: 'asleep' | 'paused' = 'asleep',
): Pick<AgentRecord, 'lifecycle' | 'timers'> {
  const isByChoice = record.lifecycle.name === 'awake' || record.lifecycle.name === 'paused';
  const lifecycle: RecordLifecycle = isByChoice ? { name, sinceMs: nowMs } : record.lifecycle;
  return { lifecycle, timers: pauseTimers(record.timers, nowMs) };
}

/** Held messages are behind the cursor; while they are drained they are counted by a cursor of their own. */
export function atHeldCursor(memory: AgentMemory): AgentMemory {
  return { ...memory, record: { ...memory.record, cursor: memory.record.held?.cursor ?? 0 } };
}

export function pastHeld(before: AgentMemory, after: AgentMemory): AgentMemory {
  const { held, cursor } = before.record;
  if (held === undefined) return after;
  const { held: _drained, ...rest } = after.record;
  const isEmpty = after.record.cursor >= held.upTo;
  return {
    ...after,
    record: { ...rest, cursor, ...(!isEmpty && { held: { ...held, cursor: after.record.cursor } }) },
  };
}

export function tooLarge(
  memory: AgentMemory,
  sizeBytes: number,
  limitBytes: number = RECORD_LIMIT_BYTES,
): WakebusError {
  const { record } = memory;
  const parts = {
    snapshot: record.snapshot.length,
    outbox: encode(record.outbox).length,
    timers: encode(record.timers).length,
    journal: encode(record.journal).length,
    replies: encode(record.replies).length,
    dedupe: encode(record.seen).length,
  };
  return new WakebusError('TURN_TOO_LARGE', {
    address: addressOf(memory.key),
    sizeBytes,
    limitBytes,
    parts,
  });
}
