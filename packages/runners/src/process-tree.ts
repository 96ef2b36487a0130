/**
 * The processes of one program: the one that was started, and all below it.
 *
 * The program is the leader of a process group, so one signal reaches what it has started and has not left the group.
 * Those that wrap it (bubblewrap, unshare) would die of a signal and take the program with them, so a polite signal
 * goes round them, by what Linux says of the group.
 */
import { readFileSync, readdirSync } from 'node:fs';

const WRAPPERS: readonly string[] = ['bwrap', 'unshare', 'setpriv', 'prlimit'];

/** Sends a signal to a whole process group, if there is one left. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Nothing of it is left.
  }
}

/** Sends a signal to a program and to what it has started, and to nothing that wraps it. */
export function signalProgram(pid: number, signal: NodeJS.Signals): void {
  const pids = membersOf(pid).filter((each) => !WRAPPERS.includes(nameOf(each)));
  if (pids.length === 0) return signalGroup(pid, signal);
  for (const each of pids) {
    try {
      process.kill(each, signal);
    } catch {
      // It has just ended.
    }
  }
}

/** What runs of a process group; only where there is a /proc. */
function membersOf(group: number): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => groupOf(pid) === group);
  } catch {
    return [];
  }
}

function groupOf(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // The name before these fields may hold anything, parentheses too.
  const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' ? undefined : Number(group);
}

function nameOf(pid: number): string {
  return read(`/proc/${pid}/comm`).trim();
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // It has just ended.
  }
}
