/** One pure step of the machine, and its outputs folded into the draft. */
import {
  type AgentEvent,
  HISTORY_PAYLOAD_LIMIT_BYTES,
  WakebusError,
  addressOf,
  isWakebusError,
} from '@wakebus/protocol';
import { type ActorName, type AgentSnapshot, hasActor } from '../family/family.ts';
import { type Output, applyEvent, initialStep } from '../interpreter.ts';
import { putToProgram } from '../program/question.ts';
import type { TurnDraft } from './draft.ts';
import { type Deliver, abortEffect, planEffect } from './effects.ts';
import { openEffects } from './journal.ts';
import { giveUp } from './give-up.ts';
import { type Inbound, type InboundOf, eventIn } from './inbound.ts';
import { addSchedule, removeSchedule } from './schedules.ts';

/** Of whom history says that an event is. */
export interface StepFacts {
  readonly from?: string;
  readonly id?: string;
  /** Which of the agent's actors it is for. @default the agent's own machine */
  readonly actor?: ActorName;
}

/** The machine is needed, and the agent's state is still bytes: the turn ends before this message. */
export class StateNeeded extends Error {
  override readonly name = 'StateNeeded';
}

/** One pure step of the machine, its outputs folded into the draft. @returns whether some state took the event. */
export function step(draft: TurnDraft, inbound: Inbound, event: AgentEvent, facts: StepFacts): boolean {
  const { memory } = draft;
  if (memory.isUndecoded === true) throw new StateNeeded();
  const birth = draft.snapshot === undefined ? initialStep(memory.definition, memory.key) : undefined;
  const before = birth?.snapshot ?? (draft.snapshot as AgentSnapshot);
  const isForProgram = memory.definition.runner !== undefined && facts.actor === undefined;
  const taken = isForProgram ? putToProgram(draft, inbound, event, facts) : event;
  if (taken === undefined) return true;
  const result = applyEvent(memory.definition, before, taken, facts.actor);
  if (!result.known && (inbound.kind === 'event' || inbound.kind === 'message')) {
    if (birth !== undefined) takeBirth(draft, inbound, birth);
    const error = new WakebusError('EVENT_UNKNOWN', { address: addressOf(memory.key), event: event.type });
    giveUp(draft, inbound, error, 0);
    return false;
  }
  if (birth !== undefined) takeBirth(draft, inbound, birth);
  draft.isStirred ||= result.handled || result.outputs.length > 0;
  draft.snapshot = result.snapshot;
  const answered = collect(draft, inbound, result.outputs);
  if (!answered && inbound.reply !== undefined) draft.reply(inbound, defaultAnswer(draft, event, result.handled));
  if (draft.snapshot?.status === 'done') draft.complete();
  draft.history.push(historyOf(inbound, event, facts));
  return result.handled;
}

function takeBirth(draft: TurnDraft, inbound: Inbound, birth: ReturnType<typeof initialStep>): void {
  draft.isStirred = true;
  draft.snapshot = birth.snapshot;
  collect(draft, inbound, birth.outputs);
}

function defaultAnswer(draft: TurnDraft, event: AgentEvent, handled: boolean): Parameters<TurnDraft['reply']>[1] {
  if (handled) return { ok: true };
  const reason = `it ignores "${event.type}" in its present state, ${JSON.stringify(draft.snapshot?.value)}`;
  return {
    ok: false,
    error: new WakebusError('AGENT_REFUSED', { address: addressOf(draft.memory.key), reason }).toJSON(),
  };
}

/** Folds outputs into the draft. @returns whether one of them answers the event. */
function collect(draft: TurnDraft, inbound: Inbound, outputs: readonly Output[]): boolean {
  const firstIndex = draft.indexOf(inbound.seq, outputs.length);
  let answered = false;
  outputs.forEach((output, i) => {
    if (output.kind === 'reply') draft.reply(inbound, { ok: true, value: output.value });
    else if (output.kind === 'refuse') draft.reply(inbound, { ok: false, error: refusal(draft, output) });
    else take(draft, inbound.seq, firstIndex + i, output);
    answered ||= output.kind === 'reply' || output.kind === 'refuse';
    draft.outputNames.push(nameOf(output));
  });
  return answered;
}

