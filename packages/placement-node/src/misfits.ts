/**
 * Which agents a new definition of their type has no home for, before it is served: they would stay asleep with
 * their mailboxes. Each state is opened as a wake opens it, and nothing is written.
 */
import { type AnyAgentDefinition, openMemory } from '@wakebus/core';
import { type AgentKey, type WakebusError, addressOf, decodeRecord, isWakebusError, splitKey } from '@wakebus/protocol';
import { fetchChunks } from './objects/record-chunks.ts';
import type { Ports } from './ports/ports.ts';
import type { ScannedValue } from './ports/record-store.ts';

/** An agent that would not wake. */
export interface Misfit {
  readonly address: string;
  /** `SNAPSHOT_HOMELESS`, `VERSION_UNREACHABLE` or `VERSION_NEWER`. */
  readonly error: WakebusError;
}

/** How much is looked at. */
export interface MisfitOptions {
  /** Most records that are read. @default 10,000 – some seconds */
  readonly limit?: number;
}

const LIMIT = 10_000;
const PAGE = 256;
const CODES = ['SNAPSHOT_HOMELESS', 'VERSION_UNREACHABLE', 'VERSION_NEWER'] as const;

/** Looks at the agents of some definitions. What is wrong with a record itself is not the definition's fault, and left to its wake. @throws {WakebusError} `UNAVAILABLE`. */
export async function findMisfits(
  ports: Pick<Ports, 'agents' | 'chunks' | 'clock'>,
  definitions: readonly AnyAgentDefinition[],
  { limit = LIMIT }: MisfitOptions = {},
): Promise<Misfit[]> {
  const byType = new Map(definitions.map((definition) => [definition.type, definition]));
  const found: Misfit[] = [];
  let from: number | undefined = 1;
  for (let left = limit; from !== undefined && left > 0; left -= PAGE) {
    const page = await ports.agents.scan(from, Math.min(PAGE, left));
    for (const value of page.values) {
      const misfit = await misfitOf(ports, byType, value);
      if (misfit !== undefined) found.push(misfit);
    }
    from = page.nextRevision;
  }
  return found;
}

async function misfitOf(
  ports: Pick<Ports, 'chunks' | 'clock'>,
  byType: ReadonlyMap<string, AnyAgentDefinition>,
  { key: name, bytes }: ScannedValue,
): Promise<Misfit | undefined> {
  const key = name as AgentKey;
  const definition = byType.get(splitKey(key).type);
  if (definition === undefined) return undefined;
  try {
    const { record, seen } = await fetchChunks(ports, key, decodeRecord(key, bytes));
    openMemory(key, definition, record, seen);
    return undefined;
  } catch (thrown) {
    if (CODES.some((code) => isWakebusError(thrown, code)))
      return { address: addressOf(key), error: thrown as WakebusError };
    if (isWakebusError(thrown, 'UNAVAILABLE') || !isWakebusError(thrown)) throw thrown;
    return undefined;
  }
}
