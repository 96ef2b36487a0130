/** The program in the README runs as it stands there. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { defineAgent, reply } from '@wakebus/core';
import { expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { startDeployment } from './deployment.ts';

const machine = setup({
  types: { context: {} as { greeted: number }, events: {} as { type: 'greet'; name: string } },
}).createMachine({
  context: { greeted: 0 },
  on: {
    greet: {
      actions: [
        assign({ greeted: ({ context }) => context.greeted + 1 }),
        reply(({ event }) => `Hello, ${event.name}`),
      ],
    },
  },
});

test('the README’s program sends, calls and inspects', async () => {
  await using deployment = await startDeployment();
  await deployment.startNode([defineAgent({ type: 'hello', machine })]);
  const readme = readFileSync(join(import.meta.dirname, '..', 'README.md'), 'utf8');
  const program =
    /```ts\n([\s\S]*?)```/.exec(readme)?.[1]?.replace('nats://127.0.0.1:4222', deployment.server.url) ?? '';
  // Git ignores it, and imports from it find this package's dependencies.
  const parent = join(import.meta.dirname, '..', 'dist');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'readme-'));
  writeFileSync(join(folder, 'program.ts'), program);

  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'program.ts')]);
  rmSync(folder, { recursive: true });

  expect(stdout).toMatch(/^[0-9a-f]+-1 Hello, Ada \{\} \{ greeted: 2 \}\n$/);
});
