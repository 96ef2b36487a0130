/** What happened to a file, as mappings see it, and what is remembered of one. */

/** A file as it was looked at. */
export interface FileFacts {
  readonly sizeBytes: number;
  /** When it was last written, in milliseconds since the epoch. */
  readonly mtimeMs: number;
  /** SHA-256 of its bytes, in hexadecimal. */
  readonly hash: string;
}

/** One change: a burst of writes, or a save by renaming a new file into place, is one. Of a removed file the facts are its last ones. */
export interface FileChange extends FileFacts {
  readonly kind: 'added' | 'changed' | 'removed' | 'renamed';
  /** Below the folder, with slashes. */
  readonly path: string;
  /** Where a renamed one was. */
  readonly from?: string;
}

/** What is remembered of a path. Not there: nobody has seen a file there, or its removal has been told. */
export interface FileEntry {
  readonly path: string;
  /** As it was told, or is about to be. Not there: it is gone. */
  readonly seen?: FileFacts & { readonly inode: number };
  /** A change that nobody has told for sure. */
  readonly owed?: FileChange;
}

/** What has become of a path. Nothing, when its bytes are what they were. */
export function changeOf(
  path: string,
  before: FileFacts | undefined,
  now: FileFacts | undefined,
): FileChange | undefined {
  if (before === undefined) return now && factsOf('added', path, now);
  if (now === undefined) return factsOf('removed', path, before);
  return before.hash === now.hash ? undefined : factsOf('changed', path, now);
}

/** A file's new name. */
export function renameOf(path: string, from: string, facts: FileFacts): FileChange {
  return { ...factsOf('renamed', path, facts), from };
}

function factsOf(kind: FileChange['kind'], path: string, { sizeBytes, mtimeMs, hash }: FileFacts): FileChange {
  return { kind, path, sizeBytes, mtimeMs, hash };
}
