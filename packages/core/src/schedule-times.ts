/**
 * When a schedule comes: the one file that knows croner.
 *
 * Pure: each question names the time that it is asked at. On the day when clocks go forward, a time of day
 * that does not exist comes at the first moment after the gap, and a step or wildcard in the lost hour does
 * not come; when they go back, a time of day comes once, in the first of the two hours, and a step or
 * wildcard in both.
 */
import { type ScheduleSpec, type ScheduleState, optionChecks } from '@wakebus/protocol';
import { Cron } from 'croner';

const { wrong } = optionChecks('schedule');

/** What says when a schedule comes. */
type Times = Pick<ScheduleSpec, 'cron' | 'timeZone' | 'everyMs' | 'atMs'> & Pick<ScheduleState, 'fromMs'>;

/** Occurrences are counted up to here: what a turn may spend on it is some 80 ms. */
const COUNTED_MOST = 1_000;

/**
 * Checks what `specOfSchedule` cannot: the cron expression and its time zone.
 *
 * @throws {WakebusError} `INVALID_OPTION`, also for an expression that never comes.
 */
export function checkTimes(spec: ScheduleSpec): void {
  if (spec.cron === undefined) return;
  try {
    if (cronOf(spec).nextRun(new Date(0)) !== null) return;
  } catch (cause) {
    const isZone = cause instanceof TypeError && cause.message.includes('timezone');
    const why = isZone ? `"${spec.timeZone}" is no time zone that is known here` : (cause as Error).message;
    throw wrong(isZone ? 'timeZone' : 'cron', why, cause);
  }
  throw wrong('cron', `"${spec.cron}" never comes`);
}

/** The first occurrence after a time, or `undefined` when there is none. */
export function nextAfter(times: Times, afterMs: number): number | undefined {
  const { cron, everyMs, fromMs = 0, atMs } = times;
  if (cron !== undefined) return cronOf(times).nextRun(new Date(afterMs))?.getTime();
  if (everyMs !== undefined) return fromMs + Math.max(0, Math.floor((afterMs - fromMs) / everyMs) + 1) * everyMs;
  return atMs !== undefined && atMs > afterMs ? atMs : undefined;
}

/**
 * The latest occurrences after one time and up to another, ascending.
 *
 * @param most - At most so many, up to 1,000.
 */
export function latestBetween(times: Times, afterMs: number, upToMs: number, most: number): number[] {
  const found: number[] = [];
  const previous = previousOf(times);
  for (let atMs = previous(upToMs + 1); atMs !== undefined && atMs > afterMs; atMs = previous(atMs)) {
    found.push(atMs);
    if (found.length >= Math.min(most, COUNTED_MOST)) break;
  }
  return found.toReversed();
}

/** How many there are after one time and up to another; at most 1,000. */
export function countBetween(times: Times, afterMs: number, upToMs: number): number {
  // Most of the time there is none, and one question finds that out.
  const nextMs = nextAfter(times, afterMs);
  return nextMs === undefined || nextMs > upToMs ? 0 : latestBetween(times, afterMs, upToMs, COUNTED_MOST).length;
}

/** What gives the last occurrence before a time. */
function previousOf(times: Times): (beforeMs: number) => number | undefined {
  const { cron, everyMs, fromMs = 0, atMs } = times;
  if (cron !== undefined) {
    const parsed = cronOf(times);
    return (beforeMs) => parsed.previousRuns(1, new Date(beforeMs))[0]?.getTime();
  }
  if (everyMs === undefined) return (beforeMs) => (atMs !== undefined && atMs < beforeMs ? atMs : undefined);
  return (beforeMs) => {
    const intervals = Math.ceil((beforeMs - fromMs) / everyMs) - 1;
    return intervals < 0 ? undefined : fromMs + intervals * everyMs;
  };
}

/** Without a function it arms nothing and asks no clock. Five fields, or six with seconds. */
function cronOf({ cron = '', timeZone = 'UTC' }: Times): Cron {
  return new Cron(cron, { timezone: timeZone, mode: '5-or-6-parts', paused: true });
}
