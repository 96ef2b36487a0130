/**
 * What a delay means while its agent sleeps. By itself it is a deadline: it is due when it is due, and wakes the agent.
 * The two functions here make delays of another meaning, which stand still in a sleep and wake nobody.
 *
 * They are ordinary delays of XState: in `setup({ delays })`, or as the `delay` of `raise` and `sendTo`. A plain
 * actor, which never sleeps, sees no difference.
 */
import type { EventObject, MachineContext } from 'xstate';
import type { ExpressionArgs } from './actions.ts';
import { noteDelay } from './step-scope.ts';

/** A delay as XState takes it. */
export type DelayExpression<TContext, TEvent> = (args: ExpressionArgs<TContext, TEvent>) => number;

/** A delay that counts only while the agent is awake: after a sleep it goes on with what was left. @param delay - Milliseconds, or a function of context and event that gives them. */
export function remaining<TContext extends MachineContext, TEvent extends EventObject>(
  delay: number | DelayExpression<TContext, TEvent>,
): DelayExpression<TContext, TEvent> {
  return noted('remaining', delay);
}

/** A delay that begins anew, in full, each time the agent wakes. @param delay - Milliseconds, or a function of context and event that gives them. */
export function restart<TContext extends MachineContext, TEvent extends EventObject>(
  delay: number | DelayExpression<TContext, TEvent>,
): DelayExpression<TContext, TEvent> {
  return noted('restart', delay);
}

/** XState evaluates a delay just before it hands over the action that has it. */
function noted<TContext, TEvent>(
  sleep: 'remaining' | 'restart',
  delay: number | DelayExpression<TContext, TEvent>,
): DelayExpression<TContext, TEvent> {
  return (args) => {
    const ms = typeof delay === 'function' ? delay(args) : delay;
    noteDelay(sleep);
    return ms;
  };
}
