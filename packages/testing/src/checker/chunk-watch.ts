/**
 * "Chunks": what a record names is stored, and whole, when the record is; and nothing is collected that the last
 * two manifests of an agent name, or that a kept snapshot does.
 *
 * Watched while the run goes on: afterwards a chunk may be there that came too late.
 */
import { createHash } from 'node:crypto';
import { decodeManifest } from '@wakebus/placement-node';
import {
  type AgentKey,
  type AgentRecord,
  chunksOf,
  decodeRecord,
  isWakebusError,
  keptIn,
  namesOf,
} from '@wakebus/protocol';
import type { MemoryServer } from '../memory/memory-server.ts';
import type { Violation } from './run-history.ts';

/** What an agent's records have named of late. */
interface Named {
  /** By the manifest that stands. */
  readonly now: ReadonlySet<string>;
  /** By the one before it. */
  readonly before: ReadonlySet<string>;
  /** Chunks of IDs. */
  readonly ids: ReadonlySet<string>;
}

const NOTHING: Named = { now: new Set(), before: new Set(), ids: new Set() };

export class ChunkWatch {
  /** Every chunk that was ever stored as it should be. */
  readonly everyChunk: Map<string, Uint8Array> = new Map();
  readonly #server: MemoryServer;
  readonly #named = new Map<AgentKey, Named>();
  readonly #violations: Violation[] = [];

  constructor(server: MemoryServer) {
    this.#server = server;
    server.objects.listen({
      stored: ({ subject, data }) => this.#keep(subject, data),
      removed: (_, name) => this.#noteRemoval(name),
    });
    server.agents.listen((key, { bytes }) => this.#noteWrite(key as AgentKey, bytes));
  }

  check(): readonly Violation[] {
    return [...this.#violations, ...this.#checkKept()];
  }

  /** At the end: a snapshot whose chunks were gone when it was stored is taken back at once. */
  #checkKept(): Violation[] {
    const { objects, snapshots } = this.#server;
    return snapshots.keys('>').flatMap((key) => {
      const kept = keptIn(snapshots.get(key).bytes ?? new Uint8Array());
      const record = kept && readable(key as AgentKey, kept.record);
      const missing = record && chunksOf(record).find((name) => objects.last(name) === undefined);
      return missing === undefined
        ? []
        : [`${key}: the kept snapshot names the chunk ${missing.slice(0, 8)}, which is gone`];
    });
  }

  #keep(name: string, data: Uint8Array): void {
    if (createHash('sha256').update(data).digest('hex') === name) this.everyChunk.set(name, data);
  }

  #noteWrite(key: AgentKey, bytes: Uint8Array | undefined): void {
    // Most workloads have nothing in chunks, and many records.
    const record = this.everyChunk.size === 0 ? undefined : readable(key, bytes);
    if (record === undefined || record.lifecycle.name === 'quarantined') return;
    const last = this.#named.get(key) ?? NOTHING;
    const now = new Set(record.chunks === undefined ? [] : namesOf(record.chunks.names));
    for (const name of this.#ofFiles(key, record)) now.add(name);
    const ids = new Set(record.seen.flatMap(({ chunk }) => chunk ?? []));
    const isSame = now.size === last.now.size && [...now].every((name) => last.now.has(name));
    this.#named.set(key, { now, before: isSame ? last.before : last.now, ids });
    for (const name of [...now, ...ids])
      if (this.#server.objects.last(name) === undefined)
        this.#violations.push(`${key}: its record names the chunk ${name.slice(0, 8)}, which is not stored`);
  }

  /** Of a workspace: its manifest, and what that names. */
  #ofFiles(key: AgentKey, { workspace }: AgentRecord): string[] {
    if (workspace === undefined) return [];
    const names = namesOf(workspace.names);
    const parts = names.map((name) => this.everyChunk.get(name));
    const isThere = parts.every((part) => part !== undefined);
    return isThere ? [...names, ...decodeManifest(key, Buffer.concat(parts)).chunks] : names;
  }

  #noteRemoval(name: string): void {
    if (this.#server.objects.last(name) !== undefined) return;
    for (const [key, { now, before, ids }] of this.#named)
      if (now.has(name) || before.has(name) || ids.has(name))
        this.#violations.push(
          `${key}: its chunk ${name.slice(0, 8)} was collected while its last two manifests name it`,
        );
  }
}

/** Damage is for others to judge. */
function readable(key: AgentKey, bytes: Uint8Array | undefined): AgentRecord | undefined {
  try {
    return bytes && decodeRecord(key, bytes);
  } catch (thrown) {
    if (isWakebusError(thrown)) return undefined;
    throw thrown;
  }
}
