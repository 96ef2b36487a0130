/**
 * The registry of agent types: which pool runs a type, and in which version, for everyone who has no
 * agent code. Written by placement nodes when they start.
 */
import { type AnyAgentDefinition, chartNodesOf, chartOf } from '@wakebus/core';
import { type RegisteredType, WakebusError, decode, encode } from '@wakebus/protocol';
import type { RecordStore } from './ports/record-store.ts';

/** A larger statechart is nothing to look at, and might be more than a message may have. */
const LARGEST_CHART_BYTES: number = 256 * 1024;
/** Tries of one registration: the only rivals are other nodes that start just now. */
const TRIES = 20;

/**
 * Registers the types of a node.
 *
 * @returns all types of the pool, those that only other nodes run among them.
 * @throws {WakebusError} `POOL_CONFLICT` when a type runs in another pool; `UNAVAILABLE`.
 */
export async function registerTypes(
  registry: RecordStore,
  pool: string,
  definitions: readonly AnyAgentDefinition[],
  nowMs: number,
): Promise<string[]> {
  for (const definition of definitions) await register(registry, pool, definition, nowMs);
  const registered = await readRegistry(registry);
  return registered.filter((entry) => entry.pool === pool).map(({ type }) => type);
}

/** Everything that is registered, read fresh: a type that a lagging replica leaves out would get no messages. @throws {WakebusError} `UNAVAILABLE`. */
export async function readRegistry(registry: RecordStore): Promise<RegisteredType[]> {
  const keys = await registry.keys('types.*');
  const values = await Promise.all(keys.map((key) => registry.getFresh(key)));
  return values.flatMap(({ bytes }) => (bytes === undefined ? [] : [decode(bytes) as RegisteredType]));
}

/**
 * Stores the statecharts of the types' newest versions, for whoever looks at agents. Best effort: nothing that runs needs them.
 *
 * @throws {WakebusError} `UNAVAILABLE`.
 */
export async function registerCharts(registry: RecordStore, definitions: readonly AnyAgentDefinition[]): Promise<void> {
  for (const { type, version, machine } of definitions) {
    const key = `charts.${type}`;
    const { bytes, revision } = await registry.getFresh(key);
    const chart = encode({ v: 1, version, states: chartOf(machine), nodes: chartNodesOf(machine) });
    const isNewer = bytes !== undefined && (decode(bytes) as { version: number }).version > version;
    const isSame = bytes !== undefined && Buffer.compare(bytes, chart) === 0;
    if (!isNewer && !isSame && chart.length <= LARGEST_CHART_BYTES) await registry.put(key, chart, revision);
  }
}

async function register(
  registry: RecordStore,
  pool: string,
  definition: AnyAgentDefinition,
  nowMs: number,
): Promise<void> {
  const { type, version, machine, schemas, routes } = definition;
  for (let round = 0; round < TRIES; round += 1) {
    const { bytes, revision } = await registry.getFresh(`types.${type}`);
    const known = bytes === undefined ? undefined : (decode(bytes) as RegisteredType);
    if (known !== undefined && known.pool !== pool)
      throw new WakebusError('POOL_CONFLICT', { agentType: type, pool, other: known.pool });
    if (known !== undefined && known.version >= version) return;
    const http = { ...(!isEmpty(schemas) && { schemas }), ...(!isEmpty(routes) && { routes }) };
    const events = [...machine.events];
    const entry: RegisteredType = { v: 1, type, pool, version, events, ...http, updatedMs: nowMs };
    const outcome = await registry.put(`types.${type}`, encode(entry), revision);
    if (outcome.kind === 'stored') return;
  }
  throw new WakebusError('UNAVAILABLE', { what: 'The registry of agent types' });
}

function isEmpty(object: object): boolean {
  return Object.keys(object).length === 0;
}
