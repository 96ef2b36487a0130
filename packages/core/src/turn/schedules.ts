/**
 * Schedules in a turn: a schedule is a timer that is armed for its next occurrence by the very commit that
 * takes the one before, so each occurrence is one fire of one generation.
 *
 * What was missed is found when a fire is taken late; what overlaps, when effects are still open that the
 * agent began since the occurrence before. When occurrences come is in `../schedule-times.ts`. Pure but for
 * the draft.
 */
import {
  type AgentKey,
  type JournalEntry,
  type Occurrence,
  type Schedule,
  type ScheduleState,
  type TimerEntry,
  WakebusError,
  addressOf,
  encode,
  partitionOf,
  specOfSchedule,
} from '@wakebus/protocol';
import { countBetween, latestBetween, nextAfter } from '../schedule-times.ts';
import { ownName } from '../family/family.ts';
import type { TurnDraft } from './draft.ts';
import { type Deliver, cancelEffect } from './effects.ts';
import { isOpen } from './journal.ts';

/** Occurrences that wait for the end of the one before; more are left out. */
const QUEUE_LIMIT = 100;

/** A timer that is a schedule. */
type ScheduleTimer = TimerEntry & { readonly schedule: ScheduleState };

/** What an occurrence comes to. Times are those of the schedule, jitter apart. */
interface Judgement {
  /** The occurrence that the agent gets now, if any. */
  readonly takesMs: number | undefined;
  /** Left out before it. */
  readonly before: number;
  /** Left out after it. */
  readonly after: number;
  /** The next one is the first after this. */
  readonly fromMs: number;
  readonly catchUpMs?: number;
}

/**
 * Makes a schedule, or puts it in the place of one with the same ID. One that is just the same is left as it stands.
 *
 * @param schedule - Checked, its cron expression too.
 * @returns when it comes next.
 */
export function addSchedule(draft: TurnDraft, id: string, schedule: Schedule): number {
  const { event } = schedule;
  const spec = specOfSchedule(schedule);
  const old = draft.timers.find(isScheduleOf(id));
  if (old !== undefined && isSame([old.event, old.schedule.spec], [event, spec])) return old.dueMs;
  const { nowMs } = draft.env;
  const fromMs = spec.fromMs ?? nowMs + (spec.everyMs ?? 0);
  const times = { ...spec, fromMs };
  const occurrenceMs = spec.atMs ?? nextAfter(times, spec.everyMs === undefined ? nowMs : Math.max(nowMs, fromMs - 1));
  if (occurrenceMs === undefined)
    throw new WakebusError('INVALID_OPTION', { option: 'schedule.cron', why: 'it never comes' });
  // Of the one that it replaces, what runs goes on, and what waits is dropped.
  const began = old?.schedule.began;
  removeSchedule(draft, id);
  armNext(draft, { id, event }, occurrenceMs, {
    spec,
    ...(spec.everyMs !== undefined && { fromMs }),
    ...(began !== undefined && { began }),
  });
  return occurrenceMs + offsetOf(draft.memory.key, id, spec.jitterMs);
}

/** Removes a schedule, or any other timer of that ID, with what waits of it. @returns whether there was one. */
export function removeSchedule(draft: TurnDraft, id: string): boolean {
  const found = draft.timers.find((timer) => ownName(timer) === id);
  if (found !== undefined) draft.cancelTimer(found);
  draft.cancel(queuedId(id));
  return found !== undefined;
}

/** Takes the occurrence of a schedule that has fired, and arms the next one. @throws what the machine throws; the draft is then as before. */
export function takeOccurrence(draft: TurnDraft, timer: ScheduleTimer, isRetry: boolean, deliver: Deliver): void {
  const restore = draft.checkpoint();
  try {
    take(draft, timer, judge(draft, timer, isRetry), deliver);
  } catch (thrown) {
    restore();
    throw thrown;
  }
}

/** Arms the next occurrence in place of one that the machine throws on, again and again. */
export function leaveOccurrence(draft: TurnDraft, timer: ScheduleTimer): void {
  const { before, ...judged } = judge(draft, timer, true);
  take(draft, timer, { ...judged, takesMs: undefined, before: before + 1 }, () => false);
}

/** Whether a timer is a schedule. */
export function isSchedule(timer: TimerEntry): timer is ScheduleTimer {
  return timer.schedule !== undefined;
}

/** Lets the occurrences come that have waited for the end of the one before: each as a timer that is due. */
export function releaseQueued(draft: TurnDraft): void {
  for (const timer of draft.timers) {
    const [first, ...queued] = timer.schedule?.queued ?? [];
    if (first === undefined || !isSchedule(timer)) continue;
    const { queued: _waiting, ...rest } = timer.schedule;
    if (runningOf(draft, { ...timer, schedule: rest }).isBusy) continue;
    const state = { ...rest, ...(queued.length > 0 && { queued }), began: draft.generation };
    draft.timers = draft.timers.map((each) => (each === timer ? { ...timer, schedule: state } : each));
    draft.armAt(queuedId(timer.id), draft.env.nowMs, { event: { ...timer.event, occurrence: first } });
  }
}

