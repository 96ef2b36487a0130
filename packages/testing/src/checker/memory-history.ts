/**
 * What a memory server has stored, for {@link readHistory}.
 */
import {
  type AgentKey,
  decodeRecord,
  encodeRecord,
  isInChunks,
  isWakebusError,
  namesOf,
  readIncident,
} from '@wakebus/protocol';
import type { MemoryServer } from '../memory/memory-server.ts';
import type { StoredAgent } from './run-history.ts';

/** Every chunk that was ever stored, by its name. */
type EveryChunk = ReadonlyMap<string, Uint8Array>;

/**
 * Every agent that a memory server ever had a record of.
 *
 * @param chunks - Snapshots that are in chunks stand in the records again, as they were then.
 */
export function memoryAgents(server: MemoryServer, chunks: EveryChunk = new Map()): StoredAgent[] {
  const whole = wholeRecords(chunks);
  return server.agents.everyKey().map((name) => {
    const key = name as AgentKey;
    const parked = server.deadLetters.read(server.layout.deadLetterSubject(key), 1, Number.MAX_SAFE_INTEGER);
    return {
      key,
      writes: server.agents.writes(key).map((write) => ({ ...write, bytes: whole(key, write.bytes) })),
      bytes: whole(key, server.agents.get(key).bytes),
      deadLetters: parked.map(({ data }) => data),
    };
  });
}

/** IDs of the incidents that a memory server has stored. */
export function toldIncidents({ incidents, layout }: MemoryServer): ReadonlySet<string> {
  const stored = incidents.read(layout.incidentsFilter(), 1, Number.MAX_SAFE_INTEGER);
  return new Set(stored.flatMap(({ data }) => readIncident(data)?.id ?? []));
}

/** The same bytes become the same object: whoever reads them knows the last write again. */
function wholeRecords(chunks: EveryChunk): (key: AgentKey, bytes: Uint8Array | undefined) => Uint8Array | undefined {
  const known = new Map<Uint8Array, Uint8Array>();
  return (key, bytes) => {
    if (bytes === undefined || chunks.size === 0) return bytes;
    if (!known.has(bytes)) known.set(bytes, wholeRecord(key, bytes, chunks));
    return known.get(bytes);
  };
}

function wholeRecord(key: AgentKey, bytes: Uint8Array, every: EveryChunk): Uint8Array {
  try {
    const { chunks, ...record } = decodeRecord(key, bytes);
    if (chunks === undefined || !isInChunks({ ...record, chunks })) return bytes;
    const parts = namesOf(chunks.names).map((name) => every.get(name));
    // One that never came is for the watch to tell; what the others would make is no state.
    const isWhole = parts.every((part) => part !== undefined);
    return encodeRecord({ ...record, snapshot: new Uint8Array(Buffer.concat(isWhole ? parts : [])) });
  } catch (thrown) {
    if (isWakebusError(thrown)) return bytes;
    throw thrown;
  }
}
