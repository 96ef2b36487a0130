/**
 * Kinds of actor logic, and the form of a machine that the interpreter runs.
 *
 * XState makes an actor as soon as a machine spawns one, and asks its logic for a first snapshot. In the form
 * that is run here every named logic hands that question over to the step (`family-step.ts`), so that what
 * a child does at its birth is collected like everything else.
 */
import type { AnyActorRef, AnyActorScope, AnyStateMachine } from 'xstate';
import { effectSpecOf } from '../effect.ts';
import { beget } from './actor-ref.ts';

/** What an actor logic is to an agent. `pure` ones (of `fromTransition`) and machines are steps; an effect runs outside. */
export type LogicKind = 'machine' | 'pure' | 'effect' | 'callback' | 'observable' | 'unknown';

/** A logic that is stepped: a machine, or a transition function. */
export interface SteppedLogic {
  readonly transition: (
    snapshot: ChildSnapshot,
    event: { readonly type: string },
    scope: AnyActorScope,
  ) => ChildSnapshot;
  readonly getInitialSnapshot: (scope: AnyActorScope, input: unknown) => ChildSnapshot;
}

/** The actors and effects of a snapshot, by their IDs. */
export type Children = Readonly<Record<string, AnyActorRef | undefined>>;

/** A child's snapshot: a machine's, or what a transition function has. */
export interface ChildSnapshot {
  readonly status: string;
  readonly context?: unknown;
  readonly output?: unknown;
  readonly error?: unknown;
  readonly children?: Children;
}

/** By its mark and not by its class: there may be two copies of XState in a process. */
export function isMachine(logic: unknown): logic is AnyStateMachine {
  if (typeof logic !== 'object' || logic === null) return false;
  const { __xstatenode: mark } = logic as { __xstatenode?: unknown };
  return mark === true;
}

/** XState gives its logics no names: only what runs for itself has a `start`, and an observable's first snapshot keeps its subscription. */
export function kindOf(logic: unknown): LogicKind {
  if (isMachine(logic)) return 'machine';
  if (typeof logic !== 'object' || logic === null) return 'unknown';
  if (effectSpecOf(logic) !== undefined) return 'effect';
  const { transition, getInitialSnapshot, start } = logic as { [property: string]: unknown };
  if (typeof transition !== 'function' || typeof getInitialSnapshot !== 'function') return 'unknown';
  if (start === undefined) return 'pure';
  try {
    const first: unknown = getInitialSnapshot({}, undefined);
    return typeof first === 'object' && first !== null && '_subscription' in first ? 'observable' : 'callback';
  } catch {
    return 'unknown';
  }
}

/** The actor that a machine knows under a name. Own ones only: `toString` is none. */
export function logicOf(machine: AnyStateMachine, src: string): unknown {
  const actors: Readonly<Record<string, unknown>> = machine.implementations.actors;
  return Object.hasOwn(actors, src) ? actors[src] : undefined;
}

/** The machine that is reached from another by the names of its actors. */
export function machineWithin(machine: AnyStateMachine, sources: readonly string[] = []): AnyStateMachine | undefined {
  let found: unknown = machine;
  for (const src of sources) found = isMachine(found) ? logicOf(found, src) : undefined;
  return isMachine(found) ? found : undefined;
}

const runnables = new WeakMap<AnyStateMachine, AnyStateMachine>();

/** The form of a machine that is run: the machine itself, where it knows no actors. */
export function runnable(machine: AnyStateMachine): AnyStateMachine {
  let form = runnables.get(machine);
  if (form !== undefined) return form;
  const actors = Object.entries(machine.implementations.actors as Record<string, unknown>);
  const announced = Object.fromEntries(actors.map(([src, logic]) => [src, announcing(src, logic)]));
  form = actors.length === 0 ? machine : machine.provide({ actors: announced } as never);
  runnables.set(machine, form);
  return form;
}

function announcing(src: string, logic: unknown): object {
  return {
    getInitialSnapshot: ({ self }: AnyActorScope, input: unknown) => beget(self, src, logic, input),
    transition: (snapshot: unknown) => snapshot,
    getPersistedSnapshot: (snapshot: unknown) => snapshot,
  };
}
