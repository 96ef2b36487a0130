/**
 * Checks that every state of the older machines has a home in the present one, so that an upgrade cannot
 * strand an agent which sleeps in a state that is gone.
 *
 * A migration is tried on each old state, with the context that the old machine starts with. One that
 * throws on that context proves nothing, and is not held against it.
 */
import { WakebusError, isWakebusError } from '@wakebus/protocol';
import type { AnyStateMachine, AnyStateNode, StateValue } from 'xstate';
import type { AnyAgentDefinition } from './define-agent.ts';
import { statesOf } from './machine-index.ts';
import { type StoredSnapshot, restoreMachine } from './family/stored-machine.ts';
import { migrate } from './snapshot-codec.ts';
import { inStep } from './step-scope.ts';

/**
 * Checks the states of `previous`.
 *
 * @throws {WakebusError} `VERSION_UNREACHABLE` for a missing migration, `STATE_HOMELESS` for a state that neither the machine nor a migration has a place for.
 */
export function checkPrevious(definition: AnyAgentDefinition): void {
  for (const [i, machine] of definition.previous.entries()) {
    const version = definition.version - definition.previous.length + i;
    const context = sampleContext(definition, machine);
    for (const state of leavesOf(machine)) checkState(definition, machine, version, state, context);
  }
}

function checkState(
  definition: AnyAgentDefinition,
  machine: AnyStateMachine,
  version: number,
  state: AnyStateNode,
  context: StoredSnapshot['context'],
): void {
  const { value, status } = machine.resolveState({ value: valueOf(state.path), context }) as StoredSnapshot;
  const stored: StoredSnapshot = { value, context, status };
  let migrated: StoredSnapshot;
  try {
    migrated = migrate(definition, structuredClone(stored), version);
  } catch (thrown) {
    if (isWakebusError(thrown, 'VERSION_UNREACHABLE')) throw thrown;
    return;
  }
  try {
    restoreMachine(definition.machine, migrated);
  } catch (cause) {
    throw new WakebusError(
      'STATE_HOMELESS',
      { agentType: definition.type, version, state: `"${state.path.join('.')}"` },
      { cause },
    );
  }
}

/** States in which a machine can rest: those without children of their own. */
function leavesOf(machine: AnyStateMachine): AnyStateNode[] {
  return statesOf(machine).filter(
    (state) => state.path.length > 0 && (state.type === 'atomic' || state.type === 'final'),
  );
}

/** The value in which a state is active; XState adds the initial states of its parallel neighbours. */
function valueOf(path: readonly string[]): StateValue {
  const [first = '', ...rest] = path;
  return rest.length === 0 ? first : { [first]: valueOf(rest) };
}

function sampleContext(definition: AnyAgentDefinition, machine: AnyStateMachine): StoredSnapshot['context'] {
  try {
    const input: unknown = definition.input?.({ type: definition.type, id: 'example' });
    const snapshot = inStep((scope) => machine.getInitialSnapshot(scope.actorScope, input as never)) as {
      context: StoredSnapshot['context'];
    };
    return structuredClone(snapshot.context);
  } catch {
    return {};
  }
}
