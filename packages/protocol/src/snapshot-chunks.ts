/**
 * The manifest of a snapshot that outgrew its record: which chunks, one after the other, are its bytes.
 *
 * Only its form is here. Who cuts, writes, reads and collects chunks is `placement-node/src/objects/`.
 */

/** Bytes of one hash. */
const HASH_BYTES = 32;
/** No snapshot that is stored is larger, in bytes: a manifest that says so is damaged. */
export const SNAPSHOT_LIMIT_BYTES: number = 256 * 1024 * 1024;

/** Stands in the record in place of the snapshot's bytes. */
export interface SnapshotChunks {
  /** Length of the snapshot. 0 where it stands in the record itself, and only `before` is of interest. */
  readonly sizeBytes: number;
  /** The sha256 of each chunk, in order, 32 bytes each. */
  readonly names: Uint8Array;
  /** Of `sizeBytes` and `names`: a flipped or a missing byte here must not pass for another snapshot. */
  readonly check: Uint8Array;
  /** Chunks that the manifest before this one named and this one does not: they are not collected yet. */
  readonly before: Uint8Array;
}

/** Names as they are in the manifest, in hex. */
export function namesOf(names: Uint8Array): string[] {
  const hexed: string[] = [];
  for (let at = 0; at < names.length; at += HASH_BYTES) hexed.push(toHex(names.subarray(at, at + HASH_BYTES)));
  return hexed;
}

/** Names as they stand in a manifest. */
export function packNames(names: readonly string[]): Uint8Array {
  const packed = new Uint8Array(names.length * HASH_BYTES);
  for (const [i, name] of names.entries()) {
    for (let at = 0; at < HASH_BYTES; at += 1)
      packed[i * HASH_BYTES + at] = Number.parseInt(name.slice(2 * at, 2 * at + 2), 16);
  }
  return packed;
}

/** Why a value is no manifest, if it is none. */
export function whyNoManifest(value: unknown): string | undefined {
  const { sizeBytes, names, check, before } = (value ?? {}) as Partial<SnapshotChunks>;
  const isSize = Number.isInteger(sizeBytes) && (sizeBytes as number) >= 0;
  if (!isSize || (sizeBytes as number) > SNAPSHOT_LIMIT_BYTES) return 'the manifest of its snapshot has no size';
  if (!areNames(names) || !areNames(before)) return 'the manifest of its snapshot is cut';
  if (!(check instanceof Uint8Array)) return 'the manifest of its snapshot has no check';
  return (sizeBytes === 0) === (names.length === 0) ? undefined : 'the manifest of its snapshot is cut';
}

/** Whether a value is names as they stand in a manifest. */
export function areNames(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length % HASH_BYTES === 0;
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
