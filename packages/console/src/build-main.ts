/** Builds the console's files: `node build-main.ts <folder>`. A process of its own, so that no gateway has Vite in its memory. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Plugin, build } from 'vite';

/** What errors mean is written in one place; the console has a copy. */
const errors: Plugin = {
  name: 'errors',
  generateBundle() {
    const source = readFileSync(join(import.meta.dirname, '..', '..', 'protocol', 'ERRORS.md'));
    this.emitFile({ type: 'asset', fileName: 'errors.md', source });
  },
};

const [outDir = 'dist/site'] = process.argv.slice(2);

await build({
  configFile: false,
  root: join(import.meta.dirname, 'app'),
  // A gateway may be mounted below any path.
  base: './',
  logLevel: 'warn',
  plugins: [errors],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: resolve(outDir),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    // As files: the page's policy allows no data in place of scripts and styles.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
});
