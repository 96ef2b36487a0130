/**
 * Snapshots that an agent type keeps by itself: after its turns, and before an agent is removed.
 *
 * Repeating one is harmless: it has the name of the point of the agent's life that it shows. What is too many goes
 * with the next one, what is too old by the server's clock.
 */
import { type AnyAgentDefinition, isKeptBefore, snapshotDue, snapshotOwed } from '@wakebus/core';
import {
  type AgentKey,
  type AgentRecord,
  type SnapshotCause,
  compareSnapshotIds,
  isAutomatic,
  keepSnapshot,
  snapshotIdIn,
  snapshotKey,
  snapshotsFilter,
} from '@wakebus/protocol';
import type { HandOver } from '../hand-over.ts';
import type { NodeContext } from '../node-context.ts';

/** Whose commit it is. */
interface Committed {
  readonly key: AgentKey;
  readonly definition: AnyAgentDefinition;
  readonly record: AgentRecord;
  readonly handOver: HandOver;
}

/** After a commit: what is due is kept before its messages are acknowledged. */
export function keepIfDue(context: NodeContext, agent: Committed, before: AgentRecord): void {
  const { snapshots: rules } = agent.definition;
  const cause = rules && snapshotDue(rules, before, agent.record);
  if (cause !== undefined) keepSoon(context, agent, cause);
}

/** After a crash: whoever wrote the record may have died before its snapshot was kept. */
export function keepIfOwed(context: NodeContext, agent: Committed): void {
  const { snapshots: rules } = agent.definition;
  const cause = rules && snapshotOwed(rules, agent.record);
  if (cause !== undefined) keepSoon(context, agent, cause);
}

/** Before a commit that removes an agent. @throws {WakebusError} `UNAVAILABLE`: it must not be removed yet. */
export async function keepBeforeRemoval(
  context: NodeContext,
  { key, definition, record }: Omit<Committed, 'handOver'>,
  after: AgentRecord,
): Promise<void> {
  // One that has no record yet has nothing to be kept.
  if (record.commit !== '' && isKeptBefore(definition.snapshots, record, after))
    await keep(context, key, definition, 'removed');
}

function keepSoon(context: NodeContext, { key, definition, handOver }: Committed, cause: SnapshotCause): void {
  handOver.keep(() => keep(context, key, definition, cause));
}

async function keep(
  { ports }: NodeContext,
  key: AgentKey,
  { snapshots: rules }: AnyAgentDefinition,
  cause: SnapshotCause,
): Promise<void> {
  if (rules === undefined) return;
  const { count, maxAgeMs } = rules.keep;
  await keepSnapshot(ports, key, { cause, atMs: ports.clock.wallMs(), ttlMs: maxAgeMs });
  const ids = (await ports.snapshots.keys(snapshotsFilter(key))).map(snapshotIdIn).filter(isAutomatic);
  for (const id of ids.toSorted(compareSnapshotIds).slice(0, -count)) {
    const { bytes, revision } = await ports.snapshots.get(snapshotKey(key, id));
    // One that is not removed now goes with the next.
    if (bytes !== undefined) await ports.snapshots.remove(snapshotKey(key, id), revision);
  }
}
