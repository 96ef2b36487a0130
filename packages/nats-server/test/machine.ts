/**
 * What the tests ask the machine: does a process live, does a folder exist, and has a condition come true.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether a process with this ID runs. One that has ended and waits for its parent to notice does not. */
export function lives(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}

/** Whether neither the processes nor the folder are there any more. */
export function nothingIsLeft(pids: readonly number[], folder: string): boolean {
  return !pids.some(lives) && !existsSync(folder);
}

/** Waits until a condition holds; the test's own time limit ends the wait. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** A new temporary folder. The test removes it. */
export async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'wakebus-test-'));
}

/** Writes a program called `nats-server` that says that it is a given version, and returns its path. */
export async function fakeServer(folder: string, version: string): Promise<string> {
  const path = join(folder, 'nats-server');
  await writeFile(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  await chmod(path, 0o755);
  return path;
}
