/**
 * Actions for talking to the bus from a machine: `sendToAgent`, `reply`, `refuse`, `schedule`, `unschedule`, `sleepNow`.
 *
 * Each is an ordinary XState action: inline, named in `setup({ actions })`, or given to `enqueue`. Run by
 * a plain actor it does nothing, so a machine stays testable without Wakebus. The interpreter finds the
 * mark on it and resolves what it stands for; nothing here sends anything.
 */
import {
  type AgentEvent,
  type AgentKey,
  type Schedule,
  checkScheduleId,
  parseAddress,
  specOfSchedule,
} from '@wakebus/protocol';
import type { EventObject, MachineContext } from 'xstate';
import { checkEvent } from './event-check.ts';
import { checkTimes } from './schedule-times.ts';

/** What an action made here stands for, once its arguments are known. */
export type MarkedOutput =
  | { readonly kind: 'send'; readonly to: AgentKey; readonly event: AgentEvent }
  | { readonly kind: 'reply'; readonly value: unknown }
  | { readonly kind: 'refuse'; readonly reason: string; readonly detail: unknown }
  | { readonly kind: 'schedule'; readonly id: string; readonly schedule: Schedule }
  | { readonly kind: 'unschedule'; readonly id: string }
  | { readonly kind: 'sleep' };

/** What an expression gets: as in every XState action, the context after the assignments before it. */
export interface ExpressionArgs<TContext, TEvent> {
  readonly context: TContext;
  readonly event: TEvent;
}

/** A value, or a function of context and event (and the action's params) that gives it. */
export type Expression<TContext, TEvent, TParams, T> =
  | T
  | ((args: ExpressionArgs<TContext, TEvent>, params: TParams) => T);

/** The shape that XState takes as a custom action. */
export type AgentAction<TContext, TEvent, TParams> = (args: ExpressionArgs<TContext, TEvent>, params: TParams) => void;

/** `unknown` that does not swallow the function beside it in a union: the function's arguments keep their types. */
type Anything = object | string | number | bigint | boolean | symbol | null | undefined;

type Resolver = (args: ExpressionArgs<unknown, unknown>, params: unknown) => MarkedOutput;

/** `Symbol.for`: two copies of this package in one process must still know each other's actions. */
const RESOLVE = Symbol.for('@wakebus/core/action');

/**
 * Sends an event to another agent. It is stored with the turn's commit and handed over afterwards, in
 * order per receiver; a receiver that does not exist is born by it.
 *
 * @param to - The receiver as `<type>/<id>`, or a function that gives it.
 * @param event - The event, or a function that gives it.
 * @throws {WakebusError} when the turn runs, not here: `INVALID_ADDRESS` or `RESERVED_EVENT`. The turn then fails.
 */
export function sendToAgent<TContext extends MachineContext, TEvent extends EventObject, TParams = undefined>(
  to: Expression<TContext, TEvent, TParams, string>,
  event: Expression<TContext, TEvent, TParams, AgentEvent>,
): AgentAction<TContext, TEvent, TParams> {
  return mark<TContext, TEvent, TParams>((args, params) => ({
    kind: 'send',
    to: parseAddress(evaluate(to, args, params)),
    event: evaluate(event, args, params),
  }));
}

/**
 * Answers the caller of the event that this turn step processes. Without a caller it does nothing; the
 * first answer counts.
 *
 * @param value - The answer, or a function that gives it. It must be durable, and replies over 4 KB are not kept for a second asking.
 */
export function reply<TContext extends MachineContext, TEvent extends EventObject, TParams = undefined>(
  value?: Expression<TContext, TEvent, TParams, Anything>,
): AgentAction<TContext, TEvent, TParams> {
  return mark<TContext, TEvent, TParams>((args, params) => ({ kind: 'reply', value: evaluate(value, args, params) }));
}

