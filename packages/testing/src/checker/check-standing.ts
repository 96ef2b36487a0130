/**
 * Agents that do not run: none without a reason, and nothing left waiting for those that may.
 */
import { isRunnable } from '@wakebus/core';
import type { AgentHistory, RunHistory, Violation } from './run-history.ts';

/** Reasons for which an agent may stand still, by error code. */
export type StandingCodes = ReadonlySet<string>;

/** No agent is quarantined or suspended but for the given reasons, and at the end nothing waits for an agent that runs. */
export function checkStanding(history: RunHistory, allowed: StandingCodes = new Set()): Violation[] {
  return [...history.agents.values()].flatMap((agent) => [...checkStops(agent, allowed), ...checkWaiting(agent)]);
}

function checkStops({ key, writes }: AgentHistory, allowed: StandingCodes): Violation[] {
  const stop = writes.find(
    ({ record }) => record !== undefined && !isRunnable(record) && !allowed.has(record.lifecycle.code ?? ''),
  );
  if (stop?.record === undefined) return [];
  const { name, code, message } = stop.record.lifecycle;
  return [`${key}, revision ${stop.revision} by ${stop.by}: it is ${name} for no reason: ${code} ${message}`];
}

function checkWaiting({ key, record }: AgentHistory): Violation[] {
  if (record === undefined || !isRunnable(record)) return [];
  return [
    ...(record.held === undefined ? [] : [`${key}: it runs, and what stood aside for it was not drained`]),
    ...record.early.map(
      ({ sender, number }) => `${key}: message ${number} of ${sender} still waits for the one before`,
    ),
  ];
}