function take(
  draft: TurnDraft,
  seq: number,
  index: number,
  output: Exclude<Output, { kind: 'reply' | 'refuse' }>,
): void {
  switch (output.kind) {
    case 'send':
      return draft.send(seq, index, output.to, output.event);
    case 'timer':
      return draft.arm(output);
    case 'cancel':
      return draft.cancel(output.id, output.actor);
    case 'unschedule':
      return void removeSchedule(draft, output.id);
    case 'schedule':
      return void addSchedule(draft, output.id, output.schedule);
    case 'effect':
      return planEffect(draft, { seq, index }, output);
    case 'abort':
      return abortEffect(draft, output);
    case 'end':
      return endActor(draft, output.actor);
    case 'emit':
      draft.emits.push(output.event);
      return;
    case 'action':
      draft.actions.push(output.run);
      return;
    case 'sleep':
      draft.sleep = true;
  }
}

/** A child actor is over, and all that it had running with it. */
function endActor(draft: TurnDraft, actor: string): void {
  for (const timer of draft.timers.filter((each) => each.actor === actor)) draft.cancelTimer(timer);
  for (const effect of openEffects(draft.journal)) if (effect.actor === actor) abortEffect(draft, effect);
}

function refusal(draft: TurnDraft, output: Extract<Output, { kind: 'refuse' }>): ReturnType<WakebusError['toJSON']> {
  return new WakebusError('AGENT_REFUSED', {
    address: addressOf(draft.memory.key),
    reason: output.reason,
    detail: output.detail,
  }).toJSON();
}

function nameOf(output: Output): string {
  switch (output.kind) {
    case 'send':
      return `send ${output.event.type} to ${addressOf(output.to)}`;
    case 'timer':
    case 'cancel':
    case 'effect':
    case 'abort':
      return `${output.kind} ${output.actor === undefined ? '' : `${output.actor}/`}${output.id}`;
    case 'schedule':
    case 'unschedule':
      return `${output.kind} ${output.id}`;
    case 'emit':
      return `emit ${output.event.type}`;
    case 'end':
      return `end ${output.actor}`;
    default:
      return output.kind;
  }
}

/** What history says of an event. */
export function historyOf(inbound: Inbound, event: AgentEvent, facts: StepFacts): TurnDraft['history'][number] {
  const { type, ...payload } = event;
  const id = facts.id ?? inbound.messageId;
  return {
    seq: inbound.seq,
    type,
    ...(id !== undefined && { id }),
    ...(facts.from !== undefined && { from: facts.from }),
    ...(inbound.sizeBytes <= HISTORY_PAYLOAD_LIMIT_BYTES && { payload }),
  };
}

/** The error that a throwing machine stands for. */
export function turnError(draft: TurnDraft, inbound: Inbound, thrown: unknown): WakebusError {
  if (isWakebusError(thrown)) return thrown;
  const named = inbound.kind === 'effect' ? `effect ${inbound.result.id}` : inbound.kind;
  const event = eventIn(inbound)?.type ?? named;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new WakebusError('TURN_FAILED', { address: addressOf(draft.memory.key), event, reason }, { cause: thrown });
}

/** How an effect tells the machine what became of it. A caller's address is not passed on: the answer is the runtime's. */
export function deliverTo(
  draft: TurnDraft,
  { reply: _caller, ...inbound }: InboundOf<'effect' | 'timer' | 'control'>,
): Deliver {
  return (event, actor) => {
    // Nobody is left who could be told: a migration has taken the actor away.
    if (draft.snapshot !== undefined && !hasActor(draft.snapshot, actor)) return true;
    return step(draft, inbound, event, { from: event.type.slice('xstate.'.length), actor });
  };
}
