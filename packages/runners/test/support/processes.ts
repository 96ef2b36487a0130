/** What runs on this machine, by a mark in its environment: asked of /proc, and of nobody who might be wrong. */
import { readFileSync, readdirSync } from 'node:fs';

/** IDs of the processes whose environment holds a mark, zombies aside. */
export function markedProcesses(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => read(`/proc/${pid}/environ`).includes(mark))
    .map(Number);
}

/** Files that this process holds open, sockets and pipes included. */
export function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Whether somebody listens on a port. */
export function isListening(port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return ['tcp', 'tcp6'].some((table) =>
    read(`/proc/net/${table}`)
      .split('\n')
      .some((line) => / 0A /.test(line) && line.includes(`:${hex} `)),
  );
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // It has just ended.
  }
}
