/**
 * How the tests run. It lies here to keep the top level short; `setup.mjs` hands it to vitest.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  cacheDir: fileURLToPath(new URL('../.cache/vitest', import.meta.url)),
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
    pool: 'forks',
    // Two files at a time: each may run a cluster of three servers, and the smallest machine has two cores.
    maxWorkers: 2,
    // A cluster that elects, fails and elects again needs 10 s on a busy machine, shrinking a simulation half a minute.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Polls end as soon as they hold. What a quiet machine shows within vitest's second takes a busy one several.
    expect: { poll: { timeout: 10_000 } },
  },
});
