/**
 * What names an agent's files: the manifest of its workspace, which is in chunks as the files are.
 *
 * Only its form is here, as it stands in records and in results of effects. What a manifest says, who writes,
 * reads and collects it, is `placement-node/src/objects/`.
 */
import { areNames } from './snapshot-chunks.ts';

/** Stands in the record. */
export interface WorkspaceRef {
  /** Length of the manifest, in bytes. */
  readonly manifestBytes: number;
  /** The sha256 of each chunk of the manifest, in order, 32 bytes each. */
  readonly names: Uint8Array;
  /** Of `manifestBytes` and `names`; what this manifest is known by. */
  readonly check: Uint8Array;
  /** How many files it names. */
  readonly files: number;
  /** How long they are together, in bytes. */
  readonly sizeBytes: number;
  /** The names of the manifest before this one: neither it nor its files are collected yet. */
  readonly before: Uint8Array;
}

/** Files that an effect has left, as its result says. */
export interface WorkspaceChange {
  readonly ref: WorkspaceRef;
  /** `check` of the manifest that it began with; nothing where there was none. */
  readonly base?: Uint8Array;
}

/** No manifest is longer, in bytes: one that says so is damaged. 100,000 files take some 10 MB. */
export const MANIFEST_LIMIT_BYTES: number = 64 * 1024 * 1024;

/** Whether files that an effect has left stand on those that the record names. */
export function standsOn({ base }: WorkspaceChange, present: WorkspaceRef | undefined): boolean {
  return isSameCheck(base, present?.check);
}

/** Whether two say the same files. */
export function isSameWorkspace(one: WorkspaceRef | undefined, other: WorkspaceRef | undefined): boolean {
  return isSameCheck(one?.check, other?.check);
}

/** Why a value is none, if it is none. */
export function whyNoWorkspace(value: unknown): string | undefined {
  const { manifestBytes, names, check, files, sizeBytes, before } = (value ?? {}) as Partial<WorkspaceRef>;
  if (!isCount(manifestBytes) || manifestBytes > MANIFEST_LIMIT_BYTES) return 'the workspace has no size';
  if (!areNames(names) || !areNames(before)) return 'the manifest of its workspace is cut';
  if (!(check instanceof Uint8Array)) return 'the manifest of its workspace has no check';
  if (!isCount(files) || !isCount(sizeBytes)) return 'the workspace has no count';
  return names.length > 0 && manifestBytes > 0 ? undefined : 'the manifest of its workspace is cut';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isSameCheck(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}
