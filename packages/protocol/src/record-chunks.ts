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

/** Every chunk that a record needs: of its snapshot, of the one before, and of processed IDs. */
export function chunksOf({ chunks, seen }: AgentRecord): string[] {
  const ids = seen.flatMap(({ chunk }) => chunk ?? []);
  return chunks === undefined ? ids : [...namesOf(chunks.names), ...namesOf(chunks.before), ...ids];
}
