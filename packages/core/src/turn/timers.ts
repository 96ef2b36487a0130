/** A timer that is due, or that an operator asks about: delayed events, and schedules. */
import {
  type ControlMessage,
  FAN_OUT_EVENT,
  type Schedule,
  type TimerEntry,
  WakebusError,
  addressOf,
  checkScheduleId,
  isWakebusError,
  specOfSchedule,
} from '@wakebus/protocol';
import { checkEvent } from '../event-check.ts';
import { checkTimes } from '../schedule-times.ts';
import { hasActor, ownName } from '../family/family.ts';
import { isGateTimer, takeGroup } from './at-gate.ts';
import type { TurnDraft } from './draft.ts';
import type { InboundOf } from './inbound.ts';
import { OVER, errorOf } from './life-end.ts';
import { step } from './machine-step.ts';
import { standing } from './recovery.ts';
import { isRunnable } from './runnable.ts';
import { addSchedule, isSchedule, leaveOccurrence, removeSchedule, takeOccurrence } from './schedules.ts';

/** Takes what a timer brings: its event, or the occurrence of a schedule. @throws what the machine throws; the draft is then as before. */
export function takeTimer(draft: TurnDraft, inbound: InboundOf<'timer' | 'control'>, timer: TimerEntry): void {
  // The answer to an operator is the runtime's.
  const { reply: _caller, ...fire } = inbound;
  if (isSchedule(timer)) {
    const isRetry = draft.attempt?.seq === inbound.seq;
    const from = `schedule ${timer.id}`;
    return takeOccurrence(draft, timer, isRetry, (event, actor) => step(draft, fire, event, { from, actor }));
  }
  const before = draft.timers;
  draft.timers = draft.timers.filter((candidate) => candidate !== timer);
  const actor = timer.to === undefined ? timer.actor : (timer.to ?? undefined);
  // As in XState: what was sent to an actor that is gone by then goes nowhere.
  if (draft.snapshot !== undefined && !hasActor(draft.snapshot, actor)) return;
  try {
    if (!takeGroup(draft, timer.event)) step(draft, fire, timer.event, { from: `timer ${ownName(timer)}`, actor });
  } catch (thrown) {
    draft.timers = before;
    throw thrown;
  }
}

/** Gives up a timer that has fired and whose event the machine never took. A schedule goes on. */
export function dropTimer(draft: TurnDraft, generation: number): void {
  const timer = draft.timers.find((candidate) => candidate.generation === generation);
  if (timer === undefined) return;
  if (isSchedule(timer)) leaveOccurrence(draft, timer);
  else draft.timers = draft.timers.filter((candidate) => candidate !== timer);
}

/** Does what is asked about a timer, and answers. A request that came before changes nothing more. @throws what the machine throws. */
export function applyTimerControl(
  draft: TurnDraft,
  inbound: InboundOf<'control'>,
  timer: NonNullable<ControlMessage['timer']>,
): void {
  const { messageId } = inbound;
  const { seen } = draft.memory;
  if (messageId !== undefined && seen.has(messageId)) return draft.reply(inbound, { ok: true });
  try {
    draft.reply(inbound, { ok: true, value: obey(draft, inbound, timer) });
  } catch (thrown) {
    if (!isWakebusError(thrown)) throw thrown;
    draft.reply(inbound, { ok: false, error: thrown.toJSON() });
  }
  if (messageId !== undefined) seen.add(messageId, draft.env.nowMs);
}

function obey(draft: TurnDraft, inbound: InboundOf<'control'>, timer: NonNullable<ControlMessage['timer']>): unknown {
  const { verb } = inbound.control;
  refuseStanding(draft, verb);
  if (verb === 'schedule') {
    const schedule = timer.schedule as Schedule;
    checkTimes(specOfSchedule(schedule));
    // What the agent of a type hands on is checked when it does.
    if (schedule.event.type !== FAN_OUT_EVENT) checkEvent(schedule.event);
    return { nextMs: addSchedule(draft, checkScheduleId(timer.id), schedule) };
  }
  if (verb === 'unschedule' && !isGateTimer(timer.id) && removeSchedule(draft, timer.id)) return undefined;
  const found = draft.timers.find((each) => ownName(each) === timer.id);
  // A gate's timer brings what waits there: it may be fired, and not taken away.
  if (found === undefined || verb === 'unschedule')
    throw new WakebusError('TIMER_NOT_FOUND', { address: addressOf(draft.memory.key), timer: timer.id });
  takeTimer(draft, inbound, found);
  draft.withdrawTimer(found);
  return undefined;
}

/** A life that is over has no more appointments, and whoever takes no events now cannot be given one. */
function refuseStanding(draft: TurnDraft, verb: ControlMessage['verb']): void {
  const { name } = draft.lifecycle;
  const over = OVER[name];
  if (over !== undefined) throw errorOf(over, draft);
  if (name === 'quarantined' || (verb === 'fire' && !isRunnable(draft))) throw standing(draft);
}
