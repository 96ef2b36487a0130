/** What a record has outside of itself: the chunks that it names. */
import type { AgentRecord } from './record.ts';
import { namesOf } from './snapshot-chunks.ts';

const NO_BYTES = new Uint8Array();

/** Whether the snapshot outgrew the record. */
export function isInChunks({ chunks }: AgentRecord): boolean {
  return chunks !== undefined && chunks.sizeBytes > 0;
}

/** Whether there is a snapshot, wherever it stands. */
export function hasSnapshot(record: AgentRecord): boolean {
  return record.snapshot.length > 0 || isInChunks(record);
}

/** The record as it is stored: without the bytes of a snapshot that is in chunks. */
export function asStored(record: AgentRecord): AgentRecord {
  return isInChunks(record) && record.snapshot.length > 0 ? { ...record, snapshot: NO_BYTES } : record;
}

/**
 * Every chunk that a record names: of its snapshot, of the one before, of processed IDs, and of the manifests of its
 * workspace and of the one before. What those name in turn stands in them.
 */
export function chunksOf({ chunks, seen, workspace }: AgentRecord): string[] {
  const manifests = [chunks, workspace].filter((manifest) => manifest !== undefined);
  const ids = seen.flatMap(({ chunk }) => chunk ?? []);
  return [...manifests.flatMap(({ names, before }) => [...namesOf(names), ...namesOf(before)]), ...ids];
}
