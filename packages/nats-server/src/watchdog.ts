/**
 * Leaves nothing behind: no server, no folder and nothing mounted in it, even when this process is killed
 * with SIGKILL.
 *
 * A small shell waits at the end of a pipe. Every server enters its own process ID into that pipe before
 * it becomes nats-server, so none can start unseen. When the last writer is gone, the pipe ends, and the
 * shell kills the servers still entered and removes the folder. An orderly stop takes the same way.
 */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** Reads `+pid` and `-pid` lines to the end of the input, then kills the former, unmounts what is below the folder `$1`, and removes it. */
const watchdogScript = `
trap '' INT TERM HUP
pids=' '
while read -r line; do
  case "$line" in
    +*) pids="$pids\${line#+} " ;;
    -*) pid=\${line#-}; pids="\${pids%% $pid *} \${pids#* $pid }" ;;
  esac
done
for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
[ -r /proc/mounts ] && while read -r device at rest; do
  case "$at" in "$1"/*) umount -l "$at" ;; esac
done </proc/mounts
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf "$1" 2>/dev/null && ! [ -e "$1" ] && exit 0
  sleep 0.1
done
exit 1
`;

/** Enters the shell's process ID at descriptor 3, then becomes the program. */
const entryScript = 'echo "+$$" >&3; exec "$@" 3>&-';

/** A watchdog over one folder and the programs that run in it. */
export class Watchdog {
  readonly #process: ChildProcessByStdio<Writable, null, null>;

  /**
   * @param folder - Removed when the watch ends, however it ends.
   */
  constructor(folder: string) {
    // Detached: a Ctrl-C at the terminal must not reach it before it reaches us.
    this.#process = spawn('/bin/sh', ['-c', watchdogScript, 'watchdog', folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#process.stdin.on('error', () => {}); // The watchdog itself was killed: nothing to tell it any more.
  }

  /**
   * Starts a program under watch.
   *
   * @param program - Its path.
   * @param args - Its arguments.
   * @param logFd - An open file that takes what it prints.
   * @returns The running process; its ID is the program's own.
   */
  spawn(program: string, args: readonly string[], logFd: number): ChildProcess {
    const child = spawn('/bin/sh', ['-c', entryScript, 'entry', program, ...args], {
      stdio: ['ignore', logFd, logFd, this.#process.stdin],
      detached: true,
    });
    child.once('exit', () => this.#process.stdin.write(`-${child.pid}\n`));
    return child;
  }

  /**
   * Takes a process under watch that was started in another way; it may run for a moment before it is seen.
   *
   * @param child - A process of this one's own.
   */
  watch(child: ChildProcess): void {
    if (child.pid === undefined) return;
    this.#process.stdin.write(`+${child.pid}\n`);
    child.once('exit', () => this.#process.stdin.write(`-${child.pid}\n`));
  }

  /** Ends the watch: kills what still runs, removes the folder, and waits until both are done. */
  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.stdin.end();
    await exited;
  }
}
