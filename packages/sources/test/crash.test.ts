/** A process with sources that is killed in mid-stream, again and again: nothing is lost, and nothing comes twice. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type World, eventually, startWorld } from './world.ts';

const MESSAGES = 600;
const FILES = 60;
const KILLS = 3;

let world: World;
let folder: string;
let child: ChildProcess | undefined;

beforeAll(async () => {
  world = await startWorld();
  await world.startNode();
  folder = mkdtempSync(join(tmpdir(), 'wakebus-crash-'));
});

afterAll(async () => {
  await kill();
  rmSync(folder, { recursive: true, force: true });
  await world[Symbol.asyncDispose]();
});

function start(): void {
  child = fork(join(import.meta.dirname, 'source-main.ts'), [world.server.url, 'crash', folder], { silent: true });
}

async function kill(): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function keptOfMessages(): Promise<number[]> {
  const ids = [0, 1, 2, 3].map((n) => `crash-${n}`);
  return (await Promise.all(ids.map((id) => world.kept(id)))).flat().map(Number);
}

test('a killed process loses nothing and doubles nothing', { timeout: 120_000 }, async () => {
  await world.jsm.streams.add({ name: 'crash', subjects: ['crash.>'] });
  const numbers = Array.from({ length: MESSAGES }, (_, n) => n);
  const paths = Array.from({ length: FILES }, (_, n) => `file-${n}`);
  const share = (n: number): number => Math.ceil((n * MESSAGES) / (KILLS + 1));

  for (let i = 0; i <= KILLS; i += 1) {
    start();
    const part = numbers.slice(share(i), share(i + 1));
    await Promise.all(part.map((n) => world.js.publish('crash.new', JSON.stringify({ n }))));
    for (const path of paths.slice((i * FILES) / (KILLS + 1), ((i + 1) * FILES) / (KILLS + 1)))
      writeFileSync(join(folder, path), path);
    // Some of this part has come, and some has not.
    await eventually(async () => (await keptOfMessages()).length).toBeGreaterThan(share(i) + part.length / 4);
    if (i < KILLS) await kill();
  }

  await eventually(async () => (await keptOfMessages()).length).toBe(MESSAGES);
  await eventually(async () => (await world.kept('crash-files')).length).toBe(FILES);
  const consumer = (): ReturnType<World['jsm']['consumers']['info']> =>
    world.jsm.consumers.info('crash', 'wakebus_source_crash');
  await eventually(async () => (await consumer()).num_ack_pending).toBe(0);
  expect((await keptOfMessages()).toSorted((a, b) => a - b)).toEqual(numbers);
  expect((await world.kept('crash-files')).toSorted()).toEqual(paths.map((path) => `added ${path}`).toSorted());
});
