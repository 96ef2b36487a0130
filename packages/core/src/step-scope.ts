/**
 * The scope in which one step of a machine runs: it collects what XState would execute, and executes nothing.
 *
 * XState's `transition()` makes such a scope anew for every event, with an actor in it that evaluates the
 * machine's initial state each time, without input. Here one inert actor serves all steps of the process.
 */
import { type AnyActorRef, type AnyActorScope, type ExecutableActionObject, createEmptyActor } from 'xstate';

/** One step's scope, with what has been collected in it. */
export interface StepScope {
  readonly actorScope: AnyActorScope;
  /** What XState would execute, in order. */
  readonly actions: ExecutableActionObject[];
  /** Whether the event selected a transition; `undefined` until the first microstep is over. */
  handled: boolean | undefined;
  microsteps: number;
}

/**
 * Most microsteps (transitions by `always`, and raised events) of one step. XState has no limit by itself,
 * and a machine that goes round in circles would stop every agent of the process. 10,000 take some 20 ms.
 */
const MAX_MICROSTEPS = 10_000;

/** What `self` is in guards and actions. It is never started. */
const inert = createInert();
/** Steps are synchronous, and one may run inside another (a guard that asks a second machine): this is the innermost. */
let current: StepScope | undefined;

/** Runs one step in a new scope. */
export function inStep<T>(run: (scope: StepScope) => T): T {
  const outer = current;
  const scope = createScope();
  current = scope;
  try {
    return run(scope);
  } finally {
    current = outer;
  }
}

function createScope(): StepScope {
  const actions: ExecutableActionObject[] = [];
  const actorScope: AnyActorScope = {
    self: inert,
    id: '',
    sessionId: '',
    logger: console.log,
    defer: nothing,
    emit: nothing,
    stopChild: nothing,
    system: inert.system,
    actionExecutor: (action: ExecutableActionObject) => void actions.push(action),
  };
  return { actorScope, actions, handled: undefined, microsteps: 0 };
}

/** An actor that nobody starts would queue what is sent to it, for ever: one of these serves the whole process. */
function createInert(): AnyActorRef {
  const actor: AnyActorRef = createEmptyActor();
  actor.send = () => {
    throw new Error(
      'an agent cannot send to itself by self.send(): use raise(), or sendToAgent() with its own address',
    );
  };
  actor.system.inspect((event) => {
    if (event.type !== '@xstate.microstep' || current === undefined) return;
    const { _transitions: transitions } = event;
    current.handled ??= transitions.length > 0;
    current.microsteps += 1;
    if (current.microsteps > MAX_MICROSTEPS)
      throw new Error(`the machine goes round in circles: more than ${MAX_MICROSTEPS} transitions for one event`);
  });
  return actor;
}

/** What an effect's functions get in place of an actor of their own: there is none. */
export function noActor(): Pick<AnyActorScope, 'self' | 'system' | 'emit'> {
  return { self: inert, system: inert.system, emit: nothing };
}

function nothing(): void {}
