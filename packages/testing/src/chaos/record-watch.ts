/**
 * Every write of a record that the run gets to see, while it goes on: the bucket keeps only the last one.
 *
 * It may miss some, as any watch may. What the checkers ask of two writes in succession holds as well of
 * two between which some are missing.
 */
import type { Ports } from '@wakebus/placement-node';
import { type AgentKey, type AgentRecord, decodeRecord } from '@wakebus/protocol';
import type { StoredWrite } from '../checker/run-history.ts';

/** All writes are kept of one agent in so many; of the others the last one. Records are copied whole into memory. */
const KEEPS_ONE_IN = 4;

export class RecordWatch {
  readonly #writes = new Map<AgentKey, StoredWrite[]>();
  #isKept = new Map<AgentKey, boolean>();
  #stop: () => void = () => {};

  private constructor() {}

  static async start({ agents }: Ports): Promise<RecordWatch> {
    const watch = new RecordWatch();
    const watched = await agents.watch('>', (key, { bytes, revision }) =>
      watch.#take(key as AgentKey, { revision, by: '', atMs: Date.now(), bytes }),
    );
    watch.#stop = () => watched.stop();
    return watch;
  }

  writesOf(key: AgentKey): readonly StoredWrite[] {
    return this.#writes.get(key) ?? [];
  }

  /** Agents whose last record seen says that a node holds them. */
  heldBy(nodeId: string): AgentKey[] {
    return [...this.#writes].flatMap(([key, writes]) => (readLast(key, writes)?.lease.holder === nodeId ? [key] : []));
  }

  /** Forgets everything so far. */
  clear(): void {
    this.#writes.clear();
    this.#isKept.clear();
  }

  stop(): void {
    this.#stop();
  }

  #take(key: AgentKey, write: StoredWrite): void {
    const writes = this.#writes.get(key);
    if (writes === undefined) {
      this.#isKept.set(key, this.#writes.size % KEEPS_ONE_IN === 0);
      this.#writes.set(key, [write]);
    } else if (write.revision > (writes.at(-1)?.revision ?? 0)) {
      if (this.#isKept.get(key) !== true) writes.length = 0;
      writes.push(write);
    }
  }
}

function readLast(key: AgentKey, writes: readonly StoredWrite[]): AgentRecord | undefined {
  const bytes = writes.at(-1)?.bytes;
  return bytes === undefined ? undefined : decodeRecord(key, bytes);
}
