/**
 * Kept snapshots: keeping an agent as it is, without waking it, and looking at what was kept.
 *
 * How one is made so that nothing it names is collected is `keepSnapshot` of the protocol.
 */
import {
  type Address,
  type AgentKey,
  type AgentRecord,
  type KeptSnapshot,
  type SnapshotCause,
  WakebusError,
  addressOf,
  compareSnapshotIds,
  decodeRecord,
  isInChunks,
  isSnapshotId,
  keepSnapshot,
  keptIn,
  parseAddress,
  readKeptSnapshot,
  snapshotIdIn,
  snapshotKey,
  snapshotsFilter,
} from '@wakebus/protocol';
import { audited } from './audit.ts';
import { type Change, changesBetween } from './changes.ts';
import type { ClientContext } from './client-context.ts';
import type { OperatorOptions } from './control.ts';
import { type AgentInspection, describeRecord } from './inspect.ts';

/** What may be said with a snapshot. */
export interface KeepOptions extends Pick<OperatorOptions, 'reason' | 'by'> {
  /** A name for people. @default none */
  readonly label?: string;
}

/** A kept snapshot. Times are milliseconds since the epoch. */
export interface SnapshotSummary {
  /** Names it among the agent's: its life, and its turns until then. */
  readonly id: string;
  readonly address: Address;
  readonly cause: SnapshotCause;
  readonly label?: string;
  readonly by?: string;
  readonly atMs: number;
  /** Whose snapshot it is a copy of. */
  readonly from?: { readonly address: Address; readonly snapshot: string };
  readonly turns: number;
  readonly lifecycle: AgentRecord['lifecycle'];
  /** State value of its machine, as of its last turn. */
  readonly state: unknown;
  readonly machineVersion: number;
  readonly sizeBytes: number;
}

/** All of one. */
export interface SnapshotDetail extends SnapshotSummary {
  /** The agent as it was. `context` is missing where it is in chunks and nobody reads them. */
  readonly agent: AgentInspection;
}

/** Fetches a state that is in chunks. */
export type SnapshotReader = (key: AgentKey, record: AgentRecord) => Promise<Uint8Array>;

/** Names the agent as it is, in place of a snapshot. */
const NOW = 'now';
const LONGEST_LABEL = 200;

/** What {@link Client.snapshots} offers. */
export class Snapshots {
  readonly #context: ClientContext;

  constructor(context: ClientContext) {
    this.#context = context;
  }

