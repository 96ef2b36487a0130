/**
 * An agent's memory on its way into a commit: its snapshot as bytes, in the record or, beyond a size, in chunks.
 *
 * One freezer an activation. It knows which state the committed chunks hold, so that a commit which does not
 * change the state neither encodes nor cuts it. A small snapshot costs a comparison.
 */
import { type AgentMemory, freeze } from '@wakebus/core';
import { type AgentRecord, SNAPSHOT_LIMIT_BYTES, type SnapshotChunks, isInChunks } from '@wakebus/protocol';
import { tooLarge } from '../record-changes.ts';
import { type ChunkPorts, withoutChunks, writeSnapshot } from './snapshot-chunks.ts';

/** When and how snapshots outgrow their record. */
interface SpillLimits {
  readonly spillBytes: number;
  readonly chunkBytes: number;
}

const NO_BYTES = new Uint8Array();

export class Freezer {
  readonly #ports: ChunkPorts;
  readonly #limits: SpillLimits;
  /** The manifest of the last commit. One that is lost, or does not fit, ends the activation. */
  #last: SnapshotChunks | undefined;
  /** What is in the chunks of that manifest: the state, or its bytes where it is closed. */
  #written: object | undefined;

  /** @param woken - The agent as it was read. */
  constructor(ports: ChunkPorts, limits: SpillLimits, woken: AgentMemory) {
    this.#ports = ports;
    this.#limits = limits;
    this.#last = woken.record.chunks;
    if (isInChunks(woken.record) && woken.record.machineVersion === woken.definition.version)
      this.#written = contentOf(woken);
  }

  /**
   * The memory ready to be committed, as {@link freeze} gives it; at once where nothing is in chunks.
   *
   * @throws {WakebusError} `VALUE_NOT_DURABLE`, `TURN_TOO_LARGE`; `OUTCOME_UNKNOWN` when a chunk was not confirmed.
   */
  freeze(memory: AgentMemory, changes: Partial<AgentRecord>): AgentMemory | Promise<AgentMemory> {
    const content = contentOf(memory);
    if (isInChunks(memory.record) && (content === undefined || content === this.#written))
      return { ...memory, record: { ...memory.record, ...changes, chunks: this.#last } };
    const frozen = freeze(memory, changes);
    const sizeBytes = frozen.record.snapshot.length;
    if (sizeBytes > SNAPSHOT_LIMIT_BYTES) throw tooLarge(frozen, sizeBytes, SNAPSHOT_LIMIT_BYTES);
    if (sizeBytes > this.#limits.spillBytes) return this.#spill(frozen, content);
    this.#written = undefined;
    if (this.#last === undefined) return frozen;
    this.#last = withoutChunks(this.#last);
    return { ...frozen, record: { ...frozen.record, chunks: this.#last } };
  }

  async #spill(frozen: AgentMemory, content: object | undefined): Promise<AgentMemory> {
    const { record, snapshot } = frozen;
    this.#last = await writeSnapshot(this.#ports, record.snapshot, this.#last, this.#limits.chunkBytes);
    this.#written = content;
    // An open state is bytes no more until it has changed; one that is closed is nothing else.
    const kept = snapshot === undefined ? record.snapshot : NO_BYTES;
    return { ...frozen, record: { ...record, snapshot: kept, chunks: this.#last } };
  }
}

/** The state, or the bytes that stand for it; nothing where there is none, or where it is lost. */
function contentOf({ snapshot, record }: AgentMemory): object | undefined {
  return snapshot ?? (record.snapshot.length > 0 ? record.snapshot : undefined);
}
