/**
 * The interpreter: one event into one machine, purely. Nothing is executed; what the machine wants done
 * comes back as outputs, in the machine's order.
 *
 * It is what XState's `transition()` is, for the agent's machine and its children (`family/family-step.ts`).
 * What the outputs are is in `outputs.ts`. Order, commits and failed attempts are the turn's.
 */
import { type AgentEvent, type AgentKey, decodeToken, splitKey } from '@wakebus/protocol';
import type { AgentAddress, AnyAgentDefinition } from './define-agent.ts';
import { type ActorName, type AgentSnapshot, hasActor } from './family/family.ts';
import { FamilyStep, NO_NAME, Untaken } from './family/family-step.ts';
import { seal } from './family/seal.ts';
import { indexOf } from './machine-index.ts';
import { type Output, unsupported } from './outputs.ts';

export type { AgentSnapshot } from './family/family.ts';
export type { Output } from './outputs.ts';

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
  const { machine, type: agentType } = definition;
  const machineInput = input === undefined ? (definition.input?.(addressParts(key)) as unknown) : input;
  const during = 'its birth';
  const step = new FamilyStep({ agentType, machine, snapshot: undefined, during });
  return step.host(() => {
    step.birth(machineInput);
    return { snapshot: sealed(step, undefined, agentType, during), outputs: step.outputs };
  });
}

/**
 * Applies one event.
 *
 * An event of a type that the machine does not know at all changes nothing, and XState never sees it: it
 * keeps a cache entry for each type that it was ever asked about, and types come from outside. Nothing
 * happens in a machine that is done, either.
 *
 * @param actor - Which of the agent's actors it is for. @default the agent's own machine
 * @throws what the machine's code threw; {@link WakebusError} `MACHINE_UNSUPPORTED` for an action that
 * cannot be kept, `VALUE_NOT_DURABLE` for an output that cannot be stored. `snapshot` is then as it was.
 */
export function applyEvent(
  definition: AnyAgentDefinition,
  snapshot: AgentSnapshot,
  event: AgentEvent,
  actor?: ActorName,
): Step {
  const { machine, type: agentType } = definition;
  const known = actor !== undefined || indexOf(machine).knows(event.type);
  const nothing: Step = { snapshot, outputs: NO_OUTPUTS, handled: false, known };
  if (!known || snapshot.status !== 'active' || !hasActor(snapshot, actor)) return nothing;
  const during = `"${event.type}"`;
  const step = new FamilyStep({ agentType, machine, snapshot, during });
  try {
    return step.host(() => {
      step.take(actor, event);
      const outputs = step.outputs.length === 0 ? NO_OUTPUTS : step.outputs;
      // An effect's error that a child does not take is its parent's to take; who came this far has taken it.
      const handled = step.handled === true || (actor !== undefined && isError(event));
      return { snapshot: sealed(step, snapshot, agentType, during), outputs, handled, known };
    });
  } catch (thrown) {
    if (!(thrown instanceof Untaken)) throw thrown;
    // To XState an effect's error that no state takes is the end of the machine. Here it is a dead letter.
    if (isError(event) && event['error'] === thrown.cause) return nothing;
    throw thrown.cause;
  }
}

function isError({ type }: AgentEvent): boolean {
  return type.startsWith('xstate.error.actor.');
}

function sealed(step: FamilyStep, before: AgentSnapshot | undefined, agentType: string, during: string): AgentSnapshot {
  return seal(step, before, () => {
    throw unsupported(agentType, during, NO_NAME);
  });
}

function addressParts(key: AgentKey): AgentAddress {
  const { type, idToken } = splitKey(key);
  return { type, id: decodeToken(idToken) ?? idToken };
}
