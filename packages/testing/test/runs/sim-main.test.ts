import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FigureRow } from '@wakebus/testing';
import { expect, test } from 'vitest';

const main = fileURLToPath(new URL('../../src/sim-main.ts', import.meta.url));

/** Runs `npm run sim` with some arguments. */
function sim(...args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args]);
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (output += data.toString()));
    child.on('error', reject);
    child.on('exit', (code) => resolve({ code, output }));
  });
}

test('runs the seeds that it is asked for, and writes its figures as rows', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wakebus-sim-'));
  try {
    const file = join(folder, 'rows.jsonl');
    const { code } = await sim('--seeds', '2', '--from', '7', '--workload', 'bank', '--json', file);
    expect(code).toBe(0);
    const rows = (await readFile(file, 'utf8')).trim().split('\n');
    const values = new Map(rows.map((row) => JSON.parse(row) as FigureRow).map(({ name, value }) => [name, value]));
    expect(values.get('sim runs passed')).toBe(2);
    expect(values.get('sim steps')).toBeGreaterThan(400);
    expect(values.get('sim steps a second and core')).toBeGreaterThan(0);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('takes a long pass in parts, and says how much of it that was', async () => {
  const { code, output } = await sim('--exhaustive', '--part', '3/300');
  expect([code, output]).toEqual([0, expect.stringMatching(/awaits struck by a crash +[1-9]\d? points/)]);
  expect((await sim('--exhaustive', '--part', '4/3')).code).toBe(2);
});

test('fails when no run counts, and says why', async () => {
  const { code, output } = await sim('--seeds', '5-5', '--workload', 'ledger', '--operations', '3');
  expect(code).toBe(1);
  expect(output).toContain('ledger, seed 5, did not count:');
});
