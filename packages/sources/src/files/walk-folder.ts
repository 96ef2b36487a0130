/** All plain files below a folder, but what is ignored; folders that are ignored are not entered. */
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Ignore, isIgnored } from './ignored.ts';

/** Paths below the folder, with slashes. */
export async function* walkFolder(folder: string, ignore: Ignore, below: string = ''): AsyncGenerator<string> {
  for (const found of await entriesOf(join(folder, below))) {
    const path = below === '' ? found.name : `${below}/${found.name}`;
    if (isIgnored(path, ignore)) continue;
    if (found.isDirectory()) yield* walkFolder(folder, ignore, path);
    else if (found.isFile()) yield path;
  }
}

/** A folder that goes while others are read holds nothing any more; one that may not be read, nothing to tell. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
