/**
 * `.wakebus/server.json`: how other commands in a folder find its dev server by themselves.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Folder of everything that `wakebus dev` keeps. */
export const DEV_FOLDER = '.wakebus';

/** A running dev server. */
export interface DevServer {
  readonly servers: string;
  readonly prefix?: string;
  /** Of the `wakebus dev` that runs it. */
  readonly pid: number;
}

function pathIn(folder: string): string {
  return join(folder, DEV_FOLDER, 'server.json');
}

/** The living dev server of a folder, or of the nearest folder above it. */
export function readDevServer(folder: string): DevServer | undefined {
  const found = readOne(folder);
  if (found !== undefined) return found;
  return dirname(folder) === folder ? undefined : readDevServer(dirname(folder));
}

/** What a crash left behind names a process that is gone. */
function readOne(folder: string): DevServer | undefined {
  try {
    const server = JSON.parse(readFileSync(pathIn(folder), 'utf8')) as DevServer;
    return typeof server.servers === 'string' && isRunning(server.pid) ? server : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the file, whole or not at all. */
export function writeDevServer(folder: string, server: DevServer): void {
  const path = pathIn(folder);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify({ v: 1, ...server })}\n`);
  renameSync(`${path}.new`, path);
}

export function removeDevServer(folder: string): void {
  rmSync(pathIn(folder), { force: true });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
