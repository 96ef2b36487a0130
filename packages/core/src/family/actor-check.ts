/**
 * Checks what a machine invokes and spawns: that it can be kept (a machine, a transition function, a promise), under
 * a name and an ID of its own, so that a later process, or a later version of the machine, knows it again.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import type { Finding } from '../implementation-check.ts';
import { statesOf } from '../machine-index.ts';
import { type LogicKind, kindOf, logicOf } from './logic.ts';

/** What is read of an invoke, or of a spawn. */
interface Spawn {
  readonly id?: unknown;
  readonly src?: unknown;
  readonly systemId?: unknown;
}

/** Why what is of a kind lives only in its process, and what to use instead. */
const REFUSED: Partial<Record<LogicKind, string>> = {
  callback:
    'it is a callback, which lives in one process and would not survive a sleep; make work that ends an effect(), and let what is listened to send events to the agent (client.send, a webhook, a schedule)',
  observable:
    'it is an observable, whose subscription lives in one process and would not survive a sleep; let its source send each value to the agent as an event',
  unknown:
    'it is none of fromPromise(), effect(), fromTransition() and createMachine(), and an agent cannot store what it does not know',
};

/** What is wrong with one invoke of a state's config. */
export function* invokeFindings(machine: AnyStateMachine, invoke: unknown, path: string): Generator<Finding> {
  if (typeof invoke !== 'object' || invoke === null) {
    yield { path, why: 'it is no invoke: write { id, src, onDone, onError }' };
    return;
  }
  const why = whyNoActor(machine, invoke);
  if (why !== undefined) yield { path, why };
  else if (
    (invoke as { onSnapshot?: unknown }).onSnapshot !== undefined &&
    kindOf(logicOf(machine, (invoke as { src: string }).src)) === 'effect'
  )
    yield { path: `${path}.onSnapshot`, why: 'a promise has no snapshots in between; use onDone and onError' };
}

/**
 * Why something cannot be an actor of an agent.
 *
 * @param machine - Who invokes or spawns it, as its author wrote it.
 * @param spawn - An invoke's config, what `spawnChild` was made with, or its resolved params.
 */
export function whyNoActor(machine: AnyStateMachine, spawn: Spawn): string | undefined {
  const { id, src, systemId } = spawn;
  if (typeof src !== 'string')
    return 'its src is no name, and a later process could not find it again; put it into setup({ actors }) and write the name';
  if ((typeof id !== 'string' && typeof id !== 'function') || id === '')
    return `the actor "${src}" has no id, and a generated one shifts when the machine changes; give it an id of its own`;
  const logic = logicOf(machine, src);
  if (logic === undefined) {
    const names = Object.keys(machine.implementations.actors);
    const there = names.length === 0 ? 'the machine has none' : `there are ${names.join(', ')}`;
    return `the actor "${src}" has no implementation (${there}); give it one in setup() or provide()`;
  }
  const kind = kindOf(logic);
  if (kind === 'effect' && systemId !== undefined)
    return `the effect "${src}" has a systemId, and nobody can send it anything; leave it out`;
  const why = REFUSED[kind];
  return why === undefined ? undefined : `the actor "${src}" cannot be kept: ${why}`;
}

/** Invokes of the same ID in states that can be active together: their results could not be told apart. */
export function* sharedInvokeIds(machine: AnyStateMachine): Generator<Finding> {
  const owners: Array<{ readonly id: string; readonly state: AnyStateNode }> = [];
  for (const state of statesOf(machine)) {
    for (const { id } of state.invoke) {
      const other = owners.find((owner) => owner.id === id && canMeet(owner.state, state));
      const path = placeOf(state);
      if (other !== undefined)
        yield {
          path: `${path}invoke`,
          why: `its ID "${id}" is also that of ${placeOf(other.state)}invoke, and both can be active`,
        };
      owners.push({ id, state });
    }
  }
}

function placeOf(state: AnyStateNode): string {
  return state.path.map((name) => `states.${name}.`).join('');
}

/** Whether two states can be active at once: one is inside the other, or they are in different regions of a parallel state. */
function canMeet(a: AnyStateNode, b: AnyStateNode): boolean {
  let shared = 0;
  while (shared < a.path.length && a.path[shared] === b.path[shared]) shared += 1;
  if (shared === a.path.length || shared === b.path.length) return true;
  let parent: AnyStateNode = a.machine.root;
  for (const name of a.path.slice(0, shared)) parent = parent.states[name] as AnyStateNode;
  return parent.type === 'parallel';
}
