import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Watchdog } from '../src/watchdog.ts';
import { lives, nothingIsLeft, until } from './machine.ts';

const parentMain = fileURLToPath(new URL('parent-main.ts', import.meta.url));

/** Starts servers in another process and waits until it says which. */
async function startElsewhere(
  kind: string,
): Promise<{ parent: ReturnType<typeof spawn>; pids: number[]; storeDir: string }> {
  const parent = spawn(process.execPath, [parentMain, kind], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
  return { parent, ...(JSON.parse(line) as { pids: number[]; storeDir: string }) };
}

test.each(['alone', 'cluster'])('a parent that is killed leaves neither a process nor a folder (%s)', async (kind) => {
  const { parent, pids, storeDir } = await startElsewhere(kind);
  expect(pids.every(lives)).toBe(true);

  parent.kill('SIGKILL');

  await until(() => nothingIsLeft(pids, dirname(storeDir)));
});

test('a parent that is killed takes its frozen servers with it', async () => {
  const { parent, pids, storeDir } = await startElsewhere('alone');
  process.kill(pids[0] as number, 'SIGSTOP');

  parent.kill('SIGKILL');

  await until(() => nothingIsLeft(pids, dirname(storeDir)));
});

test('the watchdog forgets a program that has ended, and kills those that have not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wakebus-nats-'));
  const watchdog = new Watchdog(folder);
  const [short, first, second] = [['0'], ['60'], ['60']].map((args) => watchdog.spawn('sleep', args, 2));
  await once(short as NonNullable<typeof short>, 'exit');

  await watchdog.end();

  const pids = [first, second].map((child) => child?.pid ?? 0);
  await until(() => nothingIsLeft(pids, folder));
});
