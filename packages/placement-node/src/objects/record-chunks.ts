/** What a record has outside of itself, fetched: without it the agent must not run. */
import {
  type AgentKey,
  type AgentRecord,
  type SeenBucket,
  decode,
  isInChunks,
  isWakebusError,
} from '@wakebus/protocol';
import { type ChunkPorts, readChunk, readSnapshot } from './snapshot-chunks.ts';

/** A record with all that it needs; without what is gone where it is in quarantine already. */
export interface WholeRecord {
  /** With the bytes of its snapshot. */
  readonly record: AgentRecord;
  /** IDs that outgrew it, by chunk. Without them a duplicate could pass, so they are not optional. */
  readonly seen: Map<string, SeenBucket>;
}

/**
 * Fetches it.
 *
 * @param part - Without the snapshot where only a gate looks at the agent. @default all
 * @throws {WakebusError} `CHUNK_MISSING`, `CHUNK_DAMAGED`, `RECORD_DAMAGED`, each for a quarantine, and not of an agent that is in one; `UNAVAILABLE`.
 */
export async function fetchChunks(
  ports: ChunkPorts,
  key: AgentKey,
  record: AgentRecord,
  part: 'all' | 'seen' = 'all',
): Promise<WholeRecord> {
  const seen = new Map<string, SeenBucket>();
  const unlessGone = async (reading: Promise<void>): Promise<void> => {
    try {
      await reading;
    } catch (thrown) {
      if (!isGone(thrown) || record.lifecycle.name !== 'quarantined') throw thrown;
    }
  };
  for (const { chunk } of record.seen)
    if (chunk !== undefined)
      await unlessGone(readChunk(ports, key, chunk).then((bytes) => void seen.set(chunk, decode(bytes) as SeenBucket)));
  let whole = record;
  const { chunks } = record;
  if (part === 'all' && chunks !== undefined && isInChunks(record))
    await unlessGone(readSnapshot(ports, key, chunks).then((snapshot) => void (whole = { ...record, snapshot })));
  return { record: whole, seen };
}

/** Whether an error says that what was asked for is not there any more, or not whole. */
export function isGone(thrown: unknown): boolean {
  return isWakebusError(thrown) && thrown.next === 'quarantine';
}