function take(draft: TurnDraft, timer: ScheduleTimer, judged: Judgement, deliver: Deliver): void {
  const { id, event, schedule } = timer;
  const { running, isBusy } = runningOf(draft, timer);
  const { takesMs, before, after, fromMs, catchUpMs } = judged;
  const left = (schedule.left ?? 0) + before;
  const occurrence: Occurrence | undefined =
    takesMs === undefined ? undefined : { schedule: id, atMs: takesMs, missed: left };
  const isWaiting = occurrence !== undefined && isBusy && schedule.spec.overlap !== 'cancel-running';
  const queued = schedule.queued ?? [];
  const isQueued = isWaiting && schedule.spec.overlap === 'queue' && queued.length < QUEUE_LIMIT;
  const isTaken = occurrence !== undefined && !isWaiting;
  const isGone = occurrence === undefined || isTaken || isQueued;
  const stillLeft = (occurrence === undefined ? left : isGone ? 0 : left + 1) + after;
  const { catchUpMs: _old, left: _left, queued: _queued, ...state } = schedule;
  draft.timers = draft.timers.filter((each) => each !== timer);
  // Before the machine hears of it: what that says of its own schedule is about the next occurrence.
  const nextMs = nextAfter({ ...schedule.spec, ...state }, fromMs);
  if (nextMs !== undefined)
    armNext(draft, timer, nextMs, {
      ...state,
      ...(catchUpMs !== undefined && { catchUpMs }),
      ...(stillLeft > 0 && { left: Math.min(stillLeft, 1_000) }),
      ...(isTaken && { began: draft.generation + 1 }),
      ...((isQueued || queued.length > 0) && { queued: isQueued ? [...queued, occurrence] : queued }),
    });
  draft.outputNames.push(`schedule ${id}${isTaken ? '' : isQueued ? ' waits' : ' left out'}`);
  if (!isTaken) return;
  for (const entry of running) cancelEffect(draft, entry, cancelled(draft, entry, id), deliver);
  deliver({ ...event, occurrence });
}

/** What an occurrence comes to that is taken now. A failed try of it was in time. */
function judge(draft: TurnDraft, { id, schedule }: ScheduleTimer, isRetry: boolean): Judgement {
  const { spec, occurrenceMs: dueMs, catchUpMs = 0 } = schedule;
  const times = { ...spec, ...(schedule.fromMs !== undefined && { fromMs: schedule.fromMs }) };
  const nowMs = draft.env.nowMs - offsetOf(draft.memory.key, id, spec.jitterMs);
  if (spec.missed === 'all') {
    if (dueMs <= catchUpMs) return { takesMs: dueMs, before: 0, after: 0, fromMs: dueMs, catchUpMs };
    const latest = latestBetween(times, dueMs - 1, Math.max(dueMs, nowMs), spec.missedMost ?? 1);
    const takesMs = latest[0] ?? dueMs;
    const before = takesMs === dueMs ? 0 : countBetween(times, dueMs - 1, takesMs - 1);
    return { takesMs, before, after: 0, fromMs: takesMs, ...(latest.length > 1 && { catchUpMs: nowMs }) };
  }
  const rest = countBetween(times, dueMs, nowMs);
  const fromMs = Math.max(dueMs, nowMs);
  if (isRetry || nowMs - dueMs <= spec.graceMs) return { takesMs: dueMs, before: 0, after: rest, fromMs };
  if (spec.missed === 'skip') return { takesMs: undefined, before: 1 + rest, after: 0, fromMs };
  return { takesMs: latestBetween(times, dueMs - 1, nowMs, 1)[0] ?? dueMs, before: rest, after: 0, fromMs };
}

/** What the agent began with the occurrence before, and has not ended. What waits already goes before any other. */
function runningOf(
  draft: TurnDraft,
  { id, schedule: { began, queued = [] } }: ScheduleTimer,
): { readonly running: readonly JournalEntry[]; readonly isBusy: boolean } {
  if (began === undefined) return { running: [], isBusy: false };
  const running = draft.journal.filter((entry) => isOpen(entry) && entry.generation > began);
  const isWaiting = queued.length > 0 || draft.timers.some((timer) => timer.id === queuedId(id));
  return { running, isBusy: running.length > 0 || isWaiting };
}

function armNext(
  draft: TurnDraft,
  { id, event }: Pick<TimerEntry, 'id' | 'event'>,
  occurrenceMs: number,
  state: Omit<ScheduleState, 'occurrenceMs'>,
): void {
  const schedule = { ...state, occurrenceMs };
  draft.armAt(id, occurrenceMs + offsetOf(draft.memory.key, id, state.spec.jitterMs), { event, schedule });
}

/** By how much a schedule comes later, in milliseconds: spread evenly over agents and IDs, the same at each occurrence. */
function offsetOf(key: AgentKey, id: string, jitterMs: number): number {
  // The hash that spreads agents over partitions; any text may stand where the agent's ID does.
  return jitterMs === 0 ? 0 : partitionOf(`${key}#${id}` as AgentKey, jitterMs + 1);
}

/** The timer of an occurrence that has waited. No schedule may have such an ID. */
function queuedId(id: string): string {
  return `${id}#queued`;
}

function isScheduleOf(id: string): (timer: TimerEntry) => timer is ScheduleTimer {
  return (timer): timer is ScheduleTimer => timer.id === id && isSchedule(timer);
}

function isSame(a: unknown, b: unknown): boolean {
  const [left, right] = [encode(a), encode(b)];
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}

function cancelled(draft: TurnDraft, { id: effect }: JournalEntry, schedule: string): WakebusError {
  return new WakebusError('EFFECT_CANCELLED', { address: addressOf(draft.memory.key), effect, schedule });
}
