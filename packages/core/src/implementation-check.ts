/**
 * Checks one action, guard or delay of a machine: that it is there, and of a kind that an agent can have.
 */
import type { AnyStateMachine } from 'xstate';
import { whyNoActor } from './family/actor-check.ts';

/** Something that an agent cannot have, and where it stands in the machine's config. */
export interface Finding {
  readonly path: string;
  readonly why: string;
  /** It is wrong only in the agent's own machine, which has no parent. */
  readonly isOfRoot?: true;
}

/** One or many, or none, as a list: configs allow each. */
export function list(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** What is wrong with an action: a name, an object with a name and params, a function, or one of XState's own. */
export function* actionFindings(machine: AnyStateMachine, action: unknown, path: string): Generator<Finding> {
  if (typeof action === 'function') {
    yield* builtInFindings(machine, action, path);
    return;
  }
  const name = nameOf(action);
  if (name === undefined) yield { path, why: 'it is neither the name of an action nor an action' };
  else if (!has(machine.implementations.actions, name))
    yield { path, why: missing('action', name, machine.implementations.actions) };
}

function* builtInFindings(machine: AnyStateMachine, action: object, path: string): Generator<Finding> {
  const { type, delay, to, ...spawn } = action as { type?: unknown; delay?: unknown; to?: unknown };
  if (type === 'xstate.spawnChild') {
    const why = whyNoActor(machine, spawn);
    if (why !== undefined) yield { path, why };
  } else if (type === 'xstate.sendTo' && to === '#_parent')
    yield { path, why: 'an agent has no parent: use sendToAgent() with an address', isOfRoot: true };
  else if (type === 'xstate.sendTo' && typeof to === 'string' && !reaches(machine, to))
    yield {
      path,
      why: `sendTo() and forwardTo() reach only the agent's own actors: use sendToAgent('<type>/<id>', event)`,
    };
  if ((type === 'xstate.raise' || type === 'xstate.sendTo') && typeof delay === 'string')
    yield* delayFinding(machine, delay, path);
}

/** Whether a name can be that of an actor: which actors there are by then, only the machine knows. */
function reaches(machine: AnyStateMachine, to: string): boolean {
  return to.startsWith('#_') || (!to.includes('/') && Object.keys(machine.implementations.actors).length > 0);
}

/** What is wrong with a guard, or with those that `and`, `or` and `not` hold. */
export function* guardFindings(machine: AnyStateMachine, guard: unknown, path: string): Generator<Finding> {
  if (typeof guard === 'function') {
    for (const [i, inner] of list((guard as { guards?: unknown }).guards).entries())
      yield* guardFindings(machine, inner, `${path}.guards[${i}]`);
    return;
  }
  const name = nameOf(guard);
  if (name === undefined) yield { path, why: 'it is neither the name of a guard nor a guard' };
  else if (!has(machine.implementations.guards, name))
    yield { path, why: missing('guard', name, machine.implementations.guards) };
}

/** What is wrong with a delay: a number of milliseconds, or the name of one. */
export function* delayFinding(machine: AnyStateMachine, delay: string, path: string): Generator<Finding> {
  const ms = Number(delay);
  if (!Number.isNaN(ms)) {
    if (!Number.isFinite(ms) || ms < 0) yield { path, why: `a delay of ${delay} ms never comes` };
    return;
  }
  const delays: Readonly<Record<string, unknown>> = machine.implementations.delays;
  const implementation = delays[delay];
  if (!has(delays, delay)) yield { path, why: missing('delay', delay, delays) };
  else if (
    typeof implementation !== 'function' &&
    !(Number.isFinite(implementation) && (implementation as number) >= 0)
  ) {
    yield { path, why: `the delay "${delay}" is ${String(implementation)} and not a number of milliseconds` };
  }
}

function nameOf(reference: unknown): string | undefined {
  if (typeof reference === 'string') return reference;
  const type: unknown =
    typeof reference === 'object' && reference !== null ? (reference as { type?: unknown }).type : undefined;
  return typeof type === 'string' ? type : undefined;
}

/** Own ones only: `toString` is no action. */
function has(implementations: object, name: string): boolean {
  return Object.hasOwn(implementations, name) && (implementations as Record<string, unknown>)[name] !== undefined;
}

function missing(kind: string, name: string, known: object): string {
  const names = Object.keys(known);
  const there = names.length === 0 ? 'the machine has none' : `there are ${names.join(', ')}`;
  return `the ${kind} "${name}" has no implementation (${there}); give it one in setup() or provide()`;
}
