/**
 * The interpreter: one event into one machine, purely. Nothing is executed; what the machine wants done
 * comes back as outputs, in the machine's order.
 *
 * It is what XState's `transition()` is, in a scope of its own (`step-scope.ts`). What the outputs are is
 * in `outputs.ts`. Order, commits and failed attempts are the turn's.
 */
import { type AgentEvent, type AgentKey, decode, decodeToken, encode, splitKey } from '@wakebus/protocol';
import type { AnyMachineSnapshot } from 'xstate';
import { isStub, withChildren } from './child-stubs.ts';
import type { AgentAddress, AnyAgentDefinition } from './define-agent.ts';
import { indexOf } from './machine-index.ts';
import { type Output, toOutput, unsupported } from './outputs.ts';
import { type StepScope, inStep } from './step-scope.ts';

export type { Output } from './outputs.ts';

/** A machine's state in memory, as `transition` takes it. Immutable; a step returns another one. */
export type AgentSnapshot = AnyMachineSnapshot;

/** What became of an event. */
export interface Step {
  /** The very same object where nothing changed. `status` is `active`, or `done` with an `output`. */
  readonly snapshot: AgentSnapshot;
  readonly outputs: readonly Output[];
  /** Whether the event selected a transition (a forbidden one, `EVENT: {}`, counts). */
  readonly handled: boolean;
  /** Whether any state of the machine, wildcards included, knows events of this type. */
  readonly known: boolean;
}

/** The first step of an agent. */
export type InitialStep = Pick<Step, 'snapshot' | 'outputs'>;

const NO_OUTPUTS: readonly Output[] = Object.freeze([]);

/**
 * The state in which an agent is born.
 *
 * A context that the machine's config holds as one object is copied: every agent of the process would share it otherwise.
 *
 * @param key - Whose birth it is; the definition's `input` gets it as an address.
 * @param input - Overrides the definition's `input`.
 * @throws what the machine's code threw; {@link WakebusError} `MACHINE_UNSUPPORTED` or `VALUE_NOT_DURABLE`.
 */
export function initialStep(definition: AnyAgentDefinition, key: AgentKey, input?: unknown): InitialStep {
  const { machine } = definition;
  const machineInput = input === undefined ? (definition.input?.(addressParts(key)) as unknown) : input;
  return inStep((scope) => {
    const first: AgentSnapshot = machine.getInitialSnapshot(scope.actorScope, machineInput);
    const { snapshot, outputs } = finish(definition, first, scope, 'its birth');
    if (typeof machine.config.context === 'function') return { snapshot, outputs };
    return { snapshot: { ...snapshot, context: decode(encode(snapshot.context)) } as AgentSnapshot, outputs };
  });
}

/**
 * Applies one event.
 *
 * An event of a type that the machine does not know at all changes nothing, and XState never sees it: it
 * keeps a cache entry for each type that it was ever asked about, and types come from outside. Nothing
 * happens in a machine that is done, either.
 *
 * @throws what the machine's code threw; {@link WakebusError} `MACHINE_UNSUPPORTED` for an action that
 * cannot be kept, `VALUE_NOT_DURABLE` for an output that cannot be stored. `snapshot` is then as it was.
 */
export function applyEvent(definition: AnyAgentDefinition, snapshot: AgentSnapshot, event: AgentEvent): Step {
  const known = indexOf(definition.machine).knows(event.type);
  if (!known || snapshot.status !== 'active') return { snapshot, outputs: NO_OUTPUTS, handled: false, known };
  return inStep((scope) => {
    const next: AgentSnapshot = definition.machine.transition(snapshot, event, scope.actorScope);
    // To XState an effect's error that no state takes is the end of the machine. Here it is a dead letter.
    if (next.status === 'error' && scope.handled === false)
      return { snapshot, outputs: NO_OUTPUTS, handled: false, known };
    const { snapshot: after, outputs } = finish(definition, next, scope, `"${event.type}"`);
    return { snapshot: after, outputs, handled: scope.handled === true, known };
  });
}

/** XState returns some exceptions as a snapshot; here every one is thrown, so that the old snapshot stands. */
function finish(
  definition: AnyAgentDefinition,
  snapshot: AgentSnapshot,
  scope: StepScope,
  during: string,
): InitialStep {
  if (snapshot.status === 'error') throw snapshot.error;
  let outputs = NO_OUTPUTS as Output[];
  for (const action of scope.actions) {
    const output = toOutput(definition, action, during);
    if (output === undefined) continue;
    if (outputs.length === 0) outputs = [];
    outputs.push(output);
  }
  return { snapshot: withStubs(definition.type, snapshot, outputs, during), outputs };
}

/** The snapshot with stubs in place of the actors that XState has made for effects. Others are refused. */
function withStubs(
  agentType: string,
  snapshot: AgentSnapshot,
  outputs: readonly Output[],
  during: string,
): AgentSnapshot {
  const ids: string[] = [];
  for (const id in snapshot.children) if (snapshot.children[id] !== undefined) ids.push(id);
  const isKept = (id: string): boolean =>
    isStub(snapshot.children[id]) || outputs.some((output) => output.kind === 'effect' && output.id === id);
  const strange = ids.find((id) => !isKept(id));
  if (strange === undefined) return withChildren(snapshot, ids);
  throw unsupported(
    agentType,
    during,
    `it spawns the actor "${strange}" inside assign(), which would not survive a sleep; invoke it, or use spawnChild()`,
  );
}

function addressParts(key: AgentKey): AgentAddress {
  const { type, idToken } = splitKey(key);
  return { type, id: decodeToken(idToken) ?? idToken };
}
