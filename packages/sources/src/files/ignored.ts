/** Which paths of a watched folder are of no interest. */
import { matchesGlob } from 'node:path';

/** A function over paths below the folder, or globs for them (a `*` does not match a dot at the beginning of a name). */
export type Ignore = ((path: string) => boolean) | readonly string[];

/** What version control, package managers, editors and downloads leave on their way. */
const PASSING =
  /(?:^|\/)(?:\.git|\.hg|\.svn|node_modules)(?:\/|$)|(?:^|\/)(?:\.DS_Store|4913|\.#[^/]*|#[^/]*#|\.nfs[^/]*|\.[^/]*\.sw[a-z]|[^/]*(?:~|\.tmp|\.temp|\.part|\.crdownload))$/;

/** Whether a path is of no interest. */
export function isIgnored(path: string, ignore: Ignore): boolean {
  if (PASSING.test(path)) return true;
  return typeof ignore === 'function' ? ignore(path) : ignore.some((glob) => matchesGlob(path, glob));
}
