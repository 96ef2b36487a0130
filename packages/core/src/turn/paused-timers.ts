/**
 * Timers that stand still while their agent sleeps (`remaining`, `restart`): what is left of each is written with
 * the sleep, and the first turn after it arms them anew. Until then they have no schedule, and wake nobody.
 *
 * A crash is no sleep: nobody has written what was left, so the time until the next claim counts as awake.
 */
import type { AgentRecord, TimerEntry } from '@wakebus/protocol';

/** The timers as they are written with a sleep. */
export function pauseTimers(timers: AgentRecord['timers'], nowMs: number): AgentRecord['timers'] {
  if (!timers.some(isPausable)) return timers;
  return timers.map((timer) => (isPausable(timer) ? { ...timer, leftMs: leftOf(timer, nowMs) } : timer));
}

/** Whether a timer stands still. */
export function isPaused({ leftMs }: TimerEntry): boolean {
  return leftMs !== undefined;
}

/** Whether a timer would stand still in a sleep. */
function isPausable({ sleep }: TimerEntry): boolean {
  return sleep !== undefined;
}

function leftOf({ dueMs, leftMs, sleep, delayMs = 0 }: TimerEntry, nowMs: number): number {
  return sleep === 'restart' ? delayMs : (leftMs ?? Math.max(0, dueMs - nowMs));
}
