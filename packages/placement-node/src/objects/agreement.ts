/**
 * Where a deployment keeps its chunks: one place for all of its nodes, written down by the first that starts.
 * A node that looked elsewhere would find nothing, and put every agent with a large state into quarantine.
 */
import { WakebusError, decode, encode } from '@wakebus/protocol';
import type { RecordStore } from '../ports/record-store.ts';

const KEY = 'objects';
/** Tries of the first entry: the only rivals are other nodes that start just now. */
const TRIES = 5;

/**
 * Looks whether the deployment keeps its chunks at a place.
 *
 * @returns the revision at which that may be written down, where it is not yet.
 * @throws {WakebusError} `OBJECTS_ELSEWHERE`; `UNAVAILABLE`.
 */
export async function checkObjects(registry: RecordStore, location: string): Promise<number | undefined> {
  const { bytes, revision } = await registry.getFresh(KEY);
  if (bytes === undefined) return revision;
  const { location: there } = decode(bytes) as { readonly location: string };
  if (there !== location) throw new WakebusError('OBJECTS_ELSEWHERE', { here: location, there });
  return undefined;
}

/** The same, and writes it down. @throws {WakebusError} `OBJECTS_ELSEWHERE`; `UNAVAILABLE`. */
export async function agreeOnObjects(registry: RecordStore, location: string): Promise<void> {
  for (let round = 0; round < TRIES; round += 1) {
    const revision = await checkObjects(registry, location);
    if (revision === undefined) return;
    const outcome = await registry.put(KEY, encode({ v: 1, location }), revision);
    if (outcome.kind === 'stored') return;
  }
  throw new WakebusError('UNAVAILABLE', { what: 'The registry' });
}
