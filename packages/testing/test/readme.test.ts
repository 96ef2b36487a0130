import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs a program as if it stood in this package. */
function run(program: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-'], { cwd: root });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
    child.on('error', reject);
    child.on('exit', (code) => resolve({ code, output }));
    child.stdin.end(program);
  });
}

test('the programs in the README run', async () => {
  const readme = await readFile(`${root}/README.md`, 'utf8');
  const programs = [...readme.matchAll(/```ts\n([^]*?)```/g)].map(([, program = '']) => program);
  expect(programs).toHaveLength(2);
  const [workload, own] = await Promise.all(programs.map(run));
  expect(workload).toMatchObject({ code: 0, output: expect.stringMatching(/^\d+ \[\]\n$/) as string });
  expect(own).toMatchObject({ code: 0, output: '5 [] \n' });
});
