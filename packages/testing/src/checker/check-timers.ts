/**
 * Timers: each one makes exactly one committed turn, when it is due and not before.
 */
import type { TimerEntry } from '@wakebus/protocol';
import type { AgentHistory, RecordWrite, RunHistory, Violation } from './run-history.ts';

/** Rounding between two clocks that show whole milliseconds. */
const ROUNDING_MS = 1;
/** How a turn says that an event came from a timer, or from a schedule, which is one. */
const FROM_TIMER = /^(?:timer|schedule) /;

/** No timer fires that is not armed, none before its time, and none that was due is left at the end. */
export function checkTimers({ agents, endMs }: RunHistory): Violation[] {
  return [...agents.values()].flatMap((agent) => [...checkFires(agent), ...checkLeft(agent, endMs)]);
}

function checkFires({ key, writes }: AgentHistory): Violation[] {
  return writes.flatMap((after, i) => {
    const before = writes[i - 1]?.record;
    return firedIn(after).flatMap((id) => {
      const timer = before?.timers.find((candidate) => nameOf(candidate) === id);
      if (timer === undefined) return [`${key}, revision ${after.revision}: the timer ${id} fired and was not armed`];
      const earlyMs = timer.dueMs - after.atMs;
      return earlyMs <= ROUNDING_MS
        ? []
        : [`${key}, revision ${after.revision}: the timer ${id} fired ${earlyMs} ms before its time`];
    });
  });
}

/** A child actor's timers go under its name. */
function nameOf({ actor, id }: TimerEntry): string {
  return actor === undefined ? id : `${actor}/${id}`;
}

/** The timers whose events a write's own turn has processed. */
function firedIn({ record }: RecordWrite): string[] {
  if (record?.last === undefined || record.last.commit !== record.commit) return [];
  return record.last.events.flatMap(({ from }) =>
    from !== undefined && FROM_TIMER.test(from) ? [from.replace(FROM_TIMER, '')] : [],
  );
}

function checkLeft({ key, record }: AgentHistory, endMs: number): Violation[] {
  // An agent in quarantine takes nothing: what has fired for it waits.
  if (record?.lifecycle.name === 'quarantined') return [];
  return (record?.timers ?? [])
    .filter(({ dueMs, leftMs }) => leftMs === undefined && dueMs < endMs - ROUNDING_MS)
    .map(({ id, dueMs }) => `${key}: the timer ${id} was due ${endMs - dueMs} ms before the end and has not fired`);
}
