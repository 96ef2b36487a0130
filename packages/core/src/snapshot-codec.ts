/**
 * Snapshots ↔ bytes, and the way from an older version of a machine to this one.
 *
 * What is stored is small and named, so that an operator's tool can read it without the machine: the
 * state value, the context, and what else cannot be derived. XState's own persisted form is not used: its
 * restore walks the context byte by byte, ignores a history that has no home, and fills in the children
 * of a state without entering them.
 */
import { WakebusError, decode, encode, isWakebusError } from '@wakebus/protocol';
import type { AnyStateNode, StateValue } from 'xstate';
import { withChildren } from './child-stubs.ts';
import type { AnyAgentDefinition } from './define-agent.ts';
import type { AgentSnapshot } from './interpreter.ts';
import { type MachineIndex, indexOf, pathKey } from './machine-index.ts';

/** A snapshot as it is stored, and as migrations take it. */
export interface StoredSnapshot {
  /** As in XState: the name of a state, or names within names. Every active state is named. */
  readonly value: StateValue;
  readonly context: Record<string, unknown>;
  /** `done` once the machine is in a final state. */
  readonly status: 'active' | 'done';
  /** What the machine returned when it was done. */
  readonly output?: unknown;
  /** What history states remember: the path of each, and the paths of the states that it stands for. */
  readonly history?: ReadonlyArray<
    readonly [historyState: readonly string[], states: ReadonlyArray<readonly string[]>]
  >;
}

/**
 * A snapshot as bytes, checked to be all there is.
 *
 * @throws {WakebusError} `VALUE_NOT_DURABLE` with the path of what would not come back (`context.items[3].callback`).
 */
export function encodeSnapshot(definition: AnyAgentDefinition, snapshot: AgentSnapshot): Uint8Array {
  return encode(toStored(definition, snapshot));
}

/**
 * The snapshot behind bytes, migrated to the definition's version and ready for a step.
 *
 * @param fromVersion - The version of the machine that wrote the bytes.
 * @param address - Whose snapshot it is; for errors.
 * @param children - IDs of the effects that are open, from the journal. Nothing is started.
 * @throws {WakebusError} `VERSION_NEWER`; `VERSION_UNREACHABLE` for a missing migration; `SNAPSHOT_HOMELESS` for bytes that are no snapshot, a migration that threw, or a state that the machine does not have.
 */
export function decodeSnapshot(
  definition: AnyAgentDefinition,
  bytes: Uint8Array,
  fromVersion: number,
  address: string = definition.type,
  children: readonly string[] = [],
): AgentSnapshot {
  if (fromVersion > definition.version) {
    throw new WakebusError('VERSION_NEWER', { address, version: fromVersion, known: definition.version });
  }
  try {
    const stored = checkStored(decode(bytes), 'it');
    const migrated = fromVersion === definition.version ? stored : migrate(definition, stored, fromVersion);
    return withChildren(restore(definition, migrated), children);
  } catch (thrown) {
    if (isWakebusError(thrown, 'VERSION_UNREACHABLE')) throw thrown;
    throw new WakebusError('SNAPSHOT_HOMELESS', { address, why: messageOf(thrown) }, { cause: thrown });
  }
}

/**
 * Takes a stored snapshot through every migration from a version to the definition's.
 *
 * @throws {WakebusError} `VERSION_UNREACHABLE`; or an Error that names the migration that threw.
 */
export function migrate(definition: AnyAgentDefinition, stored: StoredSnapshot, fromVersion: number): StoredSnapshot {
  let current = stored;
  for (let version = fromVersion + 1; version <= definition.version; version += 1) {
    const step = definition.migrate[version];
    if (step === undefined) {
      throw new WakebusError('VERSION_UNREACHABLE', {
        agentType: definition.type,
        from: fromVersion,
        to: definition.version,
        missing: version,
      });
    }
    current = checkStored(runStep(step, current, version), `what migrate[${version}] returned`);
  }
  return current;
}

/**
 * A snapshot in memory for a stored one.
 *
 * The value must name exactly the states that the machine has: XState would fill in the rest of a state
 * that has got children or regions since, without their entry actions and without their timers.
 *
 * @throws an Error that says what has no home.
 */
export function restore(definition: AnyAgentDefinition, stored: StoredSnapshot): AgentSnapshot {
  const { value, context, status, output, history } = stored;
  const index = indexOf(definition.machine);
  const historyValue = history === undefined ? {} : reviveHistory(index, history);
  const snapshot: AgentSnapshot = definition.machine.resolveState({
    value,
    context,
    status,
    output,
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

/** A snapshot's stored form; shares the context. */
function toStored(definition: AnyAgentDefinition, snapshot: AgentSnapshot): StoredSnapshot {
  const { value, context, status, output, historyValue } = snapshot;
  const history = Object.entries(historyValue as Record<string, AnyStateNode[]>);
  return {
    value,
    context,
    status: status === 'done' ? 'done' : 'active',
    ...(output === undefined ? undefined : { output }),
    ...(history.length === 0 ? undefined : { history: storeHistory(indexOf(definition.machine), history) }),
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

function checkStored(value: unknown, what: string): StoredSnapshot {
  if (!isObject(value)) throw new Error(`${what} is not a snapshot`);
  if (!isStateValue(value['value'])) throw new Error(`${what} has no state value`);
  if (!isObject(value['context'])) throw new Error(`${what} has no context`);
  if (value['status'] !== 'active' && value['status'] !== 'done') throw new Error(`${what} has no status`);
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

function runStep(step: (snapshot: StoredSnapshot) => StoredSnapshot, stored: StoredSnapshot, version: number): unknown {
  try {
    return step(stored);
  } catch (cause) {
    throw new Error(`migrate[${version}] threw: ${messageOf(cause)}`, { cause });
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
