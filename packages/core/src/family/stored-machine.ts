/**
 * One machine's snapshot in its stored form, and back.
 *
 * What is stored is small and named, so that an operator's tool can read it without the machine: the
 * state value, the context, and what else cannot be derived. XState's own persisted form is not used: its
 * restore walks the context byte by byte, ignores a history that has no home, and fills in the children
 * of a state without entering them.
 */
import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode, StateValue } from 'xstate';
import { type MachineIndex, indexOf, pathKey } from '../machine-index.ts';
import { type ChildSnapshot, runnable } from './logic.ts';

/** A snapshot as it is stored, and as migrations take it. */
export interface StoredSnapshot {
  /** As in XState: the name of a state, or names within names. Every active state is named. */
  readonly value: StateValue;
  readonly context: Record<string, unknown>;
  /** `done` once the machine is in a final state. Only a child that its parent still has may have ended in an `error`. */
  readonly status: 'active' | 'done' | 'error';
  /** What the machine returned when it was done. */
  readonly output?: unknown;
  /** Child actors by their IDs, each with its own. */
  readonly children?: Readonly<Record<string, StoredActor>>;
  /** Of the agent's own machine: the last number that a child actor has got. */
  readonly sessions?: number;
  /** What a child has ended with. */
  readonly error?: unknown;
  /** What history states remember: the path of each, and the paths of the states that it stands for. */
  readonly history?: ReadonlyArray<
    readonly [historyState: readonly string[], states: ReadonlyArray<readonly string[]>]
  >;
}

/** A child actor as it is stored, and as migrations take it. */
export interface StoredActor {
  /** Its number within the agent, by which its timers and effects know it. */
  readonly session: number;
  /** The name of its logic in its parent's machine. */
  readonly src: string;
  readonly systemId?: string;
  readonly syncSnapshot?: true;
  /** A machine's; of a transition function what it has, with a context of any kind. */
  readonly snapshot: StoredSnapshot | ChildSnapshot;
}

const STATUSES: ReadonlySet<unknown> = new Set(['active', 'done', 'error']);

/**
 * One machine's snapshot in memory for a stored one, without its children.
 *
 * The value must name exactly the states that the machine has: XState would fill in the rest of a state
 * that has got children or regions since, without their entry actions and without their timers.
 *
 * @throws an Error that says what has no home.
 */
export function restoreMachine(machine: AnyStateMachine, stored: StoredSnapshot): AnyMachineSnapshot {
  const { value, context, status, output, error, history } = checkStored(stored, 'it');
  const form = runnable(machine);
  const historyValue = history === undefined ? {} : reviveHistory(indexOf(form), history);
  const snapshot: AnyMachineSnapshot = form.resolveState({
    value,
    context,
    status,
    output,
    error,
    historyValue,
  });
  if (!sameValue(value, snapshot.value)) {
    throw new Error(
      `the state ${JSON.stringify(value)} names other states than the machine has there, ${JSON.stringify(snapshot.value)}`,
    );
  }
  if (snapshot.status !== status) throw new Error(`the state ${JSON.stringify(value)} was not final, and now is`);
  return snapshot;
}

/** The stored form of one machine's snapshot, without its children; shares the context. */
export function storeMachine(machine: AnyStateMachine, snapshot: AnyMachineSnapshot): StoredSnapshot {
  const { value, context, status, output, historyValue } = snapshot;
  const history = Object.entries(historyValue as Record<string, AnyStateNode[]>);
  return {
    value,
    context,
    status: status === 'done' ? 'done' : 'active',
    ...(output === undefined ? undefined : { output }),
    ...(history.length === 0 ? undefined : { history: storeHistory(indexOf(runnable(machine)), history) }),
  };
}

/** By path and not by ID: an ID belongs to the code, and may be given to another state. */
function storeHistory(
  index: MachineIndex,
  history: Array<[string, AnyStateNode[]]>,
): NonNullable<StoredSnapshot['history']> {
  return history.map(([id, states]) => [index.byId.get(id)?.path ?? [], states.map((state) => state.path)] as const);
}

function reviveHistory(
  index: MachineIndex,
  history: NonNullable<StoredSnapshot['history']>,
): Record<string, AnyStateNode[]> {
  const node = (path: readonly string[]): AnyStateNode => {
    const found = index.byPath.get(pathKey(path));
    if (found === undefined)
      throw new Error(`the history names the state ${path.join('.')}, which the machine does not have`);
    return found;
  };
  return Object.fromEntries(history.map(([owner, states]) => [node(owner).id, states.map(node)]));
}

/** @throws an Error for what is no stored snapshot. */
export function checkStored(value: unknown, what: string): StoredSnapshot {
  if (!isObject(value)) throw new Error(`${what} is not a snapshot`);
  if (!isStateValue(value['value'])) throw new Error(`${what} has no state value`);
  if (!isObject(value['context'])) throw new Error(`${what} has no context`);
  if (!STATUSES.has(value['status'])) throw new Error(`${what} has no status`);
  if (value['history'] !== undefined && !Array.isArray(value['history']))
    throw new Error(`${what} has a history that is no list`);
  return value as unknown as StoredSnapshot;
}

function isStateValue(value: unknown): value is StateValue {
  return typeof value === 'string' || (isObject(value) && Object.values(value).every(isStateValue));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sameValue(a: StateValue, b: StateValue): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => b[key] !== undefined && sameValue(a[key] ?? '', b[key]))
  );
}
