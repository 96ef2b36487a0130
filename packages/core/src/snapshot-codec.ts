/**
 * Snapshots ↔ bytes, and the way from an older version of a machine to this one.
 *
 * The form of one machine is in `family/stored-machine.ts`, that of its children in `family/stored-actors.ts`.
 */
import { WakebusError, decode, encodeLarge, isWakebusError } from '@wakebus/protocol';
import type { AnyAgentDefinition } from './define-agent.ts';
import { type AgentSnapshot, type EffectChild, withEffects } from './family/family.ts';
import { restoreFamily, storeFamily } from './family/stored-actors.ts';
import { type StoredSnapshot, checkStored } from './family/stored-machine.ts';

export type { StoredSnapshot } from './family/stored-machine.ts';

/**
 * A snapshot as bytes, checked to be all there is.
 *
 * @throws {WakebusError} `VALUE_NOT_DURABLE` with the path of what would not come back (`context.items[3].callback`).
 */
export function encodeSnapshot(definition: AnyAgentDefinition, snapshot: AgentSnapshot): Uint8Array {
  return encodeLarge(storeFamily(definition.machine, snapshot));
}

/**
 * The snapshot behind bytes, migrated to the definition's version and ready for a step.
 *
 * @param fromVersion - The version of the machine that wrote the bytes.
 * @param address - Whose snapshot it is; for errors.
 * @param effects - The effects that are open, from the journal. Nothing is started.
 * @throws {WakebusError} `VERSION_NEWER`; `VERSION_UNREACHABLE` for a missing migration; `SNAPSHOT_HOMELESS` for bytes that are no snapshot, a migration that threw, or a state that the machine does not have.
 */
export function decodeSnapshot(
  definition: AnyAgentDefinition,
  bytes: Uint8Array,
  fromVersion: number,
  address: string = definition.type,
  effects: readonly EffectChild[] = [],
): AgentSnapshot {
  if (fromVersion > definition.version) {
    throw new WakebusError('VERSION_NEWER', { address, version: fromVersion, known: definition.version });
  }
  try {
    const stored = checkStored(decode(bytes), 'it');
    const migrated = fromVersion === definition.version ? stored : migrate(definition, stored, fromVersion);
    return withEffects(restoreFamily(definition.machine, migrated), effects);
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