/**
 * Refuses the event towards its caller, who gets `AGENT_REFUSED`. The state still changes as the machine says.
 *
 * @param reason - One sentence for the caller, without a full stop.
 * @param detail - Facts for the caller's program; must be durable.
 */
export function refuse<TContext extends MachineContext, TEvent extends EventObject, TParams = undefined>(
  reason: Expression<TContext, TEvent, TParams, string>,
  detail?: Expression<TContext, TEvent, TParams, Anything>,
): AgentAction<TContext, TEvent, TParams> {
  return mark<TContext, TEvent, TParams>((args, params) => ({
    kind: 'refuse',
    reason: evaluate(reason, args, params),
    detail: evaluate(detail, args, params),
  }));
}

/**
 * Makes a schedule of this agent's, or replaces the one with the same ID; one that is just the same is left
 * alone, so that it may stand in an entry action. The agent sleeps in between, and each occurrence is its
 * event, with a field `occurrence`.
 *
 * @param id - Its name among the agent's timers: `cancel(id)` and {@link unschedule} end it.
 * @param plan - When, what, and what becomes of occurrences that were missed or overlap; or a function that gives it.
 * @throws {WakebusError} `INVALID_OPTION` or `RESERVED_EVENT`: at once, or when the turn runs for what a function gives. The turn then fails.
 */
export function schedule<TContext extends MachineContext, TEvent extends EventObject, TParams = undefined>(
  id: Expression<TContext, TEvent, TParams, string>,
  plan: Expression<TContext, TEvent, TParams, Schedule>,
): AgentAction<TContext, TEvent, TParams> {
  if (typeof plan !== 'function') checkSchedule(plan);
  return mark<TContext, TEvent, TParams>((args, params) => ({
    kind: 'schedule',
    id: checkScheduleId(evaluate(id, args, params)),
    schedule: checkSchedule(evaluate(plan, args, params)),
  }));
}

/**
 * Ends a schedule, or any other timer of that ID; without one it does nothing.
 *
 * @param id - As given to {@link schedule}, or a function that gives it.
 */
export function unschedule<TContext extends MachineContext, TEvent extends EventObject, TParams = undefined>(
  id: Expression<TContext, TEvent, TParams, string>,
): AgentAction<TContext, TEvent, TParams> {
  return mark<TContext, TEvent, TParams>((args, params) => ({ kind: 'unschedule', id: evaluate(id, args, params) }));
}

function checkSchedule(plan: Schedule): Schedule {
  checkTimes(specOfSchedule(plan));
  checkEvent(plan.event);
  return plan;
}

/** Puts the agent to sleep with this turn's commit, instead of after its idle time, unless more events wait. */
export function sleepNow(): AgentAction<MachineContext, EventObject, unknown> {
  return mark<MachineContext, EventObject, unknown>(() => ({ kind: 'sleep' }));
}

/** What a marked action stands for, or `undefined` for any other function. @throws what the author's expressions throw. */
export function resolveMarked(
  action: unknown,
  args: ExpressionArgs<unknown, unknown>,
  params: unknown,
): MarkedOutput | undefined {
  return (action as { [RESOLVE]?: Resolver })[RESOLVE]?.(args, params);
}

function mark<TContext, TEvent, TParams>(
  resolve: (args: ExpressionArgs<TContext, TEvent>, params: TParams) => MarkedOutput,
): AgentAction<TContext, TEvent, TParams> {
  return Object.assign(doNothing.bind(undefined), { [RESOLVE]: resolve });
}

/** What a plain actor runs. */
function doNothing(): void {}

function evaluate<TContext, TEvent, TParams, T>(
  expression: Expression<TContext, TEvent, TParams, T>,
  args: ExpressionArgs<TContext, TEvent>,
  params: TParams,
): T {
  if (typeof expression !== 'function') return expression;
  return (expression as (args: ExpressionArgs<TContext, TEvent>, params: TParams) => T)(args, params);
}
