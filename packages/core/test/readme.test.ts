/** The agents in the README are defined as they stand there. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('the README’s agents can be defined', async () => {
  const home = join(import.meta.dirname, '..');
  const readme = readFileSync(join(home, 'README.md'), 'utf8');
  const programs = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, program]) => program as string);
  expect(programs).toHaveLength(6);
  // Inside of the package, so that its imports are found.
  const folder = mkdtempSync(join(home, 'readme-'));
  try {
    const types: string[] = [];
    for (const [i, program] of programs.entries()) {
      const file = join(folder, `agent-${i}.ts`);
      writeFileSync(file, program);
      const exported = Object.values((await import(file)) as Record<string, { readonly type: string }>);
      types.push(...exported.map(({ type }) => type));
    }
    expect(types).toEqual(['account', 'order', 'tour', 'matcher', 'reporter', 'inbox']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
