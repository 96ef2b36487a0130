/**
 * Which names a workspace may hold: those that any machine can make again, each for one file, and none that leads
 * out of the folder.
 */

/** Folders within folders. Deeper, and paths are too long for some tool. */
const MAX_DEPTH = 64;
/** Of a path, in bytes; 4,096 is what Linux takes, the folder's own path included. */
const MAX_PATH_BYTES = 3_000;
/** Of one name, in bytes: what file systems take. */
const MAX_NAME_BYTES = 255;
const encoder = new TextEncoder();

/** What is looked at of an entry. */
interface Named {
  readonly kind: 'file' | 'folder' | 'link';
  readonly path: string;
  readonly target?: string;
}

/** Looks at one path after the other. */
export class PathCheck {
  /** Folded: names that differ in nothing but case or the form of their letters are one file elsewhere. */
  readonly #taken = new Map<string, string>();
  readonly #folders = new Set<string>(['']);

  /** So many were added. */
  get count(): number {
    return this.#taken.size;
  }

  /** @returns why an entry cannot be kept, if it cannot. Its folder must have come before it. */
  add(entry: Named): string | undefined {
    const { kind, path } = entry;
    const why = whyNoPath(path) ?? (kind === 'link' ? whyNoLink(path, entry.target) : undefined);
    if (why !== undefined) return why;
    const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (!this.#folders.has(folder)) return 'what it stands in is no folder';
    const folded = path.normalize('NFC').toLowerCase();
    const other = this.#taken.get(folded);
    if (other === path) return 'it is there twice';
    if (other !== undefined)
      return `it differs from ${JSON.stringify(other)} only in case or in the form of its letters`;
    this.#taken.set(folded, path);
    if (kind === 'folder') this.#folders.add(path);
    return undefined;
  }
}

/** Why a path cannot be one, if it cannot. */
export function whyNoPath(path: unknown): string | undefined {
  if (typeof path !== 'string' || path === '') return 'it has no name';
  if (path.startsWith('/')) return 'it is an absolute path';
  if (encoder.encode(path).length > MAX_PATH_BYTES) return `it is longer than ${MAX_PATH_BYTES} bytes`;
  const names = path.split('/');
  if (names.length > MAX_DEPTH) return `it is more than ${MAX_DEPTH} folders deep`;
  for (const name of names) {
    const why = whyNoName(name);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** Why one name of a path cannot be one, if it cannot. */
function whyNoName(name: string): string | undefined {
  if (name === '') return 'it has an empty name in it';
  if (name === '.' || name === '..') return `it has "${name}" in it`;
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(name)) return 'it has a newline or another control character in its name';
  if (name.includes('\ufffd') || !name.isWellFormed()) return 'its name is not UTF-8';
  return encoder.encode(name).length > MAX_NAME_BYTES ? `its name is longer than ${MAX_NAME_BYTES} bytes` : undefined;
}

/**
 * Why a link is not kept, if it is not. It may go up as far as the workspace's folder, and then down: what it
 * passes on its way down may be links in turn, each of which keeps to the same.
 */
function whyNoLink(path: string, target: unknown): string | undefined {
  if (typeof target !== 'string' || target === '') return 'it is a link to nowhere';
  if (target.startsWith('/')) return 'it is a link to an absolute path';
  const names = target.split('/');
  const ups = names.findIndex((name) => name !== '..');
  const down = ups < 0 ? [] : names.slice(ups);
  const depth = path.split('/').length - 1;
  if ((ups < 0 ? names.length : ups) > depth) return 'it is a link that leads out of the folder';
  if (down.length === 1 && down[0] === '.') return undefined;
  const why =
    down.length === 0 ? undefined : whyNoPath(down.at(-1) === '' ? down.slice(0, -1).join('/') : down.join('/'));
  return why === undefined ? undefined : `it is a link, and of what that names, ${why}`;
}
