/**
 * Taking an agent back to a kept snapshot: what the pure turn needs is fetched, and nothing is taken in the same
 * turn. It is a commit like any other, on the revision that was read: whoever runs the agent does it, in its turn.
 */
import { type Inbound, type TurnJob, restoreTurn } from '@wakebus/core';
import {
  type AgentKey,
  type AgentRecord,
  type WakebusError,
  decodeRecord,
  isInChunks,
  isWakebusError,
  readKeptSnapshot,
  snapshotKey,
} from '@wakebus/protocol';
import type { IsolatedTurn } from '../isolation/isolated-turn.ts';
import type { NodeContext } from '../node-context.ts';
import { readSnapshot } from '../objects/snapshot-chunks.ts';
import { readManifest } from '../objects/workspace-manifest.ts';
import type { Ports } from '../ports/ports.ts';

type Controls = Extract<Inbound, { kind: 'control' }>;

/** Whether a message asks for it. One that is counted as failed, or thrown away, does not. */
export function isRestore(job: TurnJob, inbound: Inbound): inbound is Controls {
  if (inbound.kind !== 'control' || inbound.control.verb !== 'restore') return false;
  return job.cleared === undefined && !job.poison.has(inbound.seq);
}

/** Takes it. @throws {WakebusError} `UNAVAILABLE`. */
export async function takeRestore({ ports }: NodeContext, job: TurnJob, inbound: Controls): Promise<IsolatedTurn> {
  const { memory, env } = job;
  const kept = await readKept(ports, memory.key, inbound.control.restore?.snapshot ?? '');
  return { kind: 'taken', turn: restoreTurn(memory, inbound, kept, env) };
}

/** The record as it was kept, with its state, its files being there; or why it cannot be had. */
async function readKept(ports: Ports, key: AgentKey, id: string): Promise<AgentRecord | WakebusError> {
  try {
    const { bytes } = await ports.snapshots.getFresh(snapshotKey(key, id));
    const record = decodeRecord(key, readKeptSnapshot(key, id, bytes).record);
    if (record.workspace !== undefined) await readManifest(ports, key, record.workspace);
    const { chunks } = record;
    if (chunks === undefined || !isInChunks(record)) return record;
    return { ...record, snapshot: await readSnapshot(ports, key, chunks) };
  } catch (thrown) {
    if (!isWakebusError(thrown) || thrown.next === 'retryable') throw thrown;
    return thrown;
  }
}