  /**
   * Keeps an agent as it is; it is not woken. The same point twice is one snapshot.
   *
   * @throws {WakebusError} `AGENT_NOT_FOUND`, `INVALID_ADDRESS`, `INVALID_OPTION`, `UNAVAILABLE`, `RECORD_DAMAGED`, `RECORD_NEWER`.
   */
  async take(
    address: string,
    { label, reason, by = this.#context.operator }: KeepOptions = {},
  ): Promise<SnapshotSummary> {
    const key = parseAddress(address);
    if (label !== undefined && (label === '' || label.length > LONGEST_LABEL))
      throw new WakebusError('INVALID_OPTION', { option: 'label', why: `write 1 to ${LONGEST_LABEL} characters` });
    const { ports } = this.#context;
    const facts = label === undefined ? {} : { facts: { label } };
    const kept = await audited(ports, { action: 'snapshot', target: { key }, by, reason, ...facts }, () =>
      keepSnapshot(ports, key, {
        cause: 'call',
        by,
        atMs: ports.clock.wallMs(),
        ...(label !== undefined && { label }),
      }),
    );
    return summaryOf(key, kept, decodeRecord(key, kept.record));
  }

  /** What is kept of an agent, oldest first. @throws {WakebusError} `INVALID_ADDRESS`, `UNAVAILABLE`, `RECORD_NEWER`. */
  async list(address: string): Promise<readonly SnapshotSummary[]> {
    const key = parseAddress(address);
    const { snapshots } = this.#context.ports;
    const ids = (await snapshots.keys(snapshotsFilter(key))).map(snapshotIdIn).toSorted(compareSnapshotIds);
    const values = await Promise.all(ids.map((id) => snapshots.get(snapshotKey(key, id))));
    return values.flatMap(({ bytes }) => {
      const kept = bytes && keptIn(bytes);
      return kept === undefined ? [] : [summaryOf(key, kept, decodeRecord(key, kept.record))];
    });
  }

  /**
   * One snapshot, decoded.
   *
   * @param read - Fetches a state that is in chunks. @default it is left out
   * @throws {WakebusError} `SNAPSHOT_NOT_FOUND`, `INVALID_ADDRESS`, `UNAVAILABLE`; what the reader throws.
   */
  async get(address: string, id: string, read?: SnapshotReader): Promise<SnapshotDetail> {
    const key = parseAddress(address);
    const kept = await this.#read(key, id);
    const record = await withState(key, decodeRecord(key, kept.record), read);
    return { ...summaryOf(key, kept, record), agent: describe(key, record, kept.record.length) };
  }

  /**
   * What has changed in an agent from one snapshot to another: lifecycle, state, context, output, child actors.
   *
   * @param to - The later one. @default the agent as it is
   * @param read - Fetches states that are in chunks.
   * @throws {WakebusError} as {@link get}; `SNAPSHOT_IN_CHUNKS` for one without a reader; `AGENT_NOT_FOUND`.
   */
  async diff(address: string, from: string, to: string = NOW, read?: SnapshotReader): Promise<readonly Change[]> {
    const key = parseAddress(address);
    const [before, after] = await Promise.all([from, to].map((id) => this.#comparable(key, id, read)));
    return changesBetween(before, after);
  }

  /** Gives a snapshot up for good. @throws {WakebusError} `SNAPSHOT_NOT_FOUND`, `INVALID_ADDRESS`, `UNAVAILABLE`. */
  async remove(address: string, id: string, options: Pick<OperatorOptions, 'reason' | 'by'> = {}): Promise<void> {
    const key = parseAddress(address);
    const { reason, by = this.#context.operator } = options;
    const { ports } = this.#context;
    await this.#read(key, id);
    await audited(ports, { action: 'discard', target: { key }, by, reason, facts: { snapshot: id } }, async () => {
      const { bytes, revision } = await ports.snapshots.getFresh(snapshotKey(key, id));
      const { kind } = await ports.snapshots.remove(snapshotKey(key, id), revision);
      if (bytes !== undefined && kind !== 'stored')
        throw new WakebusError('UNAVAILABLE', { what: `The snapshot ${id} of ${address}` });
    });
  }

  async #read(key: AgentKey, id: string): Promise<KeptSnapshot> {
    return readKeptSnapshot(
      key,
      id,
      (await this.#context.ports.snapshots.get(snapshotKey(key, checkSnapshotId(key, id)))).bytes,
    );
  }

  async #comparable(key: AgentKey, id: string, read: SnapshotReader | undefined): Promise<unknown> {
    const bytes = id === NOW ? (await this.#context.ports.agents.get(key)).bytes : (await this.#read(key, id)).record;
    if (bytes === undefined) throw new WakebusError('AGENT_NOT_FOUND', { address: addressOf(key) });
    const record = await withState(key, decodeRecord(key, bytes), read);
    if (isInChunks(record) && record.snapshot.length === 0)
      throw new WakebusError('SNAPSHOT_IN_CHUNKS', {
        address: addressOf(key),
        sizeBytes: record.chunks?.sizeBytes ?? 0,
      });
    const { lifecycle, state, context, output, children } = describe(key, record, bytes.length);
    return { lifecycle: lifecycle.name, state, context, output, children };
  }
}

/** An ID becomes a key: what is none names nothing. @throws {WakebusError} `SNAPSHOT_NOT_FOUND`. */
export function checkSnapshotId(key: AgentKey, id: string): string {
  if (isSnapshotId(id)) return id;
  throw new WakebusError('SNAPSHOT_NOT_FOUND', { address: addressOf(key), snapshot: String(id).slice(0, 64) });
}

async function withState(key: AgentKey, record: AgentRecord, read: SnapshotReader | undefined): Promise<AgentRecord> {
  return read === undefined || !isInChunks(record) ? record : { ...record, snapshot: await read(key, record) };
}

function describe(key: AgentKey, record: AgentRecord, recordBytes: number): AgentInspection {
  return describeRecord(key, record, { revision: 0, recordBytes, live: false, waiting: 0 });
}

function summaryOf(key: AgentKey, kept: KeptSnapshot, record: AgentRecord): SnapshotSummary {
  const { id, cause, label, by, atMs, from } = kept;
  return {
    id,
    address: addressOf(key),
    cause,
    ...(label !== undefined && { label }),
    ...(by !== undefined && { by }),
    atMs,
    ...(from !== undefined && { from: { address: addressOf(from.agent), snapshot: from.snapshot } }),
    turns: record.turns,
    lifecycle: record.lifecycle,
    state: record.last?.state,
    machineVersion: record.machineVersion,
    sizeBytes: kept.record.length + (record.chunks?.sizeBytes ?? 0),
  };
}
