/**
 * Checks that a machine can sleep: that nothing in it lives only in this process, and that nothing in it
 * is missing which would be noticed only when an agent gets there.
 *
 * It reads the config as the author wrote it, so that a path in an error is one that the author can
 * follow. What stands inside functions is out of its sight; `outputs.ts` refuses that when it is run.
 */
import { FAN_OUT_EVENT, WakebusError, encodedSizeBytes } from '@wakebus/protocol';
import type { AnyStateMachine } from 'xstate';
import { invokeFindings, sharedInvokeIds } from './family/actor-check.ts';
import { isMachine } from './family/logic.ts';
import { type Finding, actionFindings, delayFinding, guardFindings, list } from './implementation-check.ts';
import { isReserved } from './event-check.ts';
import { statesOf } from './machine-index.ts';

/** A state's config, as far as it is read here. Only what the author wrote: nothing is resolved yet. */
interface StateConfig {
  readonly [property: string]: unknown;
  readonly on?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly states?: Readonly<Record<string, StateConfig>>;
}

/** Internal events that an author may name: they are raised by the machine itself; and what a type's own agent gets by its schedules. */
const INTERNAL = ['xstate.after.', 'xstate.done.state.', 'xstate.done.actor.', 'xstate.error.actor.', FAN_OUT_EVENT];

/**
 * Refuses a machine that could not survive a sleep.
 *
 * @throws {WakebusError} `MACHINE_UNSUPPORTED` with the path in the machine (`states.working.on.GO.actions[1]`); `VALUE_NOT_DURABLE` for a constant context that cannot be stored.
 */
export function checkMachine(agentType: string, machine: AnyStateMachine): void {
  for (const { path, why } of familyFindings(machine, '', new Set()))
    throw new WakebusError('MACHINE_UNSUPPORTED', { agentType, path, why });
  const { context } = machine.config as { context?: unknown };
  if (typeof context !== 'function') encodedSizeBytes({ context });
}

/** Of a machine and of all machines that it may have as children: each once. */
function* familyFindings(machine: AnyStateMachine, prefix: string, seen: Set<AnyStateMachine>): Generator<Finding> {
  if (seen.has(machine)) return;
  const isRoot = seen.size === 0;
  seen.add(machine);
  for (const finding of findings(machine))
    if (isRoot || finding.isOfRoot !== true) yield { ...finding, path: prefix + finding.path };
  for (const [src, logic] of Object.entries<unknown>(machine.implementations.actors))
    if (isMachine(logic)) yield* familyFindings(logic, `${prefix}implementations.actors.${src}.`, seen);
}

function* findings(machine: AnyStateMachine): Generator<Finding> {
  yield* stateFindings(machine, machine.config as StateConfig, '');
  yield* duplicateIds(machine);
  yield* sharedInvokeIds(machine);
  for (const [name, action] of Object.entries(machine.implementations.actions)) {
    yield* actionFindings(machine, action, `implementations.actions.${name}`);
  }
  for (const [name, guard] of Object.entries(machine.implementations.guards)) {
    yield* guardFindings(machine, guard, `implementations.guards.${name}`);
  }
}

function* stateFindings(machine: AnyStateMachine, state: StateConfig, prefix: string): Generator<Finding> {
  for (const [i, invoke] of list(state['invoke']).entries()) {
    const path = `${prefix}invoke${Array.isArray(state['invoke']) ? `[${i}]` : ''}`;
    yield* invokeFindings(machine, invoke, path);
    for (const property of ['onDone', 'onError', 'onSnapshot'] as const)
      yield* transitionFindings(machine, (invoke as StateConfig | null)?.[property], `${path}.${property}`);
  }
  if (state['route'] !== undefined) {
    yield {
      path: `${prefix}route`,
      why: 'a route is taken by an "xstate.route" event, which nobody may send to an agent; use an event of your own',
    };
  }
  for (const property of ['entry', 'exit'] as const)
    yield* actionsFindings(machine, state[property], prefix + property);
  yield* initialFindings(machine, state['initial'], prefix);
  for (const property of ['always', 'onDone'] as const)
    yield* transitionFindings(machine, state[property], prefix + property);
  for (const [event, transition] of Object.entries(state.on ?? {}))
    yield* eventFindings(machine, event, transition, `${prefix}on.${event}`);
  for (const [delay, transition] of Object.entries(state.after ?? {})) {
    yield* delayFinding(machine, delay, `${prefix}after.${delay}`);
    yield* transitionFindings(machine, transition, `${prefix}after.${delay}`);
  }
  for (const [name, child] of Object.entries(state.states ?? {}))
    yield* stateFindings(machine, child, `${prefix}states.${name}.`);
}

function* eventFindings(
  machine: AnyStateMachine,
  event: string,
  transition: unknown,
  path: string,
): Generator<Finding> {
  if (isReserved(event) && !INTERNAL.some((start) => event.startsWith(start))) {
    yield {
      path,
      why: `events that start with "xstate." or "wakebus." are the runtime's own and never come in; choose another name than "${event}"`,
    };
  }
  yield* transitionFindings(machine, transition, path);
}

function* transitionFindings(machine: AnyStateMachine, transitions: unknown, path: string): Generator<Finding> {
  for (const [i, transition] of list(transitions).entries()) {
    if (typeof transition !== 'object' || transition === null) continue;
    const { actions, guard } = transition as { actions?: unknown; guard?: unknown };
    const at = Array.isArray(transitions) ? `${path}[${i}]` : path;
    yield* actionsFindings(machine, actions, `${at}.actions`);
    if (guard !== undefined) yield* guardFindings(machine, guard, `${at}.guard`);
  }
}

function* initialFindings(machine: AnyStateMachine, initial: unknown, prefix: string): Generator<Finding> {
  if (typeof initial !== 'object' || initial === null) return;
  yield* actionsFindings(machine, (initial as { actions?: unknown }).actions, `${prefix}initial.actions`);
}

function* actionsFindings(machine: AnyStateMachine, actions: unknown, path: string): Generator<Finding> {
  for (const [i, action] of list(actions).entries()) {
    yield* actionFindings(machine, action, Array.isArray(actions) ? `${path}[${i}]` : path);
  }
}

/** Timers are named after the state's ID, and XState lets two states have the same. */
function* duplicateIds(machine: AnyStateMachine): Generator<Finding> {
  const seen = new Map<string, string>();
  for (const { id, path } of statesOf(machine)) {
    const place = path.map((name) => `states.${name}`).join('.') || 'the root';
    const other = seen.get(id);
    if (other !== undefined)
      yield { path: place, why: `its ID "${id}" is also that of ${other}; their timers could not be told apart` };
    seen.set(id, place);
  }
}
