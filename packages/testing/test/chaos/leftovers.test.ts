/** A run leaves nothing behind, however it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';

/** Whether a process with this ID is there. */
function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test(
  'killed, it takes servers, placement nodes and folders with it, stopped ones too',
  { timeout: 60_000 },
  async () => {
    const main = fileURLToPath(new URL('cluster-main.ts', import.meta.url));
    const parent: ChildProcess = spawn(process.execPath, [main], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface(parent.stdout as NodeJS.ReadableStream), 'line')) as [string];
    const { pids, folder } = JSON.parse(line) as { pids: number[]; folder: string };
    expect([pids.length, pids.every(lives), existsSync(folder)]).toEqual([5, true, true]);

    parent.kill('SIGKILL');

    await vi.waitFor(() => expect([pids.filter(lives), existsSync(folder)]).toEqual([[], false]), { timeout: 20_000 });
  },
);
