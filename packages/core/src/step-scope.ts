/**
 * The scope in which one actor's step runs: it collects what XState would execute, and executes nothing.
 *
 * XState's `transition()` makes such a scope anew for every event, with an actor in it that evaluates the
 * machine's initial state each time, without input. Here `self` is a reference that holds no state.
 */
import type { AnyActorRef, AnyActorScope, ExecutableActionObject } from 'xstate';
import { observeSteps, rootRef } from './family/actor-ref.ts';

/** One step's scope, with what has been collected in it. */
export interface StepScope {
  readonly actorScope: AnyActorScope;
  /** What XState would execute, in order. */
  readonly actions: ExecutableActionObject[];
  /** Whether the event selected a transition; `undefined` until the first microstep is over. */
  handled: boolean | undefined;
  readonly budget: StepBudget;
  /** What the delay means that was evaluated last, for the action that has it. */
  delay: 'remaining' | 'restart' | undefined;
}

/** What all actors of an agent may do for one event. */
export interface StepBudget {
  microsteps: number;
}

/** How a scope is not that of an agent's own machine. */
export interface ScopeOptions {
  readonly self?: AnyActorRef;
  readonly budget?: StepBudget;
  /** Told of each action as it is collected. */
  readonly onAction?: (action: ExecutableActionObject) => void;
  /** Told of what XState puts off until the step is over: only the start of an actor that `assign` has spawned. */
  readonly onDefer?: (scope: StepScope) => void;
}

/**
 * Most microsteps (transitions by `always`, raised events, events between the actors of an agent) of one event.
 * XState has no limit by itself, and a machine that goes round in circles would stop every agent of the
 * process. 10,000 take some 20 ms.
 */
const MAX_MICROSTEPS = 10_000;

/** Steps are synchronous, and one may run inside another (a guard that asks a second machine): this is the innermost. */
let current: StepScope | undefined;

observeSteps((event) => {
  if (event.type !== '@xstate.microstep' || current === undefined) return;
  const { _transitions: transitions } = event as unknown as { readonly _transitions: readonly unknown[] };
  current.handled ??= transitions.length > 0;
  spend(current.budget);
});

/** Counts a microstep. @throws when there have been too many. */
export function spend(budget: StepBudget): void {
  budget.microsteps += 1;
  if (budget.microsteps > MAX_MICROSTEPS)
    throw new Error(`the machine goes round in circles: more than ${MAX_MICROSTEPS} transitions for one event`);
}

/** Says what the delay means in a sleep that is being evaluated. Outside of a step it means nothing. */
export function noteDelay(sleep: 'remaining' | 'restart'): void {
  if (current !== undefined) current.delay = sleep;
}

/** Runs one step in a new scope. */
export function inStep<T>(run: (scope: StepScope) => T, options: ScopeOptions = {}): T {
  const outer = current;
  const scope = createScope(options);
  current = scope;
  try {
    return run(scope);
  } finally {
    current = outer;
  }
}

function createScope({ self = rootRef, budget = { microsteps: 0 }, onAction, onDefer }: ScopeOptions): StepScope {
  const actions: ExecutableActionObject[] = [];
  const actorScope: AnyActorScope = {
    self,
    id: self.id,
    sessionId: self.sessionId,
    logger: console.log,
    defer: onDefer === undefined ? nothing : () => onDefer(scope),
    emit: nothing,
    stopChild: nothing,
    system: self.system,
    actionExecutor: (action: ExecutableActionObject) => {
      if (scope.delay !== undefined) {
        Object.assign(action.params as object, { sleep: scope.delay });
        scope.delay = undefined;
      }
      actions.push(action);
      onAction?.(action);
    },
  };
  const scope: StepScope = { actorScope, actions, handled: undefined, budget, delay: undefined };
  return scope;
}

/** What an effect's functions get in place of an actor of their own: there is none. */
export function noActor(): Pick<AnyActorScope, 'self' | 'system' | 'emit'> {
  return { self: rootRef, system: rootRef.system, emit: nothing };
}

function nothing(): void {}
