/**
 * Every write of a record that the run gets to see, while it goes on: the bucket keeps only the last one.
 *
 * A leader that dies takes with it what it had not told anybody; {@link RecordWatch.missed} says what that was. What
 * the checkers ask of two writes in succession holds as well of two between which some are missing.
 */
import type { Ports } from '@wakebus/placement-node';
import { type AgentKey, type AgentRecord, decodeRecord, splitKey } from '@wakebus/protocol';
import type { StoredWrite } from '../checker/run-history.ts';
import type { Cluster } from './cluster.ts';
import { accountAgent } from '../workloads/bank.ts';

/** All writes are kept of one agent in so many, and of every account; of the others the last one. Records are copied whole into memory. */
const KEEPS_ONE_IN = 4;

export class RecordWatch {
  readonly #writes = new Map<AgentKey, StoredWrite[]>();
  #isKept = new Map<AgentKey, boolean>();
  readonly #seen = new Set<number>();
  #stop: () => void = () => {};

  private constructor() {}

  static async start(cluster: Pick<Cluster, 'ports' | 'followRecords'>): Promise<RecordWatch> {
    const watch = new RecordWatch();
    const unfollow = await cluster.followRecords((key, write) => watch.#take(key as AgentKey, write));
    const watched = await watchRecords(cluster.ports, (key, write) => watch.#take(key, write));
    watch.#stop = () => {
      unfollow();
      watched.stop();
    };
    return watch;
  }

  /** Revisions between the first and the last that were seen, and were not. */
  get missed(): number[] {
    const seen = [...this.#seen].toSorted((a, b) => a - b);
    return seen.flatMap((revision, i) => {
      const before = seen[i - 1] ?? revision - 1;
      return Array.from({ length: revision - before - 1 }, (_, j) => before + 1 + j);
    });
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
    this.#seen.clear();
  }

  stop(): void {
    this.#stop();
  }

  #take(key: AgentKey, write: StoredWrite): void {
    if (this.#seen.has(write.revision)) return;
    this.#seen.add(write.revision);
    const writes = this.#writes.get(key);
    if (writes === undefined) {
      const isAccount = splitKey(key).type === accountAgent.type;
      this.#isKept.set(key, isAccount || this.#writes.size % KEEPS_ONE_IN === 0);
      this.#writes.set(key, [write]);
    } else if (this.#isKept.get(key) === true) {
      // What one server tells may be overtaken by what another one does.
      const after = writes.findLastIndex(({ revision }) => revision < write.revision);
      writes.splice(after + 1, 0, write);
    } else if (write.revision > (writes.at(-1)?.revision ?? 0)) writes.splice(0, writes.length, write);
  }
}

/** The last write of each record, whatever servers have died. */
function watchRecords(
  { agents }: Ports,
  onWrite: (key: AgentKey, write: StoredWrite) => void,
): ReturnType<Ports['agents']['watch']> {
  return agents.watch('>', (key, { bytes, revision }) =>
    onWrite(key as AgentKey, { revision, by: '', atMs: Date.now(), bytes }),
  );
}

function readLast(key: AgentKey, writes: readonly StoredWrite[]): AgentRecord | undefined {
  const bytes = writes.at(-1)?.bytes;
  return bytes === undefined ? undefined : decodeRecord(key, bytes);
}
