/**
 * Applies edits to sources while Node.js loads them: nothing on disk is touched, and the runtime knows nothing of it.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Edit } from './mutant.ts';

const packages = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * Edits every module that is loaded from now on.
 *
 * @throws {Error} at once, when a text does not stand exactly once in its file.
 */
export function mutate(edits: readonly Edit[]): void {
  const sources = new Map<string, string>();
  for (const { file, find, replace } of edits) {
    const path = packages + file;
    const source = sources.get(path) ?? readFileSync(path, 'utf8');
    const times = source.split(find).length - 1;
    if (times !== 1) throw new Error(`"${find}" stands ${times} times in ${file}, and must stand there once`);
    sources.set(
      path,
      source.replace(find, () => replace),
    );
  }
  registerHooks({
    load(url, context, nextLoad) {
      const source = url.startsWith('file:') ? sources.get(fileURLToPath(url)) : undefined;
      return source === undefined
        ? nextLoad(url, context)
        : { source, format: 'module-typescript', shortCircuit: true };
    },
  });
}
